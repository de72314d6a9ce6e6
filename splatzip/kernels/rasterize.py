"""The native rasterizer: a prepared scene and the memory of its frames, kept from picture to picture."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from splatzip import _core
from splatzip.errors import BackendError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class NativeRasterizer:
    """Draws one scene again and again, on the CPU. Calls from several threads wait for each other."""

    def __init__(self) -> None:
        self._core = _core.Rasterizer()
        self._lock = threading.Lock()

    def set_scene(self, arrays: Mapping[str, Floats], *, threads: int = 0) -> None:
        """Take a copy of the five attribute arrays, laid out for vector code."""
        in_order = [arrays[name] for name in ("positions", "log_scales", "rotations", "opacity_logits", "sh")]
        degree = int(arrays["sh"].shape[1] ** 0.5) - 1
        with self._lock:
            self._core.set_scene(*(np.ascontiguousarray(array, np.float32) for array in in_order), degree, threads)

    def render(
        self, world_to_camera: Doubles, origin: Doubles, intrinsics: tuple[float, float, float, float],
        size: tuple[int, int], background: Floats, *, exact_extent: bool, antialias: bool, depth: bool, threads: int,
    ) -> tuple[Floats, Floats, Floats | None]:  # fmt: skip
        """Draw the scene.

        Args:
            world_to_camera: (4, 4), a rigid motion.
            origin: (3,) what the positions are relative to.
            intrinsics: fx, fy, cx, cy in pixels.
            size: width and height in pixels.
            background: (3,).
            depth: without it, the third picture is None.
        Returns: colour (H, W, 3), alpha (H, W), expected depth (H, W).
        """
        with self._lock:
            pictures = self._core.render(
                np.ascontiguousarray(world_to_camera, np.float64),
                np.ascontiguousarray(origin, np.float64),
                np.array(intrinsics, np.float64),
                *size,
                np.ascontiguousarray(background, np.float32),
                exact_extent,
                antialias,
                depth,
                threads,
            )
        if pictures is None:
            raise BackendError(f"{size[0]}x{size[1]} pixels: too many splats on too many tiles; draw a smaller picture")
        color, alpha, depths = pictures
        return np.asarray(color), np.asarray(alpha), None if depths is None else np.asarray(depths)
