"""Moved, scaled, given an outlier: each attribute's error must stay what it was, in the scene's own scale.

Errors are measured splat by splat (the encoder says which source row each decoded row is), in units in which the
changed scene and the plain one can be compared: positions and scales over the scene's scaling. A splat's three scales
come back sorted and its rotation in the form that fits: scales are compared sorted, rotations by the smallest angle
over the 24 turns that permute the axes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import splatzip
from splatzip import Profile, Scene
from splatzip.encode import encode
from splatzip.quantize import stepped
from splatzip.stream.tiers import by_importance, importance

ALLOWED = 1.05
OUTLIER = 1e6


@dataclass(frozen=True)
class Change:
    """positions * scale + shift (every axis), and maybe one far splat more."""

    name: str
    scale: float = 1.0
    shift: float = 0.0
    outlier: bool = False

    def of(self, scene: Scene) -> Scene:
        """The changed scene; the outlier is its last splat."""
        arrays = {name: array.copy() for name, array in scene.arrays().items()}
        arrays["positions"] = (arrays["positions"].astype(np.float64) * self.scale + self.shift).astype(np.float32)
        arrays["log_scales"] += np.float32(math.log(self.scale))
        if self.outlier:
            arrays = {name: np.concatenate([array, array[:1]]) for name, array in arrays.items()}
            arrays["positions"][-1] = OUTLIER
        return Scene(**arrays)  # type: ignore[arg-type]


PLAIN = Change("as it is")
CHANGES = (
    Change("moved by 1e5", shift=1e5),
    Change("scaled by 1e-4", scale=1e-4),
    Change("scaled by 1e4", scale=1e4),
    Change("an outlier at 1e6", outlier=True),
)


def measure_invariance(source: Scene) -> Iterator[dict[str, Any]]:
    """A row for each change and attribute: largest and mean error without and with it, and whether that is allowed."""
    plain = errors(source, PLAIN)
    for change in CHANGES:
        changed = errors(source, change)
        farthest = float(np.abs(change.of(source).positions[: len(source)]).max())
        ulp = float(np.spacing(np.float32(farthest))) / change.scale
        for attribute, without in plain.items():
            slack = ulp if attribute == "position" else 0.0
            within = changed[attribute]
            yield {
                "change": change.name,
                "attribute": attribute,
                "max_without": float(without.max()),
                "max_with": float(within.max()),
                "mean_without": float(without.mean()),
                "mean_with": float(within.mean()),
                "ulp": slack,
                "held": bool(
                    within.max() <= ALLOWED * without.max() + slack
                    and within.mean() <= ALLOWED * without.mean() + slack
                ),
            }


def errors(source: Scene, change: Change) -> dict[str, NDArray[np.float64]]:
    """Errors of the source's splats by attribute after the change went through the codec at its default."""
    scene = change.of(source)
    profile = Profile.preset_named("fast")
    assert profile.stepped is not None
    tiers = by_importance(importance(scene))  # rows are tier by tier
    order = stepped.encode(scene, profile.stepped, tiers=tiers).order
    decoded = splatzip.decompress(encode(scene, profile, tiers=tiers))
    place = np.empty(len(scene), np.int64)
    place[order] = np.arange(len(scene))
    rows = np.arange(len(source))
    return _errors(scene.take(rows), decoded.take(place[: len(source)]), change.scale)


def _errors(wanted: Scene, have: Scene, scale: float) -> dict[str, NDArray[np.float64]]:
    positions = have.positions.astype(np.float64) - wanted.positions
    wanted_scales, have_scales = (np.sort(s.log_scales.astype(np.float64), axis=1) for s in (wanted, have))
    return {
        "position": np.abs(positions).max(1) / scale,
        "log scale": np.abs(have_scales - wanted_scales).max(1),
        "scale": np.abs(np.exp(have_scales) - np.exp(wanted_scales)).max(1) / scale,
        "rotation (degrees)": _angles(wanted.rotations, have.rotations),
        "alpha": np.abs(_alpha(have) - _alpha(wanted)),
        "color": np.abs(have.sh[:, 0].astype(np.float64) - wanted.sh[:, 0]).max(1),
        **(
            {"sh": np.abs(have.sh[:, 1:].astype(np.float64) - wanted.sh[:, 1:]).max((1, 2))} if wanted.sh_degree else {}
        ),
    }


def _alpha(scene: Scene) -> NDArray[np.float64]:
    alphas: NDArray[np.float64] = 1 / (1 + np.exp(-scene.opacity_logits.astype(np.float64)))
    return alphas


def _angles(wanted: NDArray[np.float32], have: NDArray[np.float32]) -> NDArray[np.float64]:
    """Degrees between two orientations of an ellipsoid: the smallest over the cube's turns."""
    turn = _matrices(wanted).transpose(0, 2, 1) @ _matrices(have)
    best = np.full(len(turn), -1.0)
    for permutation in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            cube = np.zeros((3, 3))
            cube[range(3), permutation] = signs
            if np.linalg.det(cube) > 0:
                best = np.maximum(best, np.einsum("nij,ij->n", turn, cube))
    return np.degrees(np.arccos(np.clip((best - 1) / 2, -1, 1)))


def _matrices(rotations: NDArray[np.float32]) -> NDArray[np.float64]:
    q = rotations.astype(np.float64)
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)
