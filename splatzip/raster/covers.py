"""Coverage: how well each splat of a scene has been seen, kept on the device that renders.

A view covers a splat by its blended weight, summed over pixels, at most 1. The worth of a set of views is the sum over
splats of the square root of their total coverage. On a GPU: cuda/raster_cover.h.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.view import View
from splatzip.raster.rasterize import CudaPictures, Rasterizer, Renderer
from splatzip.raster.score_passes import CpuPasses, CudaPasses, Passes
from splatzip.scene import Camera, Scene

COVERED = 0.05  # less is not seen yet
_BYTE = np.float32(1 / 255)  # candidates are many, and kept until the choice is made: 255 is 1

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Covers(Protocol):
    """Of N splats: what is covered by views that are taken anyway, and by candidates."""

    def look(self, camera: Camera) -> None:
        """Draw a view: `take`, `covers_first` and `add` are about it."""
        ...

    def take(self) -> None:
        """The view is taken anyway: it counts before any candidate."""
        ...

    def covers_first(self) -> int:
        """How many splats that matter it covers and no view or candidate before did."""
        ...

    def add(self) -> None:
        """It is a candidate; they are counted from 0."""
        ...

    def missing(self) -> Mask:
        """(N,) splats that matter and that nothing covers yet, no candidate either."""
        ...

    def gain(self, candidate: int) -> float:
        """What a candidate adds to the worth of those that are taken."""
        ...

    def choose(self, candidate: int) -> None:
        """It is taken, too."""
        ...


def covers_of(scene: Scene, drawn_by: Renderer, matters: Mask, *, threads: int) -> Covers:
    """Nothing is covered yet.

    Args:
        scene: N splats.
        drawn_by: the scene's `precise_renderer`; it may draw other pictures, too.
        matters: (N,) which of the splats may not be missed.
        threads: 0 for every core; the covers do not depend on it.
    Raises: BackendError if the device has too little memory.
    """
    if isinstance(drawn_by, CudaPictures):
        return _CudaCovers(scene, drawn_by, matters)
    assert isinstance(drawn_by, Rasterizer)
    return _CpuCovers(scene, drawn_by, matters, threads)


class _CpuCovers:
    def __init__(self, scene: Scene, drawn_by: Rasterizer, matters: Mask, threads: int) -> None:
        self._view, self._passes, self._matters = drawn_by.view, CpuPasses(scene, drawn_by, threads), matters
        self._taken = np.zeros(len(matters), np.float32)
        self._total = np.zeros(len(matters), np.float32)
        self._missing: Mask | None = matters
        self._roots: Floats | None = None
        self._candidates: list[NDArray[np.uint8]] = []

    def look(self, camera: Camera) -> None:
        _draw(self._passes, self._view(camera))
        weight = self._passes.read_weight()
        self._seen = np.minimum(weight, np.float32(1), out=weight)

    def take(self) -> None:
        self._taken += self._seen
        self._add_to_total()

    def covers_first(self) -> int:
        return int(np.count_nonzero((self._seen >= COVERED) & self.missing()))

    def add(self) -> None:
        self._candidates.append(np.ceil(self._seen * 255).astype(np.uint8))
        self._add_to_total()

    def missing(self) -> Mask:
        if self._missing is None:
            self._missing = (self._total < COVERED) & self._matters
        return self._missing

    def gain(self, candidate: int) -> float:
        if self._roots is None:
            self._roots = np.sqrt(self._taken)
        roots = self._with(candidate)
        np.sqrt(roots, out=roots)
        roots -= self._roots
        return float(np.sum(roots, dtype=np.float64))

    def choose(self, candidate: int) -> None:
        self._taken, self._roots = self._with(candidate), None

    def _with(self, candidate: int) -> Floats:
        return self._taken + self._candidates[candidate] * _BYTE

    def _add_to_total(self) -> None:
        self._total += self._seen
        self._missing = None


class _CudaCovers:
    def __init__(self, scene: Scene, drawn_by: CudaPictures, matters: Mask) -> None:
        self._view, self._passes, self._rasterizer = drawn_by.view, CudaPasses(scene, drawn_by.cuda), drawn_by.cuda
        self._missing: Mask | None = matters
        self._rasterizer.begin_covers(matters)

    def look(self, camera: Camera) -> None:
        _draw(self._passes, self._view(camera))

    def take(self) -> None:
        self._rasterizer.take_cover()
        self._missing = None

    def covers_first(self) -> int:
        return self._rasterizer.count_new()

    def add(self) -> None:
        self._rasterizer.add_candidate()
        self._missing = None

    def missing(self) -> Mask:
        if self._missing is None:
            self._missing = self._rasterizer.read_missing()
        return self._missing

    def gain(self, candidate: int) -> float:
        return self._rasterizer.gain(candidate)

    def choose(self, candidate: int) -> None:
        self._rasterizer.take_candidate(candidate)


def _draw(passes: Passes, view: View) -> None:
    nothing_else = ("removal", "geometry_curvature", "color_curvature", "directions", "transmittance")
    passes.begin(dict.fromkeys(nothing_else, False))
    passes.add([view], [1.0])
