"""Importance classes: how many octaves coarser than similar splats a splat may be.

    scene + scores -> [classes] -> two integers a splat, which are coded with it

Steps follow a splat's alpha and scales, as if all were equally visible. How much an error of its geometry or colour
changes pictures also depends on what covers it, what is behind it and where views are. The best step is proportional to
the inverse square root of that curvature; a class is the part of it that the rules of `quantize.stepped` do not
capture. Two classes (geometry, colour), one octave of step per octave of class. Bitstream: docs/FORMAT.md 6.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.math import LN2
from splatzip.raster.score import Scores
from splatzip.scene import Scene

Doubles = NDArray[np.float64]

# What the step rules know already: the exponents of alpha and of the scales, largest first, averaged over attributes.
_GEOMETRY_RULE = (0.68, 0.6, 0.0, 0.0)
_COLOR_RULE = (0.86, 0.46, 0.15, -0.2)


@dataclass(frozen=True)
class Options:
    """How far steps may differ.

    Attributes:
        most: largest class, and the negative of the smallest.
        contrast_free: share of squared weights in the curvature of geometry: even a splat in front of its own colour
            must not move freely, since others' errors show through it.
        share: how much of the octaves that curvature asks for a class gives: classes cost bits, and curvature is only
            known for small changes.
        floor: minimum of every splat's curvature, as a share of the median: views are a sample.
    """

    most: int = 3
    contrast_free: float = 0.1
    share: float = 0.7
    floor: float = 0.1


def importance_classes(scene: Scene, scores: Scores, options: Options | None = None) -> NDArray[np.int8]:
    """Classes of geometry and of colour.

    Args:
        scene: N splats.
        scores: with removal.
        options: see `Options`.
    Returns: (N, 2) int8.
    """
    options = options or Options()
    assert scores.removal is not None
    of_color = scores.squared_weight.astype(np.float64)
    of_geometry = scores.removal.astype(np.float64)
    of_geometry += options.contrast_free * of_color * (of_geometry.sum() / max(of_color.sum(), 1e-300))
    rules = zip((of_geometry, of_color), (_GEOMETRY_RULE, _COLOR_RULE), strict=True)
    octaves = [_log2_step(curvature, options.floor) + _known(scene, rule) for curvature, rule in rules]
    wanted = np.stack([one - one.mean() for one in octaves], axis=1)
    classes: NDArray[np.int8] = np.clip(np.rint(options.share * wanted), -options.most, options.most).astype(np.int8)
    return classes


def _log2_step(curvature: Doubles, floor: float) -> Doubles:
    least = floor * float(np.median(curvature)) or 1e-300
    result: Doubles = -0.5 * np.log2(curvature + least)
    return result


def _known(scene: Scene, rule: tuple[float, ...]) -> Doubles:
    """How much finer the rule makes the steps of a splat, in octaves."""
    logits = np.clip(scene.opacity_logits.astype(np.float64), -30, 30)
    octaves = np.sort(scene.log_scales.astype(np.float64), axis=1)[:, ::-1] / LN2
    result: Doubles = -rule[0] * np.logaddexp(0, -logits) / LN2 + octaves @ np.array(rule[1:])
    return result
