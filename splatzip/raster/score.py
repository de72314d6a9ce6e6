"""Scores: what each splat contributes to pictures of a scene, and what a change of its attributes would do.

    scene + cameras -> [raster] -> Scores -> prune, quantize, optimize

One sweep over the splats of each picture, front to back. With w = alpha T the weight of a splat in a pixel, and I the
picture:

- *removal*: the squared change of I if this splat alone were removed, exactly: |w (colour behind - colour)|^2.
- *curvature* H of a group of parameters p, Gauss-Newton: a small change dp changes I by dp^T H dp, squared and summed
  over pixels and channels. Geometry is a 10 x 10 matrix, exact up to second-order terms (the colour does not follow the
  position). Colour is the same (1+B) x (1+B) matrix for each channel: moments of the SH basis, weighted by w^2.
- *directions*: 64 bits, one per cell of the unfolded octahedron around the splat (8 x 8) from which it was seen; and
  the weighted sum of directions, short where they differ. Second moments: the colour curvature from degree 2 on.

Native: native/src/raster_score.cpp; on a GPU: cuda/raster_score.h.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import ViewsError
from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.kernels.device import DeviceChoice, Engine, chosen_device
from splatzip.raster.rasterize import (
    CudaPictures,
    Extent,
    Rasterizer,
    is_exact,
    precise_renderer,
    prepared,
    prepared_on,
)
from splatzip.raster.score_passes import CpuPasses, CudaPasses, Passes
from splatzip.raster.view import view_of
from splatzip.scene import Camera, Scene
from splatzip.scene.on_gpu import GpuScene

Floats = NDArray[np.float32]
Score = Literal["weight", "removal", "curvature", "directions", "transmittance"]
# In one sweep. Transmittance would take a few per cent of the time of every other pass: it has one of its own.
SCORES: tuple[Score, ...] = ("weight", "removal", "curvature", "directions")

# Rows and columns of the curvature of geometry.
GEOMETRY_PARAMETERS = (
    *("x", "y", "z"),  # position, scene units
    *("turn x", "turn y", "turn z"),  # about the splat's own axes, radians
    *("log scale x", "log scale y", "log scale z"),
    "opacity logit",
)
COUNTED_WEIGHT = 1 / 255  # a pixel counts for a splat that weighs more in it


@dataclass(frozen=True, repr=False)
class Scores:
    """Per splat, summed over pixels and views; N splats, K = 1+B SH coefficients. None: not asked for.

    Attributes:
        weight: (N,) sum of w. Always there, as the next three are.
        most_weight: (N,) the largest w.
        pixels: (N,) float32, in how many pixels w > 1/255; not weighted by view.
        squared_weight: (N,) sum of w^2: curvature of the picture by each channel of the colour.
        removal: (N,) squared change of the picture, all channels, without this splat.
        geometry_curvature: (N, 55) by GEOMETRY_PARAMETERS, upper triangle row by row.
        color_curvature: (N, K (K + 1) / 2) by SH coefficient, of each channel, upper triangle row by row; a colour
            clamped at 0 is taken as if it were not.
        seen_from: (N,) uint64, bit 8 j + i for cell (i, j) of `direction_cells`; set by views with most_weight > 1/255.
        toward: (N, 3) sum of w times the unit vector from the splat to the camera.
        transmittance: (N,) sum of T in front of the splat, over the pixels that it is blended into.
    """

    weight: Floats
    most_weight: Floats
    pixels: Floats
    squared_weight: Floats
    removal: Floats | None = None
    geometry_curvature: Floats | None = None
    color_curvature: Floats | None = None
    seen_from: NDArray[np.uint64] | None = None
    toward: Floats | None = None
    transmittance: Floats | None = None

    def __repr__(self) -> str:
        there = ", ".join(field.name for field in fields(self) if getattr(self, field.name) is not None)
        return f"Scores({len(self.weight):,} splats: {there})"


def score(
    scene: Scene | GpuScene, cameras: Iterable[Camera], *, what: Score | Collection[Score] = SCORES,
    weights: ArrayLike | None = None, background: ArrayLike = (0.0, 0.0, 0.0), extent: Extent = "3sigma",
    antialias: bool | None = None, contrast_floor: float = 0.0, threads: int = 0,
    device: DeviceChoice | Engine = "cpu",
) -> Scores:  # fmt: skip
    """Score the splats of a scene in views of it.

    Args:
        cameras: those of the views, or `Views`.
        what: one or some of "weight", which is always there, "removal", "curvature", "directions" and "transmittance",
            the last not with "removal" or "curvature".
        weights: one a camera, factor of its sums; None: 1.
        background, extent, antialias, threads: as `render`.
        contrast_floor: added to |colour - colour behind|^2 in the curvature of geometry, which is linear in it. The
            quadratic model is too good where a splat looks like what is behind it: neighbours move, too.
        device: "cpu", "cuda" (a GPU), or "auto": a GPU where there is one. A scene on a GPU is scored there.
    Returns: the scores; on the CPU the same from any number of threads, on a GPU close to those.
    Raises: BackendError if CUDA is asked for and cannot be had; ViewsError if there is no camera, or `weights` are not
        one finite number a camera.
    """
    chosen, factors = _weighted(cameras, weights)
    kinds = _kinds(what)
    antialias = scene.meta.antialiased if antialias is None else antialias
    exact = is_exact(extent)
    views = [
        view_of(camera, scene.origin, background=background, exact_extent=exact, antialias=antialias)
        for camera in chosen
    ]
    passes = _passes(scene, device, threads)
    passes.begin(kinds)
    passes.add(views, factors, floor=contrast_floor)
    return Scores(**passes.read())


class Shrinking:
    """A scene that is scored, loses splats and is scored again; on a GPU what stays is not sent there again.

    Args:
        scene: N splats.
        threads: 0 for every core; the scores do not depend on it.
        device: what draws.
    Raises: BackendError if the device cannot be had.
    """

    def __init__(self, scene: Scene, *, threads: int = 0, device: Engine = "cpu") -> None:
        self._passes: Passes
        made = precise_renderer(scene, threads=threads, device=device)
        if isinstance(made, CudaPictures):
            self._passes = CudaPasses(scene, made.cuda)
        else:
            assert isinstance(made, Rasterizer)
            self._passes = CpuPasses(scene, made, threads)
        self._view = made.view

    def score(self, cameras: Iterable[Camera], *, what: Collection[Score], weights: ArrayLike | None = None) -> Scores:
        """As `score`, of what is left."""
        chosen, factors = _weighted(cameras, weights)
        self._passes.begin(_kinds(what))
        self._passes.add([self._view(camera) for camera in chosen], factors)
        return Scores(**self._passes.read())

    def keep(self, rows: NDArray[np.int64]) -> None:
        """These rows of what is left, and nothing else, from now on."""
        self._passes.keep(rows)


def _weighted(cameras: Iterable[Camera], weights: ArrayLike | None) -> tuple[list[Camera], list[float]]:
    views = list(cameras)
    factors = np.ones(len(views)) if weights is None else np.asarray(weights, np.float64)
    if not views or factors.shape != (len(views),) or not np.isfinite(factors).all():
        raise ViewsError(
            f"{len(views)} cameras cannot score a scene with {factors.size} weights; one finite number each"
        )
    return views, factors.tolist()


def _kinds(what: Score | Collection[Score]) -> dict[str, bool]:
    what = {what} if isinstance(what, str) else what
    if unknown := set(what) - set(get_args(Score)):
        raise ValueError(f"no such score: {', '.join(sorted(unknown))}; choose among {', '.join(get_args(Score))}")
    if "transmittance" in what and not {"removal", "curvature"}.isdisjoint(what):
        raise ValueError("transmittance is not summed with removal or curvature: ask for it in a call of its own")
    return {
        "removal": "removal" in what,
        "geometry_curvature": "curvature" in what,
        "color_curvature": "curvature" in what,
        "directions": "directions" in what,
        "transmittance": "transmittance" in what,
    }


def _passes(scene: Scene | GpuScene, device: DeviceChoice | Engine, threads: int) -> Passes:
    """Passes over a scene; what was prepared for drawing it before is used again."""
    if isinstance(scene, GpuScene):
        rasterizer = CudaRasterizer(precise=True)
        rasterizer.set_scene_at(scene.kernel.addresses, len(scene), scene.sh_degree)
        return CudaPasses(scene, rasterizer)
    engine: Engine = "emulated" if device == "emulated" else chosen_device(device)
    if engine == "cpu":
        return CpuPasses(scene, prepared(scene, threads), threads)
    return CudaPasses(scene, prepared_on(scene, engine).cuda)


def unpacked(triangles: Floats) -> Floats:
    """(N, K (K + 1) / 2) upper triangles, row by row, as symmetric matrices (N, K, K)."""
    size = round((np.sqrt(8 * triangles.shape[1] + 1) - 1) / 2)
    rows, columns = np.triu_indices(size)
    matrices = np.empty((len(triangles), size, size), triangles.dtype)
    matrices[:, rows, columns] = triangles
    matrices[:, columns, rows] = triangles
    return matrices


def direction_cells(directions: ArrayLike) -> NDArray[np.int64]:
    """(M,) the bit of `seen_from` that each direction (M, 3) from a splat to a camera stands for."""
    x, y, z = np.moveaxis(np.asarray(directions, np.float64), -1, 0)
    size = np.abs(x) + np.abs(y) + np.abs(z)
    u, v = x / size, y / size
    folded_u, folded_v = np.copysign(1 - np.abs(v), x), np.copysign(1 - np.abs(u), y)
    u, v = np.where(z < 0, folded_u, u), np.where(z < 0, folded_v, v)
    column, row = (np.minimum((axis + 1) * 4, 7).astype(np.int64) for axis in (u, v))
    return np.asarray(row * 8 + column)
