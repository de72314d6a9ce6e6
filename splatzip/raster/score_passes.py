"""Score passes over views of one scene, on whichever device: what scores and coverage are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.kernels.score import NativeScores
from splatzip.kernels.view import View
from splatzip.raster.batches import batches
from splatzip.raster.rasterize import Rasterizer
from splatzip.scene import Scene
from splatzip.scene.on_gpu import GpuScene

Floats = NDArray[np.float32]
Sums = dict[str, NDArray[Any]]


class Passes(Protocol):
    """Sums over views of one scene."""

    def begin(self, kinds: Mapping[str, bool]) -> None:
        """Start anew, with all sums that are asked for at zero: `removal`, `geometry_curvature`, ..."""
        ...

    def add(self, views: Sequence[View], weights: Sequence[float], *, floor: float = 0.0) -> None:
        """Draw views and add what each says of the splats, one after the other; `floor` as in NativeScores.add."""
        ...

    def read(self) -> Sums:
        """(N, ...) sums by name: the fields of `raster.score.Scores` that were asked for."""
        ...

    def keep(self, rows: NDArray[np.int64]) -> None:
        """These rows alone are the scene from now on; sums are to be begun again."""
        ...


class CpuPasses:
    """With the native rasterizer."""

    def __init__(self, scene: Scene, rasterizer: Rasterizer, threads: int) -> None:
        self._scene, self._rasterizer, self._threads = scene, rasterizer, threads

    def begin(self, kinds: Mapping[str, bool]) -> None:
        self._sums = NativeScores(len(self._scene), self._scene.sh_degree, **kinds, threads=self._threads)

    def add(self, views: Sequence[View], weights: Sequence[float], *, floor: float = 0.0) -> None:
        for view, weight in zip(views, weights, strict=True):
            self._sums.add(self._rasterizer.native, view, view_weight=float(weight), floor=floor, threads=self._threads)

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
        self._splats, self._rasterizer = len(scene), rasterizer

    def begin(self, kinds: Mapping[str, bool]) -> None:
        self._rasterizer.begin_scores(**kinds)

    def add(self, views: Sequence[View], weights: Sequence[float], *, floor: float = 0.0) -> None:
        done = 0
        for batch in batches(views, self._splats):
            self._rasterizer.add_scores(batch, view_weights=weights[done : done + len(batch)], floor=floor)
            done += len(batch)

    def read(self) -> Sums:
        return self._rasterizer.read_scores()

    def keep(self, rows: NDArray[np.int64]) -> None:
        self._rasterizer.keep(rows)
        self._splats = len(rows)
