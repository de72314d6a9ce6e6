"""The middle and extent of a scene, and which of its splats can matter in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatzip.scene import Scene
from splatzip.scene.ordering import among_largest

OPAQUE = 0.1  # splats of less opacity have no say in where the middle is
MIDDLE = 2.0  # radii
_MOST_LOG_SCALE = 30.0  # keeps exp finite


@dataclass(frozen=True, eq=False)
class Extent:
    """A scene's measures, robust against floaters and far backgrounds. World coordinates: positions plus origin.

    Attributes:
        centre: (3,) median of the visible splats.
        radius: median of their distances from the centre.
        splat_size: median size of the splats of the middle: mean of the two larger standard deviations.
        middle: (N,) which splats are visible and within two radii.
        area: (N,) opacity times the two larger standard deviations: how much a splat covers at most.
        opacity: (N,) 0..1.
    """

    centre: NDArray[np.float64]
    radius: float
    splat_size: float
    middle: NDArray[np.bool_]
    area: NDArray[np.float64]
    opacity: NDArray[np.float64]

    @classmethod
    def of(cls, scene: Scene) -> Extent:
        """Measure a scene of one splat or more."""
        with np.errstate(over="ignore"):
            opacity = 1 / (1 + np.exp(-scene.opacity_logits.astype(np.float64)))
        visible = opacity > OPAQUE
        if not visible.any():
            visible[:] = True
        log_scales = scene.log_scales.T.astype(np.float64, order="C")
        second, first = _two_larger(np.exp(np.minimum(log_scales, _MOST_LOG_SCALE)))
        sizes = (second + first) / 2
        centre = np.median(scene.positions[visible].astype(np.float64), axis=0)
        distances = np.linalg.norm(scene.positions - centre, axis=1)
        # One splat, or all in one place: then half a radius away is three standard deviations away.
        radius = float(np.median(distances[visible])) or 6 * float(np.median(sizes[visible])) or 1.0
        middle = visible & (distances < MIDDLE * radius)
        return cls(
            centre=scene.origin + centre,
            radius=radius,
            splat_size=float(np.median(sizes[middle])) or 1e-3 * radius,
            middle=middle,
            area=opacity * second * first,
            opacity=opacity,
        )

    def largest(self, share: float) -> NDArray[np.intp]:
        """The fewest splats that hold a share of the summed area, in their order."""
        sums = np.cumsum(np.sort(self.area)[::-1])
        return np.flatnonzero(among_largest(self.area, int(np.searchsorted(sums, share * sums[-1])) + 1))


def _two_larger(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) each, the smaller one first, of (3, N): faster than sorting three."""
    low, high = np.minimum(rows[0], rows[1]), np.maximum(rows[0], rows[1])
    return np.maximum(low, np.minimum(high, rows[2])), np.maximum(high, rows[2])
