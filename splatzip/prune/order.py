"""The order in which splats are removed, and its cuts.

    worth of each splat -> [order] -> rows to keep, by share, by price or by the share of all worth that they hold

One order serves every target: another lambda is another cut, without rendering the scene again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import ViewsError
from splatzip.scene.attributes import INVISIBLE_LOGIT

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Removal:
    """Which splat is removed when, and what it was worth at that time.

    Attributes:
        order: (N,) rows, the first to go first.
        price: (N,) what keeping each of `order` is worth, in the unit of its score; never falls. Infinite for splats
            that no view can judge: no cut removes them.
    """

    order: NDArray[np.int64]
    price: NDArray[np.float64]

    @staticmethod
    def by(worth: Floats) -> Removal:
        """The least worth goes first; of equal worth the lower row stays."""
        order = np.argsort(-worth, kind="stable")[::-1]
        return Removal(order, worth[order].astype(np.float64))

    @staticmethod
    def first(worth: Floats, count: int) -> Removal:
        """The first `count` splats of `by`, at least one, without sorting the others."""
        limit = np.partition(worth, count - 1)[count - 1]
        rows = np.flatnonzero(worth <= limit)
        first = rows[Removal.by(worth[rows]).order[:count]]
        return Removal(first, worth[first].astype(np.float64))

    def keeping(self, share: float) -> NDArray[np.int64]:
        """Rows that stay, ascending: a share of all, and whatever no view can judge; at least one."""
        return self._last(round(share * len(self.order)))

    def above(self, limit: ArrayLike) -> NDArray[np.int64]:
        """Rows that are worth more than a limit: lambda x the bits of a splat.

        Args:
            limit: one for all, or (N,) one a row of the scene.
        Returns: ascending rows; at least one.
        """
        limits = np.asarray(limit, np.float64)
        if limits.ndim == 0:
            return self._last(len(self.order) - int(np.searchsorted(self.price, limits, "right")))
        worthy = self.order[self.price > limits[self.order]]
        return np.sort(worthy) if len(worthy) else self.order[-1:]

    def holding(self, share: float) -> NDArray[np.int64]:
        """Rows that stay, ascending: the fewest that hold a share of all finite worth; all if there is none."""
        worth = np.where(np.isfinite(self.price), self.price, 0.0)
        lost = np.cumsum(worth)
        if not lost[-1] > 0:
            return np.arange(len(worth))
        return self._last(len(worth) - int(np.searchsorted(lost, (1 - share) * lost[-1], "right")))

    def _last(self, count: int) -> NDArray[np.int64]:
        count = max(count, int(np.isposinf(self.price).sum()), 1)
        return np.sort(self.order[-count:])


def judged(worth: Floats, opacity_logits: Floats, most_weight: Floats, *, keep_unseen: bool) -> Floats:
    """The worth of splats, infinite for visible ones that no view sees if those are to be kept."""
    if not keep_unseen:
        return worth
    return np.where((most_weight == 0) & (opacity_logits > INVISIBLE_LOGIT), np.float32(np.inf), worth)


def refuse_blind(most_weight: Floats) -> None:
    """Raises: ViewsError if no view sees a splat."""
    if not most_weight.any():
        raise ViewsError(
            "no view sees any splat, so none can be judged; use cameras that face the scene, enlarge one that is less "
            "than 0.1 units across (transform --scale), or take preset fast"
        )
