"""A scene that somebody looks at: its splats, what is known of its file, and what draws it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from splatzip import (
    BackendError,
    Camera,
    NotSplatzipError,
    Picture,
    Renderer,
    Scene,
    SplatzipError,
    chosen_device,
    decompress_on_gpu,
    info,
    load,
    renderer,
    stored_bytes,
)

Device = Literal["auto", "cpu", "cuda"]
STYLES = ("splats", "ellipsoids", "centres")
_SOLID_LOGIT = 12.0  # opaque as far as eight bits can tell
_ELLIPSOID = np.log(0.62)  # of a splat's size: there an opaque Gaussian has fallen to what looks like an edge
_UNLIKE = 0.25  # standard deviation of how much lighter or darker one ellipsoid is, in SH of degree 0
_CENTRE = 0.0015  # size of a centre, in scene radii


@dataclass
class OpenScene:
    """A loaded scene.

    Attributes:
        name: what the page calls it.
        path: of the file, which stays where it is as long as this is open.
        scene: its splats; never changed.
        bytes: of the file as it is stored.
        facts: what `splatzip.info` says of a .splatz; None for other formats.
    """

    name: str
    path: Path
    scene: Scene
    bytes: int
    facts: dict[str, Any] | None
    _drawn_by: dict[tuple[str, Device], Renderer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @staticmethod
    def load(path: Path, name: str | None = None) -> OpenScene:
        """Read a file of any format.

        Raises: SplatzipError that names the file as the page does; OSError.
        """
        name = name or path.name
        try:
            scene = load(path)
            facts = facts_of(path)
        except SplatzipError as error:
            text = str(error).replace(str(path), name)
            raise type(error)(text if name in text else f"{name}: {text}") from error
        return OpenScene(name, path, scene, stored_bytes(path), facts)

    def picture(self, camera: Camera, style: str = "splats", *, device: Device = "cpu") -> Picture:
        """Draw it in one of STYLES.

        Raises: BackendError if the picture takes more memory than may be, or the device is not there.
        """
        return self._renderer(style, device).render(camera)

    def pixels(self, camera: Camera, style: str = "splats", *, device: Device = "cpu") -> NDArray[np.uint8]:
        """The colour alone, (H, W, 3) in 255ths: all that a GPU has to hand over for a look.

        Raises: as `picture`.
        """
        return self._renderer(style, device).render_bytes(camera)

    @cached_property
    def ball(self) -> tuple[NDArray[np.float64], float]:
        """Centre (3,) and radius of where most splats are."""
        return _ball(self.scene)

    def _renderer(self, style: str, device: Device) -> Renderer:
        """What draws: the one place that knows how."""
        with self._lock:
            found = self._drawn_by.get((style, device))
            if found is None:
                for other in set(self._drawn_by) - {("splats", device)}:  # one beside the splats is enough memory
                    del self._drawn_by[other]
                found = self._drawn_by[style, device] = self._made_ready(style, device)
            return found

    def _made_ready(self, style: str, device: Device) -> Renderer:
        if style == "splats" and self.facts is not None and chosen_device(device) == "cuda":
            try:
                return renderer(decompress_on_gpu(self.path))  # from the file's bytes, not by way of the host
            except BackendError:  # too little memory
                if device == "cuda":
                    raise
        return renderer(_styled(self.scene, style), device=device)


def facts_of(path: Path) -> dict[str, Any] | None:
    """What `splatzip.info` says of a .splatz; None of any other format. By content: a name proves nothing."""
    if not path.is_file():
        return None
    try:
        return info(path)
    except NotSplatzipError:
        return None


def _styled(scene: Scene, style: str) -> Scene:
    """The scene as it is, or made of solid shapes that show where splats are and how they lie."""
    if style == "splats":
        return scene
    solid = np.full(len(scene), _SOLID_LOGIT, np.float32)
    seen = scene.opacity_logits > -2.2  # opacity 0.1: what hardly shows would hide the rest
    solid[~seen] = -np.inf
    base = scene.sh[:, :1]
    if style == "ellipsoids":
        lighter = np.random.default_rng(0).normal(0, _UNLIKE, (len(scene), 1, 1)).astype(np.float32)
        base = base + lighter  # neighbours are to be told apart
        return scene.edited(opacity_logits=solid, log_scales=scene.log_scales + np.float32(_ELLIPSOID), sh=base)
    if style != "centres":
        raise SplatzipError(f"there is no style {style!r}; choose {', '.join(STYLES)}")
    _, radius = _ball(scene)
    size = np.full_like(scene.log_scales, np.log(_CENTRE * radius))
    return scene.edited(opacity_logits=solid, log_scales=size, sh=base)


def _ball(scene: Scene) -> tuple[NDArray[np.float64], float]:
    """Centre (3,) and radius of where most splats are."""
    centre = np.median(scene.positions, axis=0)
    radius = float(np.quantile(np.linalg.norm(scene.positions - centre, axis=1), 0.85)) or 1.0
    return centre + scene.origin, radius
