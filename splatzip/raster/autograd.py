"""The rasterizer as a differentiable function of torch tensors.

    positions, log_scales, rotations, opacity_logits, sh, background  ->  color, alpha

On the CPU it is the native rasterizer, forward and backward; CUDA tensors go to gsplat or to our own kernels. Where a
cutoff or a clamp acts (alpha 1/255, alpha 0.99, colour 0, the extent, the early stop), gradients are those of what
remains.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.autograd.function import once_differentiable

from splatzip.errors import BackendError
from splatzip.kernels.rasterize import ATTRIBUTE_NAMES, NativeRasterizer
from splatzip.raster.rasterize import Extent, is_exact
from splatzip.raster.view import view_of
from splatzip.scene import Camera


def rasterize(
    positions: Tensor, log_scales: Tensor, rotations: Tensor, opacity_logits: Tensor, sh: Tensor, camera: Camera, *,
    background: Tensor | ArrayLike = (0.0, 0.0, 0.0), extent: Extent = "3sigma", antialias: bool = False,
    origin: ArrayLike = (0.0, 0.0, 0.0), threads: int = 0, backend: Literal["gsplat", "cuda"] = "gsplat",
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Draw splats and remember how.

    Args:
        positions (N, 3), log_scales (N, 3), rotations (N, 4), opacity_logits (N,), sh (N, 1+B, 3): float32, as a Scene
            has them; tensors of other types are drawn in float32. A splat with NaN in its place, shape or opacity is
            not drawn, and its gradient is 0; NaN in its colour shows.
        background: (3,), may ask for a gradient, too.
        extent, antialias, threads: see `splatzip.render`.
        origin: (3,) what the positions are relative to.
        camera: its pose takes no gradient.
        backend: of CUDA tensors. "gsplat": with its own extent; "cuda": the kernels of cuda/, with ours.
    Returns: color (H, W, 3) with the background blended in, alpha (H, W).
    Raises: SceneError if the shapes disagree; BackendError if there is no such backend, or it cannot draw the CUDA
        tensors that are given. There are no gradients of gradients, and none of `torch.func`.
    """
    attributes = (positions, log_scales, rotations, opacity_logits, sh)
    for name, tensor in zip(ATTRIBUTE_NAMES, attributes, strict=True):
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{name} is no torch tensor but {type(tensor).__name__}; splatzip.render draws scenes of numpy"
            )
    if backend not in ("gsplat", "cuda"):
        raise BackendError(f"backend {backend!r} is not known; choose gsplat or cuda, for CUDA tensors")
    if not isinstance(background, Tensor):
        background = torch.tensor(np.asarray(background, np.float32), device=positions.device)
    background = background.reshape(3)
    start = np.asarray(origin, np.float64).reshape(3)
    if positions.is_cuda and backend == "cuda":
        from splatzip.raster.cuda_autograd import rasterize_cuda

        return rasterize_cuda(attributes, background, camera, start, exact_extent=is_exact(extent), antialias=antialias)
    if positions.is_cuda:
        from splatzip.raster.gsplat_backend import rasterize_gsplat

        color, alpha, _ = rasterize_gsplat(
            **dict(zip(ATTRIBUTE_NAMES, attributes, strict=True)), camera=camera, origin=start, background=background,
            antialias=antialias,
        )  # fmt: skip
        return color, alpha
    shown: tuple[Tensor, Tensor] = _Rasterize.apply(
        *attributes, background, camera, start, is_exact(extent), antialias, threads
    )
    return shown


class _Rasterize(torch.autograd.Function):  # type: ignore[misc]  # torch is not there for mypy
    """Each forward holds a rasterizer of its own until its graph is gone: the frame is what backward starts from."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor]:
        *attributes, background, camera, origin, exact_extent, antialias, threads = inputs
        arrays = [tensor.detach().float().contiguous().numpy() for tensor in attributes]
        ctx.frame, ctx.threads = _Lease(), threads
        native = ctx.frame.native
        native.set_scene(dict(zip(ATTRIBUTE_NAMES, arrays, strict=True)), threads=threads)
        behind = background.detach().float().cpu().numpy()
        view = view_of(camera, origin, background=behind, exact_extent=exact_extent, antialias=antialias)
        color, alpha, _ = native.render(view, depth=False, threads=threads)
        return torch.from_numpy(color), torch.from_numpy(alpha)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]  # what follows is not made of torch's operations
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        color, alpha = (gradient.float().contiguous().numpy() for gradient in gradients)
        found, background = ctx.frame.native.backward(color, alpha, threads=ctx.threads)
        settings: tuple[Tensor | None, ...] = (None,) * 5
        return (*map(torch.from_numpy, found.values()), torch.from_numpy(background), *settings)


class _Lease:
    """A native rasterizer that goes back to the shelf when nobody holds the lease: its memory serves the next frame."""

    _MOST = 2
    _shelf: list[NativeRasterizer] = []  # noqa: RUF012
    _lock = threading.Lock()

    def __init__(self) -> None:
        with self._lock:
            self.native = self._shelf.pop() if self._shelf else NativeRasterizer()
        weakref.finalize(self, self._give_back, self.native).atexit = False

    @classmethod
    def _give_back(cls, native: NativeRasterizer) -> None:
        if len(cls._shelf) < cls._MOST:  # list.append is atomic; a finalizer must not wait for a lock
            cls._shelf.append(native)
