"""Histograms of attributes, before and after.

Only quantities that do not depend on how a splat is represented: a covariance has neither signs nor an order of axes,
so scales are sorted, and a rotation is reduced to the tilt of its shortest axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.scene import Scene

Floats = NDArray[np.floating[Any]]
BINS = 64
_TAIL = 0.001  # of the splats, left out at either end
_Y0 = 0.28209479177387814  # SH of degree 0: base colour = 0.5 + _Y0 * sh[0]


@dataclass(frozen=True)
class Histogram:
    """One quantity, counted in the same bins for every scene.

    Attributes:
        title, unit: what it is.
        low, high: edges of the first and the last bin; their decimal logarithms where `log`.
        counts: (BINS,) a scene, in the order of the scenes.
    """

    title: str
    unit: str
    low: float
    high: float
    log: bool
    counts: tuple[NDArray[np.int64], ...]


def histograms(scenes: Sequence[Scene]) -> list[Histogram]:
    """Every quantity that all scenes have, over the range of all of them."""
    columns = [list(_quantities(scene)) for scene in scenes]
    return [_histogram(*same) for same in zip(*columns, strict=False)]


@dataclass(frozen=True)
class _Quantity:
    title: str
    unit: str
    values: Floats
    log: bool = False
    limits: tuple[float, float] | None = None


def _quantities(scene: Scene) -> Iterator[_Quantity]:
    for axis, name in enumerate("xyz"):
        yield _Quantity(f"Position {name}", "scene units", scene.positions[:, axis])
    scales = np.sort(scene.log_scales, axis=1) / np.float32(np.log(10))
    for axis, name in ((2, "Longest"), (1, "Middle"), (0, "Shortest")):
        yield _Quantity(f"{name} axis", "scene units", scales[:, axis], log=True)
    yield _Quantity("Tilt of the shortest axis", "degrees", _tilt_degrees(scene), limits=(0, 90))
    with np.errstate(over="ignore"):
        yield _Quantity("Opacity", "", 1 / (1 + np.exp(-scene.opacity_logits)), limits=(0, 1))
    for channel, name in enumerate(("Red", "Green", "Blue")):
        yield _Quantity(name, "base colour", 0.5 + np.float32(_Y0) * scene.sh[:, 0, channel])
    for degree in range(1, scene.sh_degree + 1):
        band = scene.sh[:, degree**2 : (degree + 1) ** 2]
        yield _Quantity(f"SH degree {degree}", "RMS of coefficients", np.sqrt(np.mean(band * band, axis=(1, 2))))


def _tilt_degrees(scene: Scene) -> Floats:
    """Angle of each splat's shortest axis from the y axis, 0 to 90: axes have no sign."""
    w, x, y, z = (scene.rotations / np.linalg.norm(scene.rotations, axis=1, keepdims=True)).T
    of_axes = np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], axis=1)
    shortest = np.argmin(scene.log_scales, axis=1)[:, None]
    cosine = np.abs(np.take_along_axis(of_axes, shortest, axis=1)[:, 0])
    degrees: Floats = np.degrees(np.arccos(np.minimum(cosine, 1)))
    return degrees


def _histogram(*same: _Quantity) -> Histogram:
    first = same[0]
    low, high = first.limits or _range([quantity.values for quantity in same])
    counts = tuple(np.histogram(quantity.values, BINS, (low, high))[0] for quantity in same)
    return Histogram(first.title, first.unit, low, high, first.log, counts)


def _range(columns: Sequence[Floats]) -> tuple[float, float]:
    """From the lowest to the highest value of all scenes, without the tails; wide enough for bins of float32."""
    ends: list[Floats] = [np.quantile(column, [_TAIL, 1 - _TAIL]) for column in columns if len(column)]
    ends = ends or [np.zeros(2)]
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    most = max(abs(low), abs(high))
    room = 1e-3 + 1e-3 * most if high - low <= 1e-4 * most else 0.0
    return low - room, high + room
