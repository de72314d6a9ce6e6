"""Score passes over views of one scene, on whichever device: what scores and coverage are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.kernels.score import NativeScores
from splatzip.raster.batches import batches
from splatzip.raster.rasterize import Rasterizer
from splatzip.scene import Camera, Scene
from splatzip.scene.on_gpu import GpuScene

Floats = NDArray[np.float32]
Sums = dict[str, NDArray[Any]]


class Settings(NamedTuple):
    """What is the same for all pictures."""

    background: Floats
    exact_extent: bool
    antialias: bool
    floor: float


class Passes(Protocol):
    """Sums over views of one scene."""

    def begin(self, wishes: Mapping[str, bool]) -> None:
        """Start anew, with all sums that are wished for at zero: `removal`, `geometry_curvature`, ..."""
        ...

    def add(self, cameras: Sequence[Camera], weights: Sequence[float], settings: Settings) -> None:
        """Draw views and add what each says of the splats, one after the other."""
        ...

    def read(self) -> Sums:
        """(N, ...) sums by name: the fields of `raster.score.Scores` that were wished for."""
        ...

    def keep(self, rows: NDArray[np.int64]) -> None:
        """These rows alone are the scene from now on; sums are to be begun again."""
        ...


class CpuPasses:
    """With the native rasterizer."""

    def __init__(self, scene: Scene, rasterizer: Rasterizer, threads: int) -> None:
        self._scene, self._rasterizer, self._threads = scene, rasterizer, threads

    def begin(self, wishes: Mapping[str, bool]) -> None:
        self._sums = NativeScores(len(self._scene), self._scene.sh_degree, **wishes, threads=self._threads)

    def add(self, cameras: Sequence[Camera], weights: Sequence[float], settings: Settings) -> None:
        for camera, weight in zip(cameras, weights, strict=True):
            self._sums.add(
                self._rasterizer.native,
                camera.world_to_camera,
                self._scene.origin,
                camera.lens,
                (camera.width, camera.height),
                settings.background,
                exact_extent=settings.exact_extent,
                antialias=settings.antialias,
                view_weight=float(weight),
                floor=settings.floor,
                threads=self._threads,
            )

    def read(self) -> Sums:
        return self._sums.read(threads=self._threads)

    def read_weight(self) -> Floats:
        """The sums of weights alone."""
        return self._sums.read_weight(threads=self._threads)

    def keep(self, rows: NDArray[np.int64]) -> None:
        self._scene = self._scene.take(rows)
        self._rasterizer = Rasterizer(self._scene, threads=self._threads)


class CudaPasses:
    """With the kernels for GPUs; what stays of a scene stays there."""

    def __init__(self, scene: Scene | GpuScene, rasterizer: CudaRasterizer) -> None:
        self._splats, self._origin, self._rasterizer = len(scene), scene.origin, rasterizer

    def begin(self, wishes: Mapping[str, bool]) -> None:
        self._rasterizer.begin_scores(**wishes)

    def add(self, cameras: Sequence[Camera], weights: Sequence[float], settings: Settings) -> None:
        done = 0
        for batch in batches(cameras, self._splats):
            self._rasterizer.add_scores(
                [camera.world_to_camera for camera in batch],
                self._origin,
                [camera.lens for camera in batch],
                (batch[0].width, batch[0].height),
                settings.background,
                exact_extent=settings.exact_extent,
                antialias=settings.antialias,
                view_weights=weights[done : done + len(batch)],
                floor=settings.floor,
            )
            done += len(batch)

    def read(self) -> Sums:
        return self._rasterizer.read_scores()

    def keep(self, rows: NDArray[np.int64]) -> None:
        self._rasterizer.keep(rows)
        self._splats = len(rows)
