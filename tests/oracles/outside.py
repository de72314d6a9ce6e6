"""Renderers of other people that the tests compare with: the judge beside the real scenes, and gsplat's torch code."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from splatzip import Scene
from splatzip.scene.cameras import Camera


def gsplat_torch_code() -> ModuleType:
    """gsplat/cuda/_torch_impl.py by its path: importing the package would look for CUDA and build."""
    package = importlib.util.find_spec("gsplat")
    assert package is not None, "gsplat is missing: install the test extra"
    assert package.submodule_search_locations
    return _module(Path(package.submodule_search_locations[0]) / "cuda" / "_torch_impl.py", "gsplat_torch_code")


def judge_module(scenes: Path) -> ModuleType:
    """The judge itself; `tools/judge` lies beside the folder that holds the real scenes."""
    return _module(scenes.parent / "tools" / "judge" / "judge.py", "scene_judge")


class Judge:
    """The judge's own pictures of a scene."""

    def __init__(self, scenes: Path, scene: Scene) -> None:
        self._judge = judge_module(scenes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it leaves closing its source to Python
            self._library = self._judge.lib()
        rest = np.zeros((len(scene), 15, 3), np.float32)
        rest[:, : scene.sh.shape[1] - 1] = scene.sh[:, 1:]
        self._splats = {
            "n": len(scene),
            "xyz": scene.positions,
            "quat": scene.rotations,
            "ls": scene.log_scales,
            "op": scene.opacity_logits,
            "dc": np.ascontiguousarray(scene.sh[:, 0]),
            "sh": rest.reshape(len(scene), -1),
        }

    def render(self, camera: Camera) -> np.ndarray[Any, np.dtype[np.float32]]:
        """(H, W, 3), clipped to 0..1, on black."""
        numbers = (camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height)
        picture = self._judge.render(self._library, self._splats, (camera.world_to_camera, *numbers))
        return np.asarray(picture)


def psnr(a: Any, b: Any) -> float:
    """dB between two pictures in 0..1."""
    return float(-10 * np.log10(np.mean((np.clip(a, 0, 1).astype(np.float64) - np.clip(b, 0, 1)) ** 2) + 1e-12))


def _module(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None, f"{path} is missing"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
