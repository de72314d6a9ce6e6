"""Renders pictures of a scene.

    scene + camera -> [raster] -> Picture

Callers use `render`; `renderer` prepares a scene for many pictures on a device, `Rasterizer` on the CPU. The CPU
backend gives the same bits with any number of threads and every instruction set.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import BackendError
from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.kernels.device import DeviceChoice, Engine, chosen_device, make_core
from splatzip.kernels.pictures import StoredPictures, Targets
from splatzip.kernels.rasterize import NativeRasterizer
from splatzip.kernels.view import BLACK, View
from splatzip.raster.batches import batches
from splatzip.raster.view import view_of
from splatzip.scene import Camera, Scene
from splatzip.scene.on_gpu import GpuScene

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Extent = Literal["3sigma", "exact"]
Backend = Literal["auto", "native", "cuda", "gsplat"]


class Picture(NamedTuple):
    """What a camera sees.

    Attributes:
        color: (H, W, 3) float32, background blended in, not clipped.
        alpha: (H, W) float32, 0 where nothing is.
        depth: (H, W) float32, expected distance along the look in scene units, 0 where alpha is 0.
    """

    color: Floats
    alpha: Floats
    depth: Floats

    def __repr__(self) -> str:
        height, width = self.alpha.shape
        return f"Picture({width}x{height}: color, alpha, depth)"


class Renderer(Protocol):
    """A scene prepared for many pictures of it, on any device."""

    def render(
        self, camera: Camera, *, background: ArrayLike = (0.0, 0.0, 0.0), extent: Extent = "3sigma",
        antialias: bool | None = None,
    ) -> Picture:  # fmt: skip
        """See `splatzip.render`."""
        ...

    def render_bytes(
        self, camera: Camera, *, background: ArrayLike = (0.0, 0.0, 0.0), extent: Extent = "3sigma",
        antialias: bool | None = None,
    ) -> Bytes:  # fmt: skip
        """(H, W, 3) uint8: the colour cut to 0..1, in 255ths. A GPU hands over nothing else."""
        ...

    def pictures(self, cameras: Sequence[Camera]) -> Iterator[Picture]:
        """Many pictures on black: the bits of `render`. A GPU draws several at once, the CPU each when it is asked."""
        ...

    def colors(self, cameras: Sequence[Camera]) -> Iterator[Floats]:
        """Their colours, (H, W, 3) each."""
        ...

    def targets(self, cameras: Sequence[Camera], *, small: Sequence[float] | None = None) -> Targets:
        """Their colours, kept where others will be drawn that are compared with them again and again.

        Args:
            small: (V,) up to so many pixels a picture is kept in float32, a larger one as 16-bit floats (77 dB or
                more); None: all in float32. A GPU keeps them all as 16-bit floats.
        """
        ...

    def errors(self, cameras: Sequence[Camera], targets: Targets) -> list[float]:
        """Mean squared difference of each colour from its target, of the same size; compared where it is drawn."""
        ...


class _Prepared:
    """A scene that is drawn by many cameras."""

    def __init__(self, scene: Scene | GpuScene) -> None:
        self.origin, self.antialiased = scene.origin, scene.meta.antialiased

    def view(
        self, camera: Camera, background: ArrayLike = BLACK, extent: Extent = "3sigma", antialias: bool | None = None
    ) -> View:
        """What the kernels draw; antialias: None is as the scene's meta says."""
        antialias = self.antialiased if antialias is None else antialias
        return view_of(camera, self.origin, background=background, exact_extent=is_exact(extent), antialias=antialias)


class Rasterizer(_Prepared):
    """A scene in the layout of the native rasterizer, for many pictures of it; holds a copy of the scene's arrays."""

    def __init__(self, scene: Scene, *, threads: int = 0) -> None:
        super().__init__(scene)
        self.native, self._threads = NativeRasterizer(), threads
        self.native.set_scene(scene.arrays(), threads=threads)

    def render(
        self, camera: Camera, *, background: ArrayLike = (0.0, 0.0, 0.0), extent: Extent = "3sigma",
        antialias: bool | None = None, threads: int | None = None,
    ) -> Picture:  # fmt: skip
        """See `splatzip.render`; threads: None takes as many as it was made with."""
        view = self.view(camera, background, extent, antialias)
        threads = self._threads if threads is None else threads
        color, alpha, depth = self.native.render(view, depth=True, threads=threads)
        assert depth is not None
        return Picture(color, alpha, depth)

    def render_bytes(
        self, camera: Camera, *, background: ArrayLike = (0.0, 0.0, 0.0), extent: Extent = "3sigma",
        antialias: bool | None = None, threads: int | None = None,
    ) -> Bytes:  # fmt: skip
        """See `Renderer`, and `render` for threads."""
        picture = self.render(camera, background=background, extent=extent, antialias=antialias, threads=threads)
        return (np.clip(picture.color, 0, 1) * 255 + 0.5).astype(np.uint8)

    def pictures(self, cameras: Sequence[Camera]) -> Iterator[Picture]:
        """See `Renderer`."""
        return (self.render(camera) for camera in cameras)

    def colors(self, cameras: Sequence[Camera]) -> Iterator[Floats]:
        """See `Renderer`."""
        for camera in cameras:
            yield self.native.render(self.view(camera), depth=False, threads=self._threads)[0]

    def targets(self, cameras: Sequence[Camera], *, small: Sequence[float] | None = None) -> Targets:
        """See `Renderer`."""
        limits = [np.inf] * len(cameras) if small is None else small
        return [_in_fewer_bits(color, most) for color, most in zip(self.colors(cameras), limits, strict=True)]

    def errors(self, cameras: Sequence[Camera], targets: Targets) -> list[float]:
        """See `Renderer`."""
        assert not isinstance(targets, StoredPictures)
        both = zip(self.colors(cameras), targets, strict=True)
        return [float(np.square(color - target).mean()) for color, target in both]


def render(
    scene: Scene | GpuScene, camera: Camera, *, background: ArrayLike = (0.0, 0.0, 0.0), extent: Extent = "3sigma",
    antialias: bool | None = None, backend: Backend = "auto", threads: int = 0,
) -> Picture:  # fmt: skip
    """Draw a scene.

    Args:
        scene: its arrays must not be changed afterwards, since what is prepared for one picture serves the next. A
            scene on a GPU is drawn there.
        background: (3,) colour behind everything.
        extent: where a splat ends: "3sigma" (at three sigmas or at alpha 1/255, what comes first: how scenes are
            trained) or "exact" (at alpha 1/255).
        antialias: scale opacities to compensate for the screen-space dilation; None: as the scene's meta says.
        backend: "native" (CPU), "cuda" (the kernels of cuda/), "gsplat" (CUDA; always with its own extent), "auto"
            (native).
        threads: 0 uses all cores; the picture is the same.
    Returns: the picture, float32.
    Raises: BackendError if the backend is not available.
    """
    if isinstance(scene, GpuScene):
        if backend not in ("auto", "cuda"):
            raise BackendError(f"backend {backend!r} draws scenes of the host: download() gives one; or choose cuda")
        return _on_gpu(scene).render(camera, background=background, extent=extent, antialias=antialias)
    if backend == "gsplat":
        from splatzip.raster.gsplat_backend import render_scene

        return Picture(*render_scene(scene, camera, background=background, antialias=antialias))
    if backend == "cuda":
        return _on_gpu(scene).render(camera, background=background, extent=extent, antialias=antialias)
    if backend not in ("auto", "native"):
        raise BackendError(f"backend {backend!r} is not known; choose auto, native, cuda or gsplat")
    return prepared(scene, threads).render(
        camera, background=background, extent=extent, antialias=antialias, threads=threads
    )


class CudaPictures(_Prepared):
    """A scene on a GPU, for many pictures of it."""

    def __init__(self, scene: Scene | GpuScene, *, precise: bool = False, core: Any = None) -> None:
        super().__init__(scene)
        self._splats = len(scene)
        self.cuda = CudaRasterizer(precise=precise, core=core)
        if isinstance(scene, GpuScene):  # never seen by the host
            self.cuda.set_scene_at(scene.kernel.addresses, len(scene), scene.sh_degree)
        else:
            self.cuda.set_scene(scene.arrays())

    def render(
        self, camera: Camera, *, background: ArrayLike = (0.0, 0.0, 0.0), extent: Extent = "3sigma",
        antialias: bool | None = None,
    ) -> Picture:  # fmt: skip
        """See `splatzip.render`."""
        color, alpha, depth = self.cuda.render([self.view(camera, background, extent, antialias)], depth=True)
        assert alpha is not None
        assert depth is not None
        return Picture(color[0], alpha[0], depth[0])

    def render_bytes(
        self, camera: Camera, *, background: ArrayLike = (0.0, 0.0, 0.0), extent: Extent = "3sigma",
        antialias: bool | None = None,
    ) -> Bytes:  # fmt: skip
        """See `Renderer`."""
        [color] = self.cuda.render_bytes([self.view(camera, background, extent, antialias)])
        return np.asarray(color)

    def pictures(self, cameras: Sequence[Camera]) -> Iterator[Picture]:
        """See `Renderer`."""
        for batch in batches(cameras, self._splats):
            color, alpha, depth = self.cuda.render(self._views(batch), depth=True)
            assert alpha is not None
            assert depth is not None
            yield from map(Picture, color, alpha, depth)

    def colors(self, cameras: Sequence[Camera]) -> Iterator[Floats]:
        """See `Renderer`."""
        for batch in batches(cameras, self._splats):
            yield from self.cuda.render(self._views(batch), alpha=False, depth=False)[0]

    def targets(self, cameras: Sequence[Camera], *, small: Sequence[float] | None = None) -> Targets:
        """See `Renderer`."""
        pictures = self.cuda.make_pictures()
        for batch in batches(cameras, self._splats):
            self.cuda.store(self._views(batch), to=pictures)
        return StoredPictures(pictures)

    def errors(self, cameras: Sequence[Camera], targets: Targets) -> list[float]:
        """See `Renderer`."""
        found: list[float] = []
        stored = StoredPictures.of(targets, self.cuda.make_pictures)
        for batch in batches(cameras, self._splats):
            sums = self.cuda.compare(self._views(batch), stored[len(found) : len(found) + len(batch)])
            found += (sums / (3 * batch[0].width * batch[0].height)).tolist()
        return found

    def _views(self, batch: Sequence[Camera]) -> list[View]:
        return [self.view(camera) for camera in batch]


def _in_fewer_bits(color: Floats, small: float) -> NDArray[np.floating[Any]]:
    if color.shape[0] * color.shape[1] <= small:
        return color
    return np.minimum(color, np.finfo(np.float16).max).astype(np.float16)


def renderer(scene: Scene | GpuScene, *, device: DeviceChoice = "auto") -> Renderer:
    """Prepare a scene for many pictures of it.

    Args:
        scene: a scene on a GPU is drawn there.
        device: "cpu", "cuda" (a GPU), or "auto": a GPU where there is one whose memory the scene fits, else the CPU.
    Raises: BackendError if CUDA is asked for and cannot be had.
    """
    if isinstance(scene, GpuScene):
        if device == "cpu":
            raise BackendError("device cpu draws scenes of the host: download() gives one; or use device cuda")
        return CudaPictures(scene)
    if chosen_device(device) == "cuda":
        try:
            return CudaPictures(scene)
        except BackendError:
            if device == "cuda":
                raise
    return Rasterizer(scene)


def precise_renderer(scene: Scene, *, threads: int = 0, device: Engine = "cpu") -> Renderer:
    """Make a scene ready for the pictures that an encoder decides by: in float32, on whichever device.

    Raises: BackendError if the device cannot be had.
    """
    return Rasterizer(scene, threads=threads) if device == "cpu" else _precise(scene, device)


def _precise(scene: Scene, device: Engine) -> CudaPictures:
    return CudaPictures(scene, precise=True, core=make_core(device, "raster", True))


_on_gpu_now: list[tuple[weakref.ref[Any], CudaPictures]] = []  # the last scene that a GPU drew
_on_gpu_lock = threading.Lock()


def _on_gpu(scene: Scene | GpuScene) -> CudaPictures:
    with _on_gpu_lock:
        if not _on_gpu_now or _on_gpu_now[0][0]() is not scene:
            _on_gpu_now.clear()  # before the next one takes its memory
            _on_gpu_now.append((weakref.ref(scene), CudaPictures(scene)))
        return _on_gpu_now[0][1]


def is_exact(extent: str) -> bool:
    """Whether splats end at alpha 1/255 alone."""
    if extent not in ("3sigma", "exact"):
        raise ValueError(f"extent {extent!r}: choose 3sigma or exact")
    return extent == "exact"


_Made = TypeVar("_Made")


class _Ready(Generic[_Made]):
    """What was made of the scenes that were asked for last, as long as they live."""

    MOST = 2  # a comparison draws two in turn

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[weakref.ref[Scene], _Made]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, scene: Scene, make: Callable[[], _Made]) -> _Made:
        key = id(scene)
        with self._lock:
            known = self._kept.get(key)
            if known is not None and known[0]() is scene:
                self._kept.move_to_end(key)
                return known[1]
        made = make()
        with self._lock:
            self._kept[key] = (weakref.ref(scene, lambda _: self._kept.pop(key, None)), made)
            self._kept.move_to_end(key)
            while len(self._kept) > self.MOST:
                self._kept.popitem(last=False)
        return made


_on_cpu: _Ready[Rasterizer] = _Ready()
_on_device: dict[Engine, _Ready[CudaPictures]] = {"cuda": _Ready(), "emulated": _Ready()}


def prepared(scene: Scene, threads: int) -> Rasterizer:
    """The scene's rasterizer, as long as the scene lives and is among the last ones drawn."""
    return _on_cpu.get(scene, lambda: Rasterizer(scene, threads=threads))


def prepared_on(scene: Scene, device: Engine) -> CudaPictures:
    """The same on a GPU, in float32."""
    return _on_device[device].get(scene, lambda: _precise(scene, device))
