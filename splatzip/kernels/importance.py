"""A splat's estimated contribution to pictures, in native code: native/src/importance.cpp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatzip import _core

Floats = NDArray[np.float32]


def estimate_importance(
    positions: Floats, log_scales: Floats, opacity_logits: Floats, *, threads: int
) -> NDArray[np.float64]:
    """(N,) of positions (N, 3), log_scales (N, 3), opacity_logits (N,)."""
    return np.asarray(_core.estimate_importance(positions, log_scales, opacity_logits, threads=threads))
