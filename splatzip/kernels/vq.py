"""The search for codebook entries, for training and coding, in native code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatzip import _core

MOST_NUMBER = 4095  # sums of products stay within 32 bits up to 96 numbers


def nearest_entries(rows: NDArray[np.int16], entries: NDArray[np.int16], *, threads: int = 0) -> NDArray[np.int32]:
    """Which entry of a codebook is nearest to each row; the first of several.

    Args:
        rows: (N, D), at most MOST_NUMBER in size, D at most 96.
        entries: (K, D), the same.
        threads: 0 for every core.
    Returns: (N,) the same from every instruction set.
    """
    assert rows.shape[1] == entries.shape[1] <= 96
    assert max(np.abs(rows).max(initial=0), np.abs(entries).max(initial=0)) <= MOST_NUMBER
    found = _core.nearest_entries(
        np.ascontiguousarray(rows, np.int16), np.ascontiguousarray(entries, np.int16), threads
    )
    return np.asarray(found)
