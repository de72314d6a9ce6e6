"""Most weight: removes splats that contribute little to every pixel.

    scene + cameras -> [prune] -> rows to keep, or the order in which all of them go

A single pass. The score is the largest blended weight that a splat has in any pixel of any view.
Source: Compact 3DGS (arXiv 2311.13681) learns a mask per splat in training, on opacity and scale, with a penalty on its
sum; it ends up removing what is visible nowhere. This replaces the mask where there is nothing to train with.
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
    """How many to keep.

    Attributes:
        threshold: splats with a larger weight somewhere are kept, 0 to 1.
        keep_unseen: keep visible splats that no view sees.
    """

    threshold: float = 0.05
    keep_unseen: bool = True


def prune(
    scene: Scene, cameras: Sequence[Camera], options: Options | None = None, *, threads: int = 0,
    device: Engine = "cpu",
) -> NDArray[np.int64]:  # fmt: skip
    """Choose the splats that stay.

    Args:
        scene: N splats.
        cameras: views whose weights count; the nearer the cameras, the larger the weights.
        options: see `Options`.
        threads: 0 for every core; the choice does not depend on it.
        device: what draws and scores.
    Returns: rows that stay, ascending; at least one.
    Raises: ViewsError if no view sees a splat.
    """
    options = options or Options()
    return order(scene, cameras, options, threads=threads, device=device).above(options.threshold)


def order(
    scene: Scene, cameras: Sequence[Camera], options: Options | None = None, *, threads: int = 0,
    device: Engine = "cpu",
) -> Removal:  # fmt: skip
    """The order in which splats are removed; prices are weights, 0 to 1.

    Args: as `prune`.
    Raises: ViewsError if no view sees a splat.
    """
    options = options or Options()
    scores = score(scene, cameras, what={"weight"}, threads=threads, device=device)
    refuse_blind(scores.most_weight)
    return Removal.by(
        judged(scores.most_weight, scene.opacity_logits, scores.most_weight, keep_unseen=options.keep_unseen)
    )
