"""Chooses the views that cover the most of a scene (`raster.covers`).

Weights are summed over the pixels at half resolution: a splat that fills one pixel is seen, and more pixels do not see
it better. The square root of the sum counts, so that a first view of a splat counts more than a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from splatzip.raster.covers import covers_of
from splatzip.scene import Camera, Scene
from splatzip.views.pseudo_extent import Extent
from splatzip.views.pseudo_free import Drawn, look_at

RESOLUTION = 0.5
CAN_MATTER = 0.02  # opacity
ENOUGH = 0.001  # share of splats that may stay uncovered
WORTH_A_LOOK = (4, 1e-4)  # a look must cover so many splats, and such a share of all, for the first time
NEAR_EYES = (0.3, 0.5)  # times the least distance, and radii: eyes about as near as that are likely


class _Missing(NamedTuple):
    """What matters and nothing has covered.

    Attributes:
        rows: (M,) of the scene, ascending.
        chances: (M,) of one of the first to be chosen, up to each of them.
    """

    rows: NDArray[np.intp]
    chances: NDArray[np.float64]

    @classmethod
    def of(cls, rows: NDArray[np.intp], areas: NDArray[np.float64]) -> _Missing:
        """Large splats are likely."""
        likely = np.sqrt(areas) + 1e-30
        chances = np.cumsum(likely / likely.sum())
        return cls(rows, chances / chances[-1:])

    def one(self, random: np.random.Generator) -> int:
        """As random.choice would find it, which adds up all chances anew."""
        return int(self.rows[np.searchsorted(self.chances, random.random(), side="right")])


class Coverage:
    """What is covered by views that are taken anyway, and by candidates."""

    def __init__(
        self,
        scene: Scene,
        drawn: Drawn,
        extent: Extent,
        taken: Sequence[Camera],
        candidates: Sequence[Camera],
        random: np.random.Generator,
        *,
        threads: int,
    ) -> None:
        self._scene, self._extent, self._random = scene, extent, random
        self._rows = drawn.rows
        matters = (extent.opacity > CAN_MATTER)[drawn.rows]
        self._covers = covers_of(drawn.scene, drawn.by, matters, threads=threads)
        self._size = taken[0].width, taken[0].height
        self._eyes = np.array([camera.position for camera in (*taken, *candidates)])
        for camera in taken:
            self._covers.look(camera.scaled(RESOLUTION))
            self._covers.take()
        self._candidates: list[Camera] = []
        for camera in candidates:
            self._covers.look(camera.scaled(RESOLUTION))
            self._add(camera)

    def look_at_what_is_missing(self, most: int) -> None:
        """Add candidates: looks from where a camera stands already at splats that nothing has covered."""
        least = max(WORTH_A_LOOK[0], WORTH_A_LOOK[1] * len(self._scene))
        missing = self._missing()
        for _ in range(most):
            if len(missing.rows) < ENOUGH * len(self._scene):
                return
            camera = self._look_at_one_of(missing)
            self._covers.look(camera.scaled(RESOLUTION))
            if self._covers.covers_first() >= least:
                self._add(camera)
                missing = self._missing()

    def _missing(self) -> _Missing:
        is_missing = np.zeros(len(self._scene), bool)
        is_missing[self._rows] = self._covers.missing()
        rows = np.flatnonzero(is_missing)
        return _Missing.of(rows, self._extent.area[rows])

    def chosen(self, count: int) -> list[Camera]:
        """The candidates that add the most, best first; fewer than `count` where there are fewer.

        What a candidate adds only shrinks as others are chosen, so an old figure is a bound: a candidate is looked at
        again only when its bound is the highest.
        """
        bounds = np.full(len(self._candidates), np.inf)
        best: list[int] = []
        while len(best) < min(count, len(self._candidates)):
            index = int(bounds.argmax())
            bounds[index] = self._covers.gain(index)
            if bounds[index] >= bounds.max():
                self._covers.choose(index)
                bounds[index] = -np.inf
                best.append(index)
        return [self._candidates[index] for index in best]

    def _look_at_one_of(self, missing: _Missing) -> Camera:
        target = missing.one(self._random)
        at = self._scene.origin + self._scene.positions[target]
        distances = np.linalg.norm(self._eyes - at, axis=1)
        usual = NEAR_EYES[0] * distances.min() + NEAR_EYES[1] * self._extent.radius
        chances = 1 / (1 + (distances / usual) ** 2)
        return look_at(self._eyes[self._random.choice(len(self._eyes), p=chances / chances.sum())], at, self._size)

    def _add(self, camera: Camera) -> None:
        """What was looked at last is a candidate."""
        self._candidates.append(camera)
        self._covers.add()
