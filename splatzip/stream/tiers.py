"""Tiers: which splats come first, so that every prefix of a file is a picture of the whole scene.

    scene -> importance of each splat -> [stream] -> tier of each splat

A tier costs bytes: what is known of a splat's tier has to be said of its position, and neighbours of other tiers
predict nothing. So there are few, and the last one holds most splats. Each tier has tiles of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.kernels.math import exact_exp
from splatzip.scene import Scene

Tiers = NDArray[np.uint8]

# Of all splats, in the first tiers; the rest is the last. Integers that are kept as they are take so many bits that
# another tier costs them little.
SHARES = (0.02, 0.05)
SHARES_LOSSLESS = (0.02, 0.08, 0.4)
LEAST = 400  # splats of a tier: fewer wait for the next one


def by_importance(importance: ArrayLike, shares: Sequence[float] = SHARES) -> Tiers:
    """The tier of each splat.

    Args:
        importance: (N,), the largest first; of equal ones the lower row.
        shares: of all splats, in all tiers but the last.
    Returns: (N,) ascending from 0; all 0 where one tier is enough.
    """
    order = np.argsort(-np.asarray(importance), kind="stable")
    tiers = np.zeros(len(order), np.uint8)
    cut, taken = 0, 0.0
    for share in shares:
        taken += share * len(order)
        if taken - cut >= LEAST:
            cut = round(taken)
            tiers[order[cut:]] += 1
    return tiers


def run_order(tiers: int, layers: int) -> list[tuple[int, int]]:
    """(tier, layer) in the order of a file: geometry and colour of all tiers, then SH, which shows least."""
    return [(tier, layer) for layer in range(layers) for tier in range(tiers)]


def importance(scene: Scene) -> NDArray[np.float64]:
    """What each splat adds to pictures, as far as that can be said without drawing any.

    Opacity and area, less what more important splats of its size nearby cover already. Floats in a written order: the
    tiers of a file do not depend on the machine.
    """
    log_scales = np.sort(np.clip(scene.log_scales.astype(np.float64), -_WIDEST, _WIDEST), axis=1)
    logits = scene.opacity_logits.astype(np.float64)
    alpha = 1 / (1 + exact_exp(-logits))
    area = exact_exp(log_scales[:, 2] + log_scales[:, 1])
    alone = alpha * np.sqrt(alpha) * area
    _, octave = np.frexp(exact_exp(log_scales[:, 2]))
    edge = np.ldexp(1.0, octave + 1)
    cells = np.clip(np.floor(scene.positions / edge[:, None]), -_FARTHEST, _FARTHEST).astype(np.int64)
    key = (cells * _PRIMES).sum(axis=1) ^ octave
    order = np.lexsort((-alone, key))
    covered = (alpha * area / (edge * edge))[order]
    before = np.cumsum(covered) - covered
    starts = np.flatnonzero(np.append(True, np.diff(key[order]) != 0))
    before -= np.repeat(before[starts], np.diff(np.append(starts, len(order))))
    crowd = np.empty(len(order))
    crowd[order] = before
    return alone / (1 + _CROWDING * crowd)


_PRIMES = np.array([73856093, 19349663, 83492791])
_FARTHEST = 2.0**30  # cells
_WIDEST = 60.0  # log scale: far beyond anything that renders
_CROWDING = 16.0
