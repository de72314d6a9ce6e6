"""A view of a scene, as every kernel that draws takes it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLACK = np.zeros(3, np.float32)


class View(NamedTuple):
    """A picture to draw. Native code reads these fields by name (native/bind/view.h).

    Attributes:
        world_to_camera: (4, 4) float64, a rigid motion.
        lens: (5,) float64: fx, fy, cx, cy in pixels, near plane.
        width, height: pixels.
        origin: (3,) float64, what the scene's positions are relative to.
        background: (3,) float32.
        exact_extent: splats end at alpha 1/255 alone, not at 3 sigma.
        antialias: opacities compensate for the dilation of splats.
    """

    world_to_camera: NDArray[np.float64]
    lens: NDArray[np.float64]
    width: int
    height: int
    origin: NDArray[np.float64]
    background: NDArray[np.float32] = BLACK
    exact_extent: bool = False
    antialias: bool = False
