"""Free space: positions with nothing in front of the camera and a clear view of something.

A position is tested by a small picture of depth and alpha, drawn from the splats that cover the most. It is free if
almost nothing is near the camera, and what is in the middle of the picture is about as far away as the target.

Nothing in a scene says whether it is a room or an object: both are shells. But pictures are sharp where cameras stood,
and blurred elsewhere (inside an object, behind a wall). So views of the middle are tried from around it and from
within, and the sharp ones are taken, those from around first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.device import Engine
from splatzip.raster.rasterize import Picture, Renderer, precise_renderer
from splatzip.scene import Camera, Scene
from splatzip.views.pseudo_extent import Extent

FOV_X_RAD = float(np.radians(60))
PROBE = (48, 36)  # pixels of a picture that a place is tried with
PROBE_SHARE = 0.95  # of the summed area of all splats is drawn in it
NEAR, NEAR_ALPHA, MOST_NEAR = 0.3, 0.3, 0.03  # of the distance looked at; alpha that counts; share of pixels that may

# Radii from the centre: of a scene with surroundings, and of an object, which visitors see whole.
SURROUNDED_DISTANCES, OBJECT_DISTANCES = (1.0, 3.0), (2.0, 5.0)
OBJECT_PROBES, OBJECT_PROBE_DISTANCE = 24, 6.0  # radii
OBJECT_EMPTY, OBJECT_EMPTY_ALPHA = 0.4, 0.1  # share of the edges of those pictures that shows nothing; alpha of nothing
AROUND_SPREAD = 0.3  # radii: how far from the centre the looks go
AROUND_DEPTHS, AROUND_ALPHA = (0.4, np.inf), 0.5
LEAST_WITHIN = 0.3  # radii between a place within the middle and what is looked at
SPLAT_DISTANCES = (0.5, 2.5)  # radii from the splat
SPLAT_SPREAD = 0.12  # distances
SPLAT_DEPTHS, SPLAT_ALPHA = (0.65, 1.35), 0.7
TRIES = 4  # for each camera that is asked for
AT_ONCE = 8  # places are drawn together, where that saves time
ENOUGH_DETAIL, DETAIL_PERCENTILE = 0.5, 75  # of that percentile's
DETAIL_SCALE, DETAIL_ALPHA = 2.0, 0.7  # of the probe's size; alpha that counts
LEAST_SOLID = 50  # pixels: a few sharp ones are no picture

_DOWN, _OTHER_DOWN = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])


class Look(NamedTuple):
    """A place that is to be tried.

    Attributes:
        eye, at: (3,) where the camera stands, and what it looks at.
        depths: between which shares of that distance the middle of the picture is.
        least_alpha: mean alpha there.
    """

    eye: NDArray[np.float64]
    at: NDArray[np.float64]
    depths: tuple[float, float]
    least_alpha: float


class Drawn(NamedTuple):
    """A scene as it is drawn while views are found.

    Attributes:
        scene: SH degree 0 of all splats, neighbours side by side: a view sees all of 16 in a row or none, mostly.
        rows: (N,) where they are in the scene that views are made of.
        by: what draws it.
    """

    scene: Scene
    rows: NDArray[np.intp]
    by: Renderer

    @classmethod
    def of(cls, scene: Scene, *, threads: int, device: Engine) -> Drawn:
        """All of a scene."""
        drawn = scene.edited(sh=scene.sh[:, :1]).take(scene.z_order)
        return cls(drawn, scene.z_order, precise_renderer(drawn, threads=threads, device=device))


class FreeSpace:
    """Cameras in free places of a scene, in the probe's size."""

    def __init__(
        self, scene: Scene, drawn: Drawn, extent: Extent, random: np.random.Generator, *, threads: int, device: Engine
    ) -> None:
        self._all, self._extent, self._random = scene, extent, random
        largest = np.zeros(len(scene), bool)
        largest[extent.largest(PROBE_SHARE)] = True
        self._every_splat = drawn.by
        self._largest = precise_renderer(drawn.scene.take(largest[drawn.rows]), threads=threads, device=device)
        self._distances = OBJECT_DISTANCES if self._is_object() else SURROUNDED_DISTANCES

    def looks_at_the_middle(self, count: int) -> list[Camera]:
        """Cameras around the middle and within it, where pictures are sharp; if need be, the clearest of the others."""
        around, others = self._free(self._around(TRIES * count), count)
        within, _ = self._free(self._within(TRIES * count), count)
        chosen = self._sharp([*around, *within], count)
        return chosen + others[: count - len(chosen)]

    def looks_at_splats(self, count: int) -> list[Camera]:
        """Cameras near splats of the middle, with a clear line of sight; fewer where few places are free."""
        return self._free(self._nearby(TRIES * count), count)[0]

    def _is_object(self) -> bool:
        """Whether pictures from afar end in nothing."""
        eyes = self._extent.centre + OBJECT_PROBE_DISTANCE * self._extent.radius * _spread_directions(OBJECT_PROBES)
        empty = []
        for _, alpha, _ in self._largest.pictures([look_at(eye, self._extent.centre, PROBE) for eye in eyes]):
            edges = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
            empty.append(float(np.mean(edges < OBJECT_EMPTY_ALPHA)))
        return float(np.mean(empty)) > OBJECT_EMPTY

    def _around(self, count: int) -> Iterator[Look]:
        extent = self._extent
        for direction in self._random.permutation(_spread_directions(count)):
            eye = extent.centre + extent.radius * self._log_uniform(*self._distances) * direction
            at = extent.centre + AROUND_SPREAD * extent.radius * self._random.normal(size=3)
            yield Look(eye, at, AROUND_DEPTHS, AROUND_ALPHA)

    def _within(self, count: int) -> Iterator[Look]:
        extent = self._extent
        for at in self._splats(count):
            eye = extent.centre + extent.radius * self._random.uniform() ** (1 / 3) * self._direction()
            if np.linalg.norm(at - eye) > LEAST_WITHIN * extent.radius:
                yield Look(eye, at, SPLAT_DEPTHS, SPLAT_ALPHA)

    def _nearby(self, count: int) -> Iterator[Look]:
        for at in self._splats(count):
            distance = self._extent.radius * self._log_uniform(*SPLAT_DISTANCES)
            eye = at + distance * self._direction()
            yield Look(eye, at + SPLAT_SPREAD * distance * self._random.normal(size=3), SPLAT_DEPTHS, SPLAT_ALPHA)

    def _free(self, looks: Iterable[Look], count: int) -> tuple[list[Camera], list[Camera]]:
        """The first `count` free ones, and those that were not free before that, the clearest first."""
        free: list[Camera] = []
        others: list[tuple[float, int, Camera]] = []
        for look, camera, picture in self._drawn(looks):
            alpha, is_free = _judged(look, picture)
            if is_free:
                free.append(camera)
            else:
                others.append((-alpha, len(others), camera))
            if len(free) == count:
                break
        return free, [camera for *_, camera in sorted(others, key=lambda other: other[:2])]

    def _drawn(self, looks: Iterable[Look]) -> Iterator[tuple[Look, Camera, Picture]]:
        """Several are made, and on a GPU drawn, at once; where iteration stops, no random numbers beyond were used."""
        looks, numbers = iter(looks), self._random.bit_generator
        while ahead := [(look, numbers.state) for look in islice(looks, AT_ONCE)]:
            after_all = numbers.state
            cameras = [look_at(look.eye, look.at, PROBE) for look, _ in ahead]
            for (look, after), camera, picture in zip(ahead, cameras, self._largest.pictures(cameras), strict=True):
                numbers.state = after
                yield look, camera, picture
            numbers.state = after_all

    def _splats(self, count: int) -> NDArray[np.float64]:
        """(count, 3) places of random splats of the middle."""
        chosen = self._random.choice(np.flatnonzero(self._extent.middle), count)
        return np.asarray(self._all.origin + self._all.positions[chosen])

    def _sharp(self, cameras: list[Camera], count: int) -> list[Camera]:
        """The first `count` with enough detail; if those are not as many, the sharpest of the others, too."""
        if not cameras:
            return []
        enlarged = [camera.scaled(DETAIL_SCALE) for camera in cameras]
        detail = np.array([_detail(picture) for picture in self._every_splat.pictures(enlarged)])
        blurred = detail < ENOUGH_DETAIL * np.percentile(detail, DETAIL_PERCENTILE)
        order = np.lexsort((np.where(blurred, -detail, np.arange(len(cameras))), blurred))
        return [cameras[index] for index in np.sort(order[:count])]

    def _log_uniform(self, low: float, high: float) -> float:
        return float(np.exp(self._random.uniform(np.log(low), np.log(high))))

    def _direction(self) -> NDArray[np.float64]:
        vector = self._random.normal(size=3)
        return np.asarray(vector / np.linalg.norm(vector))


def look_at(eye: NDArray[np.float64], at: NDArray[np.float64], size: tuple[int, int]) -> Camera:
    """A camera that stands upright where y is down, unless it looks along y."""
    forward = at - eye
    steep = abs(forward[1]) > 0.99 * np.linalg.norm(forward)
    return Camera.look_at(
        eye, at, down=_OTHER_DOWN if steep else _DOWN, width=size[0], height=size[1], fov_x_rad=FOV_X_RAD
    )


def _judged(look: Look, picture: Picture) -> tuple[float, bool]:
    """Mean alpha of the middle of the picture, and whether the place is free."""
    distance = float(np.linalg.norm(look.at - look.eye))
    near = (picture.depth < NEAR * distance) & (picture.alpha > NEAR_ALPHA)
    alpha, depth = _of_middle(picture)
    least, most = look.depths
    is_clear = least * distance < depth < most * distance
    return alpha, bool(near.mean() <= MOST_NEAR and is_clear and alpha > look.least_alpha)


def _detail(picture: Picture) -> float:
    """Mean contrast of a pixel with its four neighbours, where there is something: near zero in a blur."""
    grey, solid = picture.color.mean(axis=2), picture.alpha[1:-1, 1:-1] > DETAIL_ALPHA
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.abs(4 * grey[1:-1, 1:-1] - around)[solid].sum() / max(np.count_nonzero(solid), LEAST_SOLID))


def _of_middle(picture: Picture) -> tuple[float, float]:
    """Mean alpha and median depth of the inner ninth of a picture."""
    height, width = picture.alpha.shape
    inner = slice(height // 3, height - height // 3), slice(width // 3, width - width // 3)
    return float(picture.alpha[inner].mean()), float(np.median(picture.depth[inner]))


def _spread_directions(count: int) -> NDArray[np.float64]:
    """(count, 3) unit vectors, evenly spread over the sphere along a golden spiral."""
    place = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1 - 2 * place / count), np.pi * (1 + 5**0.5) * place
    return np.stack([np.cos(azimuth) * np.sin(polar), np.sin(azimuth) * np.sin(polar), np.cos(polar)], axis=1)
