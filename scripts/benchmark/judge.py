"""dB against the source: an independent CPU renderer compares two scenes.

The judge is a folder with `judge.py` (its README says how it renders); it shares no code with splatzip. One rule for
views: the test views of the scene's transforms.json where there is one, else 12 orbit views at 640x480. A table shows
one kind of view only.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmark.scenes import DATA, BenchScene
from splatzip import Scene

DEFAULT_JUDGE = DATA.parent / "tools" / "judge"
_MOST_COEFFICIENTS = 15  # the judge renders up to degree 3


class Judge:
    """Renders a source once and scores what was decoded against it.

    Attributes:
        views: "test" or "orbit".
    """

    def __init__(self, folder: Path, scene: BenchScene, source: Scene) -> None:
        self._judge = _load(folder)
        self._library = self._judge.lib()
        reference = splats_of(source)
        if scene.cameras is not None:
            self.views = "test"
            self._cameras, _ = self._judge.json_cams(str(scene.cameras))
        else:
            self.views = "orbit"
            with np.errstate(over="ignore"):  # the logit of an invisible splat is -Inf
                self._cameras = self._judge.orbit_cams(reference)
        self._wanted = self._render(reference)

    def score(self, splats: dict[str, Any]) -> dict[str, Any]:
        """PSNR of every view, their mean and the worst.

        Args:
            splats: from `splats_of` or `read_ply`.
        """
        pairs = zip(self._wanted, self._render(splats), strict=True)
        decibels = [round(self._judge.psnr(wanted, have), 3) for wanted, have in pairs]
        return {"views": self.views, "db": float(np.mean(decibels)), "db_worst": min(decibels), "db_views": decibels}

    def read_ply(self, path: Path) -> dict[str, Any]:
        """A PLY as the judge itself reads it."""
        splats: dict[str, Any] = self._judge.read_ply(str(path))
        return splats

    def _render(self, splats: dict[str, Any]) -> list[Any]:
        return [
            self._judge.render(self._library, splats, camera, 0.0, int(number == 0))
            for number, camera in enumerate(self._cameras)
        ]


def splats_of(scene: Scene) -> dict[str, Any]:
    """A scene in the judge's arrays."""
    rest = np.zeros((len(scene), _MOST_COEFFICIENTS, 3), np.float32)
    coefficients = min(scene.sh.shape[1] - 1, _MOST_COEFFICIENTS)
    rest[:, :coefficients] = scene.sh[:, 1 : 1 + coefficients]
    return {
        "n": len(scene),
        "k": coefficients,
        "xyz": (scene.positions + scene.origin).astype(np.float32),
        "quat": scene.rotations,
        "ls": scene.log_scales,
        "op": scene.opacity_logits,
        "dc": np.ascontiguousarray(scene.sh[:, 0]),
        "sh": rest.reshape(len(scene), -1),
    }


def _load(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("scene_judge", folder / "judge.py")
    if spec is None or spec.loader is None or not (folder / "judge.py").is_file():
        raise SystemExit(f"no judge.py in {folder}; name its folder with --judge")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
