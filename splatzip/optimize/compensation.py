"""How splats of early tiers stand in for later ones, fitted to the pictures of the whole scene.

    scene, its tiers, views, their pictures -> [optimize] -> stream.compensation.Compensation

From the closed form on, one number after the other, by ever smaller steps: a picture of few splats is quickly drawn.
How much size and opacity matter is the same for all scenes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from splatzip.raster.rasterize import Rasterizer
from splatzip.scene import Camera, Scene
from splatzip.stream.compensation import Compensation, closed_form

Floats = NDArray[np.float32]
# Of splats that are removed last; the closed form is for those that were drawn by lot, which are smaller.
_BY_SIZE = (-0.02, -0.2)
_BY_OPACITY = (-0.22, -0.05)
_STRENGTHEN = 0.5  # of what the closed form has
_BOUNDS = {"widen": (-0.5, 2.5), "strengthen": (0.5, 15.0), "blur": (-60.0, 60.0)}


@dataclass(frozen=True)
class Options:
    """How finely.

    Attributes:
        views: about so many, evenly taken from all, are drawn.
        steps: times that each number is looked at; steps shrink by a third each time.
        widen, strengthen, blur: the first steps; `strengthen` is a factor.
    """

    views: int = 22
    steps: int = 4
    widen: float = 0.12
    strengthen: float = 1.4
    blur: float = 0.3


def fit(
    scene: Scene, tiers: NDArray[np.uint8], cameras: Sequence[Camera], targets: Sequence[Floats],
    options: Options | None = None, *, threads: int = 0,
) -> Compensation:  # fmt: skip
    """What makes each prefix of the tiers look most like the whole.

    Args:
        scene: N splats, as they are decoded.
        tiers: (N,) of each.
        cameras, targets: V views and pictures of the whole scene, (H, W, 3).
        options: see `Options`.
        threads: 0 for every core; the result does not depend on it.
    """
    options = options or Options()
    every = max(1, round(len(cameras) / options.views))
    pairs = list(zip(cameras, targets, strict=True))[::every]
    shown = scene.edited(sh=scene.sh[:, :1].copy())  # SH comes last
    parts = [shown.take(np.flatnonzero(tiers <= tier)) for tier in range(int(tiers.max()))]

    def error(tier: int, tried: Compensation) -> float:
        log_scales, logits = tried.stand_in(tier, parts[tier].log_scales, parts[tier].opacity_logits)
        rasterizer = Rasterizer(parts[tier].edited(log_scales=log_scales, opacity_logits=logits), threads=threads)
        return sum(
            float(np.square(rasterizer.render(camera, threads=threads).color - target).mean())
            for camera, target in pairs
        )

    starts = _starts(closed_form(tiers, scene.log_scales))
    found = min(starts, key=lambda start: sum(error(tier, start) for tier in range(len(parts))))
    for tier in range(len(parts)):
        found = _descend(partial(error, tier), tier, found, options)
    return found


def _starts(form: Compensation) -> list[Compensation]:
    """For splats that were drawn by lot, and for those that are removed last."""
    if not form.widen:
        return [form]
    strengthen = tuple(round(_STRENGTHEN * value, 2) for value in form.strengthen)
    return [form, replace(form, strengthen=strengthen, by_size=(form.by_size[0], *_BY_SIZE), by_opacity=_BY_OPACITY)]


def _descend(error: Callable[[Compensation], float], tier: int, start: Compensation, options: Options) -> Compensation:
    """With the numbers of a tier that are best, one after the other."""

    def moved(name: str, step: float) -> Compensation:
        values: tuple[float, ...] = getattr(found, name)
        value = values[tier] * step if name == "strengthen" else values[tier] + step
        low, high = _BOUNDS[name]
        return replace(found, **{name: (*values[:tier], round(min(max(value, low), high), 2), *values[tier + 1 :])})

    found, best = start, error(start)
    for number in range(options.steps):
        smaller = (2 / 3) ** number
        factor = 1 + (options.strengthen - 1) * smaller
        for name, step, back in (
            ("widen", options.widen * smaller, -options.widen * smaller),
            ("strengthen", factor, 1 / factor),
            ("blur", options.blur * smaller, -options.blur * smaller),
        ):
            for tried in (moved(name, step), moved(name, back)):
                if (changed := error(tried)) < best:
                    found, best = tried, changed
                    break
    return found
