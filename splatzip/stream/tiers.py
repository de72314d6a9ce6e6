"""Tiers: which splats come first, so that every prefix of a file shows the whole scene.

    scene -> importance of each splat -> [stream] -> tier of each splat

A tier costs bytes: its membership is information that positions must carry, and neighbours in other tiers predict
nothing. So there are few, and the last one holds most splats. Each tier has tiles of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.kernels.importance import estimate_importance
from splatzip.scene import Scene
from splatzip.scene.ordering import among_largest

Tiers = NDArray[np.uint8]

# Of all splats, in the first tiers; the rest is the last. Integers that are kept as they are take so many bits that
# another tier costs them little.
SHARES = (0.015, 0.04)
SHARES_LOSSLESS = (0.015, 0.04, 0.1)
SHARES_BALANCED = (0.015, 0.06)  # of few splats that are left, more come early for the same bytes
LEAST = 400  # splats of a tier: fewer wait for the next one


def by_importance(importance: ArrayLike, shares: Sequence[float] = SHARES) -> Tiers:
    """The tier of each splat.

    Args:
        importance: (N,), the largest first; of equal ones the lower row.
        shares: of all splats, in all tiers but the last.
    Returns: (N,) ascending from 0; all 0 where one tier is enough.
    """
    values = np.asarray(importance)
    tiers = np.zeros(len(values), np.uint8)
    cut, taken = 0, 0.0
    for share in shares:
        taken += share * len(values)
        if taken - cut >= LEAST:
            cut = round(taken)
            tiers[~among_largest(values, cut)] += 1
    return tiers


def run_order(tiers: int, layers: int) -> list[tuple[int, int]]:
    """(tier, layer) in the order of a file: geometry and colour of all tiers, then SH, which shows least."""
    return [(tier, layer) for layer in range(layers) for tier in range(tiers)]


def importance(scene: Scene, *, threads: int = 0) -> NDArray[np.float64]:
    """Which splats should come first, estimated without rendering.

    A weighted random sample: weights grow with opacity and area, less what more important splats of similar size nearby
    already cover (native/src/importance.cpp). The largest values are a sample of the whole scene in which important
    splats are more likely.
    """
    return estimate_importance(scene.positions, scene.log_scales, scene.opacity_logits, threads=threads)
