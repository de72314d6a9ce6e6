"""Cameras as the kernels take them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from splatzip.kernels.view import BLACK, View
from splatzip.scene import Camera


def view_of(
    camera: Camera, origin: ArrayLike, *, background: ArrayLike = BLACK, exact_extent: bool = False,
    antialias: bool = False,
) -> View:  # fmt: skip
    """A picture by this camera of a scene whose positions are relative to `origin` (3,)."""
    return View(
        np.ascontiguousarray(camera.world_to_camera),
        np.array(camera.lens),
        camera.width,
        camera.height,
        np.ascontiguousarray(origin, np.float64),
        np.ascontiguousarray(background, np.float32).reshape(3),
        exact_extent,
        antialias,
    )
