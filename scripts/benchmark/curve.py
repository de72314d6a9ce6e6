"""Between the points of a curve: bytes (or bits) at a dB, interpolated in their logarithm and never beyond the ends."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence


def size_at(points: Sequence[tuple[float, float]], db: float) -> float | None:
    """The size at a dB, the largest where the curve crosses it more than once.

    Args:
        points: (dB, size) of the qualities in ascending order.
    Returns: None outside of the curve.
    """
    crossings = []
    for (low, small), (high, large) in itertools.pairwise(points):
        if min(low, high) <= db <= max(low, high) and low != high:
            share = (db - low) / (high - low)
            crossings.append(math.exp((1 - share) * math.log(small) + share * math.log(large)))
    return max(crossings, default=None)
