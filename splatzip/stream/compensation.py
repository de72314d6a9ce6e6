"""Stand-ins for splats that are still to come: those that are present, wider, softer and more opaque.

    tiers -> [closed form, or optimize.compensation] -> a few numbers in the file
    part of a file + those numbers -> scene that looks more like the whole one

A small splat stands in for many of its kind, a large one for few: small ones grow more, and all are blurred by part of
the distance between them. Bitstream: docs/FORMAT.md 3.7, which has the formulas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.container import ContainerFile, Kind
from splatzip.errors import CorruptError
from splatzip.kernels.math import LN2, exact_exp, exact_log
from splatzip.scene import Scene

Floats = NDArray[np.float32]

# Fitted on six scenes at 1.5, 5.5 and 15.5 % of their splats: what is best follows the share of the splats that are
# there. An octave halves it, after the first 0.8 of one.
_FREE_OCTAVES = 0.8
_WIDEN, _WIDEN_OCTAVE = -0.1, 0.13
_STRENGTHEN_OCTAVE, _MOST_STRENGTHEN = 1.2, 8.0
_BLUR, _BLUR_OCTAVE = -1.2, 0.22  # log scale, from the median of sizes on
_BY_SIZE = (-0.06, -0.18)
_BY_OPACITY = (-0.14, 0.11)

_CERTAIN = 25.0  # logits beyond: opaque, or invisible
# Part of the format: what a file may say, and what becomes of a splat at most.
_WIDEN_RANGE = (-1.0, 3.0)
_STRENGTHEN_RANGE = (0.1, 20.0)
_LOG_SCALE_RANGE = (-60.0, 60.0)
_SLOPE_RANGE = (-1.0, 1.0)
_MOST_LARGER = 3.0
_LEAST_LOG_ALPHA = -4.0


@dataclass(frozen=True)
class Compensation:
    """How splats stand in for others; without numbers they stay as they are.

    Attributes:
        widen: added to log scales, for every tier but the last.
        strengthen: opacity becomes that of this many such splats, one behind the other; for every tier but the last.
        blur: log scale of what is added to the covariance, for every tier but the last; (): none.
        by_size: a log scale, and what is added to `widen` and to the logarithm of `strengthen` for each unit that a
            splat's size (`_sizes`) is above it; (): nothing.
        by_opacity: the same for each unit of the logarithm of its opacity; (): nothing.
    """

    widen: tuple[float, ...] = ()
    strengthen: tuple[float, ...] = ()
    blur: tuple[float, ...] = ()
    by_size: tuple[float, ...] = ()
    by_opacity: tuple[float, ...] = ()

    def stored(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {name: list(values) for name, values in asdict(self).items() if values}

    @staticmethod
    def of(file: ContainerFile) -> Compensation:
        """What a file says; none if it is not what it should be."""
        try:
            stored = file.shared_json(Kind.TIERS)
        except CorruptError:
            stored = {}
        count = file.root.tiers - 1
        ranges = {
            "widen": (_WIDEN_RANGE,) * count,
            "strengthen": (_STRENGTHEN_RANGE,) * count,
            "blur": (_LOG_SCALE_RANGE,) * count,
            "by_size": (_LOG_SCALE_RANGE, _SLOPE_RANGE, _SLOPE_RANGE),
            "by_opacity": (_SLOPE_RANGE, _SLOPE_RANGE),
        }
        needed = {name for name in ranges if name in stored} | {"widen", "strengthen"}
        numbers = {name: _numbers(stored, name, ranges[name]) for name in needed}
        return Compensation(**numbers) if all(numbers.values()) else Compensation()

    def stand_in(self, tier: int, log_scales: Floats, opacity_logits: Floats) -> tuple[Floats, Floats]:
        """Log scales and opacity logits of N splats near which the tier after this one is lacking.

        Args:
            tier: 0 for the first.
            log_scales: (N, 3).
            opacity_logits: (N,).
        """
        logits = opacity_logits.astype(np.float64)
        certain = np.abs(logits) > _CERTAIN  # of an opaque or an invisible splat the opacity stays
        logits[certain] = np.sign(logits[certain]) * _CERTAIN
        density = np.maximum(logits, 0) + exact_log(1 + exact_exp(-np.abs(logits)))  # 1 - alpha = e^-density
        widen, factor = np.full(len(logits), self.widen[tier]), np.zeros(len(logits))
        if self.by_size:
            larger = np.clip(_sizes(log_scales) - self.by_size[0], -_MOST_LARGER, _MOST_LARGER)
            widen, factor = widen + self.by_size[1] * larger, factor + self.by_size[2] * larger
        if self.by_opacity:
            log_alpha = np.maximum(logits - density, _LEAST_LOG_ALPHA)
            widen, factor = widen + self.by_opacity[0] * log_alpha, factor + self.by_opacity[1] * log_alpha
        wider = log_scales + np.clip(widen, *_WIDEN_RANGE)[:, None]
        if self.blur:
            wider = exact_log(exact_exp(2 * wider) + exact_exp(2 * self.blur[tier])) / 2
        power = np.clip(self.strengthen[tier] * exact_exp(factor), *_STRENGTHEN_RANGE) * density
        stronger = power + exact_log(1 - exact_exp(-power))
        return wider.astype(np.float32), np.where(certain, opacity_logits, stronger).astype(np.float32)


def _numbers(stored: Mapping[str, Any], name: str, ranges: tuple[tuple[float, float], ...]) -> tuple[float, ...]:
    values = stored.get(name)
    if not isinstance(values, list) or len(values) != len(ranges):
        return ()
    if not all(type(v) in (int, float) and low <= v <= high for v, (low, high) in zip(values, ranges, strict=True)):
        return ()
    return tuple(map(float, values))


def _sizes(log_scales: Floats) -> NDArray[np.float64]:
    """(N,) means of the two larger log scales: half the logarithm of the area, seen from the front."""
    ordered = np.sort(log_scales.astype(np.float64), axis=1)
    sizes: NDArray[np.float64] = (ordered[:, 1] + ordered[:, 2]) / 2
    return sizes


def octaves_lacking(tiers: NDArray[np.uint8]) -> NDArray[np.float64]:
    """By tier but the last: how many halvings lead from all splats to those present so far, less the first 0.8."""
    there = np.cumsum(np.bincount(tiers))[:-1] / len(tiers)
    octaves: NDArray[np.float64] = np.maximum(-exact_log(np.maximum(there, 1e-9)) / LN2 - _FREE_OCTAVES, 0)
    return octaves


def closed_form(tiers: NDArray[np.uint8], log_scales: Floats) -> Compensation:
    """Numbers that suit most scenes, by how many splats each tier has.

    Args:
        tiers: (N,) of each splat.
        log_scales: (N, 3).
    """
    early = tiers < tiers.max()
    if not early.any():
        return Compensation()
    octaves = octaves_lacking(tiers)
    size = float(np.clip(np.median(_sizes(log_scales[early])), -50, 50))
    return Compensation(
        widen=_rounded(_WIDEN + _WIDEN_OCTAVE * octaves),
        strengthen=_rounded(np.minimum(1 + _STRENGTHEN_OCTAVE * octaves, _MOST_STRENGTHEN)),
        blur=_rounded(size + _BLUR + _BLUR_OCTAVE * octaves),
        by_size=(round(size, 2), *_BY_SIZE),
        by_opacity=_BY_OPACITY,
    )


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(np.round(values, 2).tolist())


def compensated(
    scene: Scene, file: ContainerFile, tiers: NDArray[np.int64], there: Collection[tuple[int, int]]
) -> Scene:
    """The part of a scene that was decoded, standing in for the rest.

    Args:
        scene: N splats.
        file: the partial file that it was read from.
        tiers: (N,) of each.
        there: (tier, tile) of the chunks of layer 0 that were decoded.
    Returns: the scene itself where nothing is known about tiers.
    """
    stored = Compensation.of(file)
    if not stored.widen:
        return scene
    stage = np.full(len(scene), file.root.tiers - 1)
    for tier in range(file.root.tiers - 1, 0, -1):
        stage[(tiers < tier) & _without(tier, file, there, scene.positions)] = tier - 1
    log_scales, logits = scene.log_scales.copy(), scene.opacity_logits.copy()
    for tier in range(file.root.tiers - 1):
        rows = stage == tier
        log_scales[rows], logits[rows] = stored.stand_in(tier, log_scales[rows], logits[rows])
    return scene.edited(log_scales=log_scales, opacity_logits=logits)


def splats_missing(splats: int, file: ContainerFile) -> str:
    """In words, how many of the file's splats are missing from a scene of `splats`."""
    lacking = f"{file.root.splats - splats} of {file.root.splats} splats"
    return f"{lacking}, for which others stand in" if Compensation.of(file).widen else lacking


def _without(
    tier: int, file: ContainerFile, there: Collection[tuple[int, int]], positions: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Which positions lie where a tier is not, or not yet."""
    run = next((run for run in file.runs if (run.entry.tier, run.entry.layer) == (tier, 0)), None)
    if run is None:
        return np.ones(len(positions), bool)
    boxes = [chunk.box for chunk in run.chunks if (tier, chunk.tile) not in there]
    boxes += [box for (_, lost_tier), box in file.lost.items() if lost_tier == tier]
    lacking = np.zeros(len(positions), bool)
    for low, high in boxes:
        lacking |= ((positions >= low) & (positions <= high)).all(axis=1)
    return lacking
