"""What stands in for splats that are still to come: those that are there, a little wider and stronger.

    tiers -> [closed form, or optimize.compensation] -> a few numbers in the file
    part of a file + those numbers -> scene that looks more like the whole one

Until tier t + 1 is there, log scales of tiers 0 to t grow by `widen[t]` and their opacity alpha becomes
1 - (1 - alpha)^strengthen[t]. Bitstream: docs/FORMAT.md 3.7.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.container import ContainerFile, Kind
from splatzip.errors import CorruptError
from splatzip.kernels.math import exact_exp, exact_log
from splatzip.scene import Scene

# Fitted on six scenes at 2, 10 and 50 % of their splats: what is best follows the share of the splats.
_WIDEN_OCTAVE = 0.13  # for each halving of the splats that are there,
_STRENGTHEN_OCTAVE = 0.5
_FREE_OCTAVES = 0.8  # after so much of one
_MOST_STRENGTHEN = 2.5

_LN2 = 0.6931471805599453
_CERTAIN = 25.0  # logits beyond: opaque, or invisible
_WIDEN_RANGE = (-1.0, 3.0)
_STRENGTHEN_RANGE = (0.1, 20.0)


@dataclass(frozen=True)
class Compensation:
    """One number of each kind for every tier but the last; none: splats stay as they are."""

    widen: tuple[float, ...] = ()
    strengthen: tuple[float, ...] = ()

    def stored(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"widen": list(self.widen), "strengthen": list(self.strengthen)} if self.widen else {}

    @staticmethod
    def of(file: ContainerFile) -> Compensation:
        """What a file says; none if it is not what it should be."""
        try:
            stored = file.shared_json(Kind.TIERS)
        except CorruptError:
            stored = {}
        count = file.root.tiers - 1
        widen = _numbers(stored, "widen", count, _WIDEN_RANGE)
        strengthen = _numbers(stored, "strengthen", count, _STRENGTHEN_RANGE)
        return Compensation(widen, strengthen) if widen and strengthen else Compensation()


def _numbers(stored: Mapping[str, Any], name: str, count: int, limits: tuple[float, float]) -> tuple[float, ...]:
    values = stored.get(name)
    low, high = limits
    if not isinstance(values, list) or len(values) != count:
        return ()
    if not all(type(value) in (int, float) and low <= value <= high for value in values):
        return ()
    return tuple(map(float, values))


def closed_form(tiers: NDArray[np.uint8]) -> Compensation:
    """What suits most scenes, by how many splats each tier has."""
    there = np.cumsum(np.bincount(tiers))[:-1] / len(tiers)
    octaves = np.maximum(-exact_log(np.maximum(there, 1e-9)) / _LN2 - _FREE_OCTAVES, 0)
    widen = np.round(_WIDEN_OCTAVE * octaves, 2)
    strengthen = np.round(np.minimum(1 + _STRENGTHEN_OCTAVE * octaves, _MOST_STRENGTHEN), 2)
    return Compensation(tuple(widen.tolist()), tuple(strengthen.tolist()))


def stand_in(
    log_scales: NDArray[np.float32], opacity_logits: NDArray[np.float32], widen: float, strengthen: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Log scales and opacity logits of splats that stand in for others."""
    wider = log_scales + np.float32(widen)
    logits = opacity_logits.astype(np.float64)
    # 1 - alpha = e^-p; of an opaque or an invisible splat nothing changes.
    certain = np.abs(logits) > _CERTAIN
    logits[certain] = 0.0
    power = strengthen * (np.maximum(logits, 0) + exact_log(1 + exact_exp(-np.abs(logits))))
    stronger = power + exact_log(1 - exact_exp(-power))
    return wider, np.where(certain, opacity_logits, stronger).astype(np.float32)


def compensated(
    scene: Scene, file: ContainerFile, tiers: NDArray[np.int64], there: Collection[tuple[int, int]]
) -> Scene:
    """The part of a scene that was decoded, standing in for the rest.

    Args:
        scene: N splats.
        file: it was read from, in part.
        tiers: (N,) of each.
        there: (tier, tile) of the chunks of layer 0 that were decoded.
    Returns: the scene itself where nothing is known of tiers.
    """
    stored = Compensation.of(file)
    if not stored.widen:
        return scene
    stage = np.full(len(scene), file.root.tiers - 1)
    for tier in range(file.root.tiers - 1, 0, -1):
        stage[(tiers < tier) & _without(tier, file, there, scene.positions)] = tier - 1
    log_scales, logits = scene.log_scales.copy(), scene.opacity_logits.copy()
    for number, (widen, strengthen) in enumerate(zip(stored.widen, stored.strengthen, strict=True)):
        rows = stage == number
        log_scales[rows], logits[rows] = stand_in(log_scales[rows], logits[rows], widen, strengthen)
    return scene.edited(log_scales=log_scales, opacity_logits=logits)


def splats_missing(splats: int, file: ContainerFile) -> str:
    """In words, what a scene of so many splats lacks of the file's."""
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
