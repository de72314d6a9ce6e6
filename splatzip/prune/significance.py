"""Global significance: how often and how unoccluded a splat is hit, times a power of its volume.

    scene + cameras -> [prune] -> rows to keep, or the order in which all of them go

A single pass. A splat's significance is its opacity x the transmittance in front of it, summed over the pixels that it
is blended into, x (volume / V90, at most 1)^0.1. It ignores colour, so splats that look like their neighbours stay.
Source: LightGaussian (arXiv 2311.17245), equations 3 and 4. The released code differs from them and from ours: its
rasterizer omits the transmittance, volumes are normalized by the 10th percentile (90 % of the way down the volumes
sorted in descending order) and never clipped. Here V90 is the 90th percentile, without which clipping would do nothing.
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
        keep: share of the splats to keep, above 0 to 1.
        volume_power: how much a splat's size counts; 0: not at all.
        volume_percentile: volumes above this percentile are clipped to it.
        keep_unseen: keep visible splats that no view sees, even where they are more than `keep`.
    """

    keep: float = 0.34
    volume_power: float = 0.1
    volume_percentile: float = 90.0
    keep_unseen: bool = True


def prune(
    scene: Scene, cameras: Sequence[Camera], options: Options | None = None, *, threads: int = 0,
    device: Engine = "cpu",
) -> NDArray[np.int64]:  # fmt: skip
    """Choose the splats that stay.

    Args:
        scene: N splats.
        cameras: views whose hits count.
        options: see `Options`.
        threads: 0 for every core; the choice does not depend on it.
        device: what draws and scores.
    Returns: rows that stay, ascending: `keep` of all, at least one.
    Raises: ViewsError if no view sees a splat.
    """
    options = options or Options()
    return order(scene, cameras, options, threads=threads, device=device).keeping(options.keep)


def order(
    scene: Scene, cameras: Sequence[Camera], options: Options | None = None, *, threads: int = 0,
    device: Engine = "cpu",
) -> Removal:  # fmt: skip
    """The order in which splats are removed. Prices have no unit: they order, but cannot be compared with a lambda.

    Args: as `prune`.
    Raises: ViewsError if no view sees a splat.
    """
    options = options or Options()
    scores = score(scene, cameras, what={"transmittance"}, threads=threads, device=device)
    refuse_blind(scores.most_weight)
    assert scores.transmittance is not None
    log_volume = scene.log_scales.sum(1, dtype=np.float64)
    above = log_volume - np.percentile(log_volume, options.volume_percentile)
    opacity = 0.5 + 0.5 * np.tanh(0.5 * scene.opacity_logits)
    worth = opacity * scores.transmittance * np.exp(options.volume_power * np.minimum(above, 0))
    return Removal.by(
        judged(worth.astype(np.float32), scene.opacity_logits, scores.most_weight, keep_unseen=options.keep_unseen)
    )
