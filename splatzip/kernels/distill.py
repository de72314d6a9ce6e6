"""Least squares of SH, splat by splat, in native code: native/src/distill.cpp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatzip import _core

Floats = NDArray[np.float32]


def distill_errors(sh: Floats, moments: Floats, *, floor: float, threads: int) -> Floats:
    """(N, D+1) what keeping each degree costs; degree D of sh (N, 1+B, 3), moments (N, (1+B)(2+B)/2)."""
    return np.asarray(_core.distill_errors(*_contiguous(sh, moments), floor, threads))


def distilled(sh: Floats, moments: Floats, degrees: NDArray[np.uint8], *, floor: float, threads: int) -> Floats:
    """(N, 1+B, 3) the best coefficients of each splat's degree (N,); zeros above."""
    degrees = np.ascontiguousarray(degrees, np.uint8)
    assert degrees.shape == (len(sh),)
    assert (int(degrees.max()) + 1) ** 2 <= sh.shape[1]
    return np.asarray(_core.distill(*_contiguous(sh, moments), degrees, floor, threads))


def _contiguous(sh: Floats, moments: Floats) -> tuple[Floats, Floats]:
    splats, count = sh.shape[:2]
    assert moments.shape == (splats, count * (count + 1) // 2)
    return np.ascontiguousarray(sh, np.float32), np.ascontiguousarray(moments, np.float32)
