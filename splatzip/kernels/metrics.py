"""Metrics of pictures in native code: native/src/metrics.cpp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatzip import _core

Floats = NDArray[np.float32]


def mean_squared_error(a: Floats, b: Floats, *, threads: int) -> float:
    """Of two contiguous (H, W, 3) pictures of one size."""
    return float(_core.mean_squared_error(a, b, threads=threads))


def structural_similarity(a: Floats, b: Floats, *, threads: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """SSIM and its contrast-structure factor of two pictures of one size: (3,) each, means over pixels by colour."""
    ssim, contrast = _core.structural_similarity(a, b, threads=threads)
    return np.array(ssim), np.array(contrast)
