"""A thumbnail of a file for the gallery: rendered from its first bytes, at its opening view.

first bytes of a .splatz -> splats that stand in for the rest -> opening camera, or the best side -> JPEG
"""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from splatzip.decode import decompress
from splatzip.errors import SplatzipError, TruncatedError
from splatzip.raster import render
from splatzip.scene import Camera, Scene
from splatzip.views import turntable
from splatzip.views.opening import fullest

WIDTH, HEIGHT = 400, 250
_LEAST_BYTES = 1 << 20
_SHARE = 10  # of a larger file, one part in so many: its coarser tiers
_FOV_Y_DEGREES = 50.0
_SIDES = 8
_BACKGROUND = (0.07, 0.08, 0.09)
_KEPT = 256
_one_at_a_time = threading.Lock()  # drawing takes every core


def thumbnail(path: Path) -> bytes:
    """A JPEG of WIDTH x HEIGHT; drawn once, as long as the file stays the same.

    Raises: SplatzipError, OSError.
    """
    stat = path.stat()
    with _one_at_a_time:
        return _drawn(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=_KEPT)
def _drawn(path: Path, _mtime: int, size: int) -> bytes:
    scene = _coarse(path, size)
    color = render(scene, _camera(scene), background=_BACKGROUND).color
    out = io.BytesIO()
    Image.fromarray(np.rint(255 * np.clip(color, 0, 1)).astype(np.uint8)).save(out, "JPEG", quality=85)
    return out.getvalue()


def _coarse(path: Path, size: int) -> Scene:
    """What the first bytes show; all of the file where they show nothing."""
    with path.open("rb") as file:
        start = file.read(max(_LEAST_BYTES, size // _SHARE))
    try:
        return decompress(start, strict=False)
    except TruncatedError:
        return decompress(path, strict=False)


def _camera(scene: Scene) -> Camera:
    """As the file says, else from the side where most can be seen."""
    said = scene.meta.camera
    if said is not None and (camera := _said(scene, said)) is not None:
        return camera
    sides = turntable(scene, frames=_SIDES, width=HEIGHT, height=HEIGHT).cameras
    return replace(fullest(scene, sides), width=WIDTH, cx=WIDTH / 2)  # as far away as a square needs it


def _said(scene: Scene, camera: Mapping[str, Any]) -> Camera | None:
    try:
        up = np.asarray(camera.get("up") or scene.meta.up or (0.0, -1.0, 0.0), np.float64)
        half = np.tan(np.radians(float(camera.get("fov_y_degrees", _FOV_Y_DEGREES))) / 2)
        return Camera.look_at(
            scene.origin + np.asarray(camera["position"], np.float64),
            scene.origin + np.asarray(camera["target"], np.float64),
            down=-up, width=WIDTH, height=HEIGHT, fov_x_rad=float(2 * np.arctan(half * WIDTH / HEIGHT)),
        )  # fmt: skip
    except (SplatzipError, KeyError, TypeError, ValueError):  # what a file says of itself need not make sense
        return None
