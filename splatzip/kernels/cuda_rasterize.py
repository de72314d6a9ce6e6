"""The rasterizer for GPUs (cuda/raster.h): batches of pictures of one scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from splatzip.errors import BackendError
from splatzip.kernels.device import require_cuda
from splatzip.kernels.rasterize import Doubles, Floats

_ATTRIBUTES = ("positions", "log_scales", "rotations", "opacity_logits", "sh")


class CudaRasterizer:
    """Draws one scene again and again, on a GPU.

    Args:
        precise: keep everything in float32, as gradients and scores need it; else SH, colours and opacities are 16-bit
            floats, which costs less than 60 dB shows.
        core: what draws; None is the GPU's. Tests give the emulation.
    Raises: BackendError if CUDA was not built or there is no GPU.
    """

    def __init__(self, *, precise: bool = False, core: Any = None) -> None:
        self._core = require_cuda().make_raster(precise) if core is None else core

    def set_scene(self, arrays: Mapping[str, Floats]) -> None:
        """Take a copy of the five attribute arrays of a Scene."""
        degree = int(arrays["sh"].shape[1] ** 0.5) - 1
        in_order = [np.ascontiguousarray(arrays[name], np.float32) for name in _ATTRIBUTES]
        self._call("set_scene", *in_order, degree)

    def render(
        self, world_to_cameras: Sequence[Doubles], origin: Doubles,
        intrinsics: Sequence[tuple[float, float, float, float]], size: tuple[int, int], background: Floats, *,
        exact_extent: bool, antialias: bool, depth: bool, keep: bool = False,
    ) -> tuple[Floats, Floats, Floats | None]:  # fmt: skip
        """Draw a batch of V views of one size.

        Args:
            world_to_cameras: V times (4, 4), rigid motions; intrinsics: V times fx, fy, cx, cy in pixels.
            origin, background: (3,).
            keep: gradients of these pictures may be asked for.
        Returns: colour (V, H, W, 3), alpha (V, H, W), expected depth (V, H, W) or None.
        Raises: BackendError if memory is short or splats lie on too many tiles.
        """
        color, alpha, depths = self._call(
            "render",
            np.ascontiguousarray(world_to_cameras, np.float64),
            np.ascontiguousarray(origin, np.float64),
            np.array(intrinsics, np.float64),
            *size,
            np.ascontiguousarray(background, np.float32),
            exact_extent,
            antialias,
            depth,
            keep,
        )
        return color, alpha, depths

    def _call(self, name: str, *arguments: Any) -> Any:
        try:
            return getattr(self._core, name)(*arguments)
        except RuntimeError as problem:
            raise BackendError(f"device cuda: {problem}") from None
