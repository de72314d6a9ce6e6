"""Local distinctiveness: what a splat adds to pictures, times how its colour stands out from its neighbours'.

    scene + cameras -> [prune] -> rows to keep, or the order in which all of them go

A single pass. The score is the sum of a splat's blended weights x (distance of its colour from its two neighbours on
the Morton curve)^2; kept are the fewest splats that hold a given share of the total score.
Source: OMG (arXiv 2503.16924), which prunes by this during training and continues training; shares of 0.96 to 0.9999
are its sizes XS to XL. Differences: the colour is SH degree 0 (theirs: a learned feature); weights are not divided by a
splat's area (theirs are, outdoors), and splats that are not the first in any pixel are scored like all others (theirs
get 0). Their code looks up neighbours through the permutation where its inverse is meant; we use the inverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.device import Engine
from splatzip.prune.order import Floats, Removal, judged, refuse_blind
from splatzip.raster.score import score
from splatzip.scene import Camera, Scene
from splatzip.scene.ordering import morton_order


@dataclass(frozen=True)
class Options:
    """How many to keep.

    Attributes:
        holding: share of the total score that the kept splats hold, above 0 to 1.
        distance_power: how much standing out counts; 0: not at all.
        keep_unseen: keep visible splats that no view sees, whatever they hold.
    """

    holding: float = 0.96
    distance_power: float = 2.0
    keep_unseen: bool = True


def prune(
    scene: Scene, cameras: Sequence[Camera], options: Options | None = None, *, threads: int = 0,
    device: Engine = "cpu",
) -> NDArray[np.int64]:  # fmt: skip
    """Choose the splats that stay.

    Args:
        scene: N splats.
        cameras: where weights are summed.
        options: see `Options`.
        threads: 0 for every core; the choice does not depend on it.
        device: what draws and scores.
    Returns: rows that stay, ascending; at least one.
    Raises: ViewsError if no view sees a splat.
    """
    options = options or Options()
    return order(scene, cameras, options, threads=threads, device=device).holding(options.holding)


def order(
    scene: Scene, cameras: Sequence[Camera], options: Options | None = None, *, threads: int = 0,
    device: Engine = "cpu",
) -> Removal:  # fmt: skip
    """The order in which splats are removed. Prices have no unit: they order, but cannot be compared with a lambda.

    Args: as `prune`.
    Raises: ViewsError if no view sees a splat.
    """
    options = options or Options()
    scores = score(scene, cameras, what={"weight"}, threads=threads, device=device)
    refuse_blind(scores.most_weight)
    worth = scores.weight * color_distances(scene) ** np.float32(options.distance_power)
    return Removal.by(judged(worth, scene.opacity_logits, scores.most_weight, keep_unseen=options.keep_unseen))


def color_distances(scene: Scene) -> Floats:
    """(N,) distance of SH degree 0 from that of the neighbours before and after, both summed, mean of the channels.

    At the ends of the curve a splat is its own missing neighbour.
    """
    curve = morton_order(scene.positions)
    colors = scene.sh[curve, 0]
    steps = np.zeros(len(scene) + 1, np.float32)
    steps[1:-1] = np.abs(np.diff(colors, axis=0)).mean(1)
    distances = np.empty(len(scene), np.float32)
    distances[curve] = steps[:-1] + steps[1:]
    return distances
