"""Orders of splats: along a space-filling curve, where neighbours in space become neighbours in a file; by a value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 21  # an axis: three fit in 63 bits
SPREAD = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def morton_order(positions: NDArray[np.float32]) -> NDArray[np.intp]:
    """Z-order over the bounding box, 21 bits an axis.

    Args:
        positions: (N, 3) finite.
    Returns: (N,) indices; splats of one cell keep their order.
    """
    low = positions.min(0).astype(np.float64)
    span = positions.max(0) - low
    cells = (positions - low) * ((2**BITS - 1) / np.where(span > 0.0, span, 1.0))
    code = np.zeros(len(positions), np.uint64)
    for axis in range(3):
        code |= _spread(cells[:, axis].astype(np.uint64)) << np.uint64(axis)
    return np.argsort(code, kind="stable")


def among_largest(values: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """(N,) whether a value is among the `count` largest, at least one; of equal ones the first are."""
    least = np.partition(values, len(values) - count)[len(values) - count]
    chosen: NDArray[np.bool_] = values > least
    chosen[np.flatnonzero(values == least)[: count - np.count_nonzero(chosen)]] = True
    return chosen


def _spread(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Two zero bits before each bit."""
    for shift, mask in SPREAD:
        value = (value | value << np.uint64(shift)) & np.uint64(mask)
    return value
