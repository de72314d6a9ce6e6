"""exp and log with the same bits on every machine (FORMAT.md, "Exact functions")."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip import _core

LN2 = 0.6931471805599453


def exact_exp(x: ArrayLike) -> NDArray[np.float64]:
    """e^x elementwise, float64 in and out; x is clamped to [-700, 700]."""
    flat = np.ascontiguousarray(x, np.float64)
    return np.asarray(_core.exact_exp(flat.reshape(-1))).reshape(flat.shape)


def exact_log(x: ArrayLike) -> NDArray[np.float64]:
    """ln x elementwise, float64 in and out; -745 where x is not a positive normal number."""
    flat = np.ascontiguousarray(x, np.float64)
    return np.asarray(_core.exact_log(flat.reshape(-1))).reshape(flat.shape)
