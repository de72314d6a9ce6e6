"""Quaternions by their three smallest components, as SOG and compressed.ply store them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Components that stay when the largest is left out, in order.
KEPT = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])


def smallest_three(rotations: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Leave the largest component out; its sign is made positive, which is the same rotation.

    Args:
        rotations: (N, 4) quaternions of any length but zero.
    Returns: (N,) which component is left out, and (N, 3) the others of the unit quaternion times sqrt 2, in -1..1.
    """
    q = rotations.astype(np.float64)
    q /= np.abs(q).max(1, keepdims=True)  # first, so that squares neither overflow nor vanish
    q /= np.sqrt((q * q).sum(1, keepdims=True))
    largest = np.abs(q).argmax(1)
    rows = np.arange(len(q))
    sign = np.where(q[rows, largest] < 0.0, -1.0, 1.0)
    return largest, q[rows[:, None], KEPT[largest]] * sign[:, None] * np.sqrt(2.0)
