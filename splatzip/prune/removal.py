"""Exact removal: drop what changes the pictures least, score again, drop more.

    scene + cameras -> [prune] -> rows to keep, or the order in which all of them go

The score of a splat is the squared change of all pictures if it alone were removed. Neighbours stand in for each other,
so a score holds only while few go at once: each round removes a share and scores the rest again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.device import Engine
from splatzip.prune.order import Floats, Removal, judged, refuse_blind
from splatzip.raster.score import Shrinking
from splatzip.scene import Camera, Scene


@dataclass(frozen=True)
class Options:
    """How many stay.

    Attributes:
        keep: share of the splats that stay, above 0 to 1; of an order, where the last round ends.
        first_round: share that the first round may remove at once: that much is nearly free.
        round: share of what is left that each later round removes.
        keep_unseen: keep visible splats that no view sees, even where they are more than `keep`.
    """

    keep: float = 0.3
    first_round: float = 0.3
    round: float = 0.2
    keep_unseen: bool = True


def prune(
    scene: Scene, cameras: Sequence[Camera], options: Options | None = None, *,
    weights: Sequence[float] | None = None, threads: int = 0, device: Engine = "cpu",
) -> NDArray[np.int64]:  # fmt: skip
    """Choose the splats that stay.

    Args:
        scene: N splats.
        cameras: views that must look the same; their resolution decides how small a splat can matter.
        options: see `Options`.
        weights: (V,) how much each camera counts; None: the same.
        threads: 0 for every core; the choice does not depend on it.
        device: what draws and scores.
    Returns: rows that stay, ascending: `keep` of all, at least one.
    Raises: ViewsError if no view sees a splat.
    """
    return _Rounds(scene, cameras, options or Options(), weights, threads, device).run()[1]


def order(
    scene: Scene, cameras: Sequence[Camera], options: Options | None = None, *,
    weights: Sequence[float] | None = None, threads: int = 0, device: Engine = "cpu",
) -> Removal:  # fmt: skip
    """The order in which splats are removed; its cut at `keep` is what `prune` chooses.

    Prices are squared changes of the pictures, summed over views, pixels and channels: what each splat of a round
    prevented, given all that remained then. Each is that of one splat alone: a cut costs about 5 times the sum of what
    it removes (2 to 7 times, from 90 to 10 % of two scenes), which shifts lambda, not the order.

    Args: as `prune`. Below `keep` a single pass decides the rest of the order.
    Returns: all N splats, the most dispensable first.
    Raises: ViewsError if no view sees a splat.
    """
    rounds = _Rounds(scene, cameras, options or Options(), weights, threads, device)
    gone, left = rounds.run()
    last = Removal.by(rounds.look())
    parts = [*gone, Removal(left[last.order], last.price)]
    # What stayed may be worth less at the next look than the last that went; a limit is one cut if prices never fall.
    price = np.maximum.accumulate(np.concatenate([part.price for part in parts]))
    return Removal(np.concatenate([part.order for part in parts]), price)


class _Rounds:
    """Looks at what is left of a scene, round after round."""

    def __init__(
        self, scene: Scene, cameras: Sequence[Camera], options: Options, weights: Sequence[float] | None, threads: int,
        device: Engine,
    ) -> None:  # fmt: skip
        self._scene, self._cameras, self._options, self._weights = scene, cameras, options, weights
        self._rows = np.arange(len(scene))
        self._left = Shrinking(scene, threads=threads, device=device)
        self._stays: NDArray[np.int64] | None = None  # of what was there at the last look

    def run(self) -> tuple[list[Removal], NDArray[np.int64]]:
        """What goes in each round, and the rows that are left."""
        options, gone, share = self._options, list[Removal](), self._options.first_round
        target = max(1, round(options.keep * len(self._scene)))
        while (count := len(self._rows)) > target:
            worth = self.look()
            leave = min(count - max(target, int(count * (1 - share))), int(np.isfinite(worth).sum()))
            if not leave:
                break
            first = Removal.first(worth, leave)
            gone.append(Removal(self._rows[first.order], first.price))
            self._stays = np.delete(np.arange(count), first.order)
            self._rows, share = self._rows[self._stays], options.round
        return gone, self._rows

    def look(self) -> Floats:
        """What each splat that is left is worth now."""
        if self._stays is not None:  # not before: after the last round there may be no other look
            self._left.keep(self._stays)
            self._stays = None
        scores = self._left.score(self._cameras, what={"weight", "removal"}, weights=self._weights)
        if len(self._rows) == len(self._scene):  # later looks may find nothing left but what no view sees
            refuse_blind(scores.most_weight)
        assert scores.removal is not None
        logits = self._scene.opacity_logits[self._rows]
        return judged(scores.removal, logits, scores.most_weight, keep_unseen=self._options.keep_unseen)
