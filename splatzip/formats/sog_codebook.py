"""One codebook of 256 numbers for many values: least squares in one dimension."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ENTRIES = 256
# Density is estimated in so many bins of equal count. More would find the least squares closer, but leave outliers
# further off: with these, both the mean and the largest error are those of splat-transform (leica, chair).
BINS = 256
ITERATIONS = 60

Floats = NDArray[np.float64]


def quantize(values: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Codes of every value, and the (256,) codebook, ascending.

    Values that number at most 256 are kept exactly.

    Args:
        values: any shape, finite.
    """
    ordered = np.sort(values, axis=None)
    distinct = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])]
    if len(distinct) <= ENTRIES:
        codebook = np.concatenate([distinct, np.full(ENTRIES - len(distinct), distinct[-1])])
        return np.searchsorted(distinct, values).astype(np.uint8), codebook
    wide = ordered.astype(np.float64)
    codebook = _lloyd(wide, _start(wide)).astype(np.float32)
    middles = (codebook[1:].astype(np.float64) + codebook[:-1]) / 2.0
    return np.searchsorted(middles, values).astype(np.uint8), codebook


def _start(ordered: Floats) -> Floats:
    """Entries as dense as the cube root of the values' density: optimal for many entries."""
    edges = np.unique(np.quantile(ordered, np.linspace(0.0, 1.0, BINS)))
    counts = np.diff(np.concatenate([[0], np.searchsorted(ordered, edges[1:-1]), [len(ordered)]]))
    mass = np.cbrt(counts * np.diff(edges) ** 2)
    running = np.concatenate([[0.0], np.cumsum(mass)])
    start: Floats = np.interp((np.arange(ENTRIES) + 0.5) * (running[-1] / ENTRIES), running, edges)
    return start


def _lloyd(ordered: Floats, codebook: Floats) -> Floats:
    """Cells are ranges of the sorted values, so their means are differences of one running sum."""
    centre = float(ordered.mean())  # keeps the running sum short
    running = np.concatenate([[0.0], np.cumsum(ordered - centre)])
    for _ in range(ITERATIONS):
        cuts = np.searchsorted(ordered, (codebook[1:] + codebook[:-1]) / 2.0)
        bounds = np.concatenate([[0], cuts, [len(ordered)]])
        sizes = np.diff(bounds)
        means = np.diff(running[bounds]) / np.maximum(sizes, 1) + centre
        moved = np.sort(np.where(sizes > 0, means, codebook))
        if np.array_equal(moved, codebook):
            break
        codebook = moved
    return codebook
