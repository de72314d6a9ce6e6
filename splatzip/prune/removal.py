"""Exact removal: drop what changes the pictures least, look again, drop more.

    scene + cameras -> [prune] -> rows to keep, or the order in which all of them go

The score of a splat is the squared change of all pictures if it alone were gone. Neighbours stand in for each other, so
a score holds only as long as few go at once: rounds remove a share each and score what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.device import Engine
from splatzip.prune.order import Removal, judged, refuse_blind
from splatzip.raster.score import score
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
        cameras: what has to look the same; their resolution decides how small a splat can matter.
        options: see `Options`.
        weights: (V,) how much each camera counts; None: the same.
        threads: 0 for every core; the choice does not depend on it.
        device: what draws and scores.
    Returns: rows that stay, ascending: `keep` of all, at least one.
    Raises: ViewsError if no view sees a splat.
    """
    _, left = _rounds(scene, cameras, options or Options(), weights, threads, device)
    return left


def order(
    scene: Scene, cameras: Sequence[Camera], options: Options | None = None, *,
    weights: Sequence[float] | None = None, threads: int = 0, device: Engine = "cpu",
) -> Removal:  # fmt: skip
    """The order in which splats go; its cut at `keep` is what `prune` chooses.

    Prices are squared changes of the pictures, summed over views, pixels and channels: what each splat of a round
    prevented, of all that was left then. Each is that of one splat alone: a cut costs about 5 times the sum of what it
    removes (2 to 7 times, from 90 to 10 % of two scenes), which shifts lambda, not the order.

    Args: as `prune`. Below `keep` one look decides the rest of the order.
    Returns: all N splats, the most dispensable first.
    Raises: ViewsError if no view sees a splat.
    """
    gone, left = _rounds(scene, cameras, options or Options(), weights, threads, device)
    last = _look(scene, left, cameras, options or Options(), weights, threads, device)
    rounds = [*gone, last]
    # What stayed may be worth less at the next look than the last that went; a limit is one cut if prices never fall.
    price = np.maximum.accumulate(np.concatenate([part.price for part in rounds]))
    return Removal(np.concatenate([part.order for part in rounds]), price)


def _rounds(
    scene: Scene,
    cameras: Sequence[Camera],
    options: Options,
    weights: Sequence[float] | None,
    threads: int,
    device: Engine,
) -> tuple[list[Removal], NDArray[np.int64]]:
    """What goes in each round, and the rows that are left."""
    target = max(1, round(options.keep * len(scene)))
    rows, gone = np.arange(len(scene)), list[Removal]()
    share = options.first_round
    while len(rows) > target:
        ranked = _look(scene, rows, cameras, options, weights, threads, device)
        leave = min(len(rows) - max(target, int(len(rows) * (1 - share))), int(np.isfinite(ranked.price).sum()))
        if not leave:
            break
        gone.append(Removal(ranked.order[:leave], ranked.price[:leave]))
        rows = np.sort(ranked.order[leave:])
        share = options.round
    return gone, rows


def _look(
    scene: Scene, rows: NDArray[np.int64], cameras: Sequence[Camera], options: Options,
    weights: Sequence[float] | None, threads: int, device: Engine,
) -> Removal:  # fmt: skip
    """The order in which rows would go if nothing were looked at again."""
    left = scene.take(rows)
    scores = score(left, cameras, what={"weight", "removal"}, weights=weights, threads=threads, device=device)
    if len(rows) == len(scene):  # later looks may find nothing left but what no view sees
        refuse_blind(scores.most_weight)
    assert scores.removal is not None
    ranked = Removal.by(judged(scores.removal, left, scores.most_weight, keep_unseen=options.keep_unseen))
    return Removal(rows[ranked.order], ranked.price)
