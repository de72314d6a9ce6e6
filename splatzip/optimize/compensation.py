"""How splats of early tiers stand in for later ones, fitted to the pictures of the whole scene.

    scene, its tiers, views, their pictures -> [optimize] -> stream.compensation.Compensation

Coordinate search from values that suit most scenes, one number after the other in ever smaller steps: pictures of few
splats are fast to draw. Splats that are removed last are large, so all grow alike. With terms of size, opacity and
blur, which help splats that were sampled at random, test views lost 0.3 to 0.6 dB (snowmiku).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.device import Engine
from splatzip.kernels.pictures import Targets
from splatzip.raster.rasterize import precise_renderer
from splatzip.scene import Camera, Scene
from splatzip.stream.compensation import Compensation, octaves_lacking
from splatzip.views.collection import evenly

Floats = NDArray[np.float32]

# Where the search begins, for each octave that is lacking.
_WIDEN_OCTAVE = 0.13
_STRENGTHEN_OCTAVE, _MOST_STRENGTHEN = 0.5, 2.5


@dataclass(frozen=True)
class Options:
    """How finely.

    Attributes:
        views: about this many, evenly taken from all, are drawn.
        steps: rounds over both numbers; steps shrink by a third each time.
        widen, strengthen: the first steps: of a sum, and of a factor.
    """

    views: int = 22
    steps: int = 4
    widen: float = 0.12
    strengthen: float = 1.4


def fit(
    scene: Scene, tiers: NDArray[np.uint8], cameras: Sequence[Camera], targets: Targets,
    options: Options | None = None, *, threads: int = 0, device: Engine = "cpu",
) -> Compensation:  # fmt: skip
    """Fit the stand-ins with which each prefix of the tiers looks most like the whole.

    Args:
        scene: N splats, as they are decoded.
        tiers: (N,) of each.
        cameras, targets: V views and pictures of the whole scene, (H, W, 3).
        options: see `Options`.
        threads: 0 for every core; the result does not depend on it.
        device: what draws.
    """
    options = options or Options()
    some = evenly(len(cameras), options.views)
    cameras, targets = cameras[some], targets[some]
    octaves = octaves_lacking(tiers)
    widen = np.round(_WIDEN_OCTAVE * octaves, 2).tolist()
    strengthen = np.round(np.minimum(1 + _STRENGTHEN_OCTAVE * octaves, _MOST_STRENGTHEN), 2).tolist()
    for tier in range(len(widen)):
        there = scene.take(np.flatnonzero(tiers <= tier))
        found = _descend(there, (widen[tier], strengthen[tier]), cameras, targets, options, threads, device)
        widen[tier], strengthen[tier] = (round(value, 2) for value in found)
    return Compensation(tuple(widen), tuple(strengthen))


def _descend(
    there: Scene,
    start: tuple[float, float],
    cameras: Sequence[Camera],
    targets: Targets,
    options: Options,
    threads: int,
    device: Engine,
) -> tuple[float, float]:
    def error(widen: float, strengthen: float) -> float:
        tried = Compensation((widen,), (strengthen,))
        log_scales, logits = tried.stand_in(0, there.log_scales, there.opacity_logits)
        tried_scene = there.edited(log_scales=log_scales, opacity_logits=logits)
        return sum(precise_renderer(tried_scene, threads=threads, device=device).errors(cameras, targets))

    best, (widen, strengthen) = error(*start), start
    step, factor = options.widen, options.strengthen
    for _ in range(options.steps):
        for other in (
            (widen + step, strengthen), (max(widen - step, 0.0), strengthen),
            (widen, min(strengthen * factor, 10.0)), (widen, max(strengthen / factor, 0.5)),
        ):  # fmt: skip
            if (tried := error(*other)) < best:
                best, (widen, strengthen) = tried, other
        step *= 2 / 3
        factor = 1 + (factor - 1) * 2 / 3
    return widen, strengthen
