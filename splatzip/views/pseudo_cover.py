"""Coverage: how well each splat has been seen, and the choice of views that add the most to it.

A view covers a splat by its blended weight, summed over the pixels of half the resolution, at most 1: a splat that
fills a pixel is seen, more pixels see it no better. The worth of a set of views is the sum over splats of the square
root of their coverage: first looks count more than second ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.device import Engine
from splatzip.raster.score import score
from splatzip.scene import Camera, Scene
from splatzip.scene.ordering import morton_order
from splatzip.views.pseudo_extent import Extent
from splatzip.views.pseudo_free import look_at

RESOLUTION = 0.5
COVERED = 0.05  # less is not seen yet
CAN_MATTER = 0.02  # opacity
ENOUGH = 0.001  # share of splats that may stay uncovered
WORTH_A_LOOK = (4, 1e-4)  # a look must cover so many splats, and such a share of all, for the first time
NEAR_EYES = (0.3, 0.5)  # times the least distance, and radii: eyes about as near as that are likely

Cover = NDArray[np.uint8]  # (N,) 255 is 1: candidates are many, and kept until the choice is made


class Coverage:
    """What is covered by views that are taken anyway, and by candidates."""

    def __init__(
        self,
        scene: Scene,
        extent: Extent,
        taken: Sequence[Camera],
        candidates: Sequence[Camera],
        random: np.random.Generator,
        *,
        threads: int,
        device: Engine,
    ) -> None:
        self._scene, self._rows = scene, morton_order(scene.positions)
        self._drawn = scene.edited(sh=scene.sh[:, :1]).take(self._rows)  # weights have no colour
        self._extent, self._random, self._threads, self._device = extent, random, threads, device
        self._size = taken[0].width, taken[0].height
        self._eyes = np.array([camera.position for camera in (*taken, *candidates)])
        self._taken = np.zeros(len(scene), np.float32)
        for camera in taken:
            self._taken += self._cover(camera)
        self._total = self._taken.copy()
        self._candidates: list[Camera] = []
        self._covers: list[Cover] = []
        for camera in candidates:
            self._add(camera, self._cover(camera))

    def look_at_what_is_missing(self, most: int) -> None:
        """Add candidates: looks from where a camera stands already at splats that nothing has covered."""
        can_matter = self._extent.opacity > CAN_MATTER
        least = max(WORTH_A_LOOK[0], WORTH_A_LOOK[1] * len(can_matter))
        for _ in range(most):
            missing = np.flatnonzero((self._total < COVERED) & can_matter)
            if len(missing) < ENOUGH * len(can_matter):
                return
            camera = self._look_at_one_of(missing)
            cover = self._cover(camera)
            if np.count_nonzero(cover[missing] >= COVERED) >= least:
                self._add(camera, cover)

    def chosen(self, count: int) -> list[Camera]:
        """The candidates that add the most, best first; fewer than `count` where there are fewer.

        What a candidate adds only shrinks as others are chosen, so an old figure is a bound: a candidate is looked at
        again only when its bound is the highest.
        """
        covered = self._taken.copy()
        bounds = np.full(len(self._covers), np.inf)
        best: list[int] = []
        while len(best) < min(count, len(self._covers)):
            index = int(bounds.argmax())
            added = covered + self._covers[index] * np.float32(1 / 255)
            bounds[index] = float(np.sum(np.sqrt(added) - np.sqrt(covered), dtype=np.float64))
            if bounds[index] >= bounds.max():
                covered, bounds[index] = added, -np.inf
                best.append(index)
        return [self._candidates[index] for index in best]

    def _look_at_one_of(self, missing: NDArray[np.intp]) -> Camera:
        chances = np.sqrt(self._extent.area[missing]) + 1e-30
        target = self._random.choice(missing, p=chances / chances.sum())
        at = self._scene.origin + self._scene.positions[target]
        distances = np.linalg.norm(self._eyes - at, axis=1)
        usual = NEAR_EYES[0] * distances.min() + NEAR_EYES[1] * self._extent.radius
        chances = 1 / (1 + (distances / usual) ** 2)
        return look_at(self._eyes[self._random.choice(len(self._eyes), p=chances / chances.sum())], at, self._size)

    def _add(self, camera: Camera, cover: NDArray[np.float32]) -> None:
        self._candidates.append(camera)
        self._covers.append(np.ceil(cover * 255).astype(np.uint8))
        self._total += cover

    def _cover(self, camera: Camera) -> NDArray[np.float32]:
        scores = score(
            self._drawn, [camera.scaled(RESOLUTION)], what={"weight"}, threads=self._threads, device=self._device
        )
        cover = np.empty_like(scores.weight)
        cover[self._rows] = np.minimum(scores.weight, np.float32(1))
        return cover
