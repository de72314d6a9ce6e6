"""The rasterizer for GPUs as a differentiable function of CUDA tensors: nothing of them passes through the host.

    positions, log_scales, rotations, opacity_logits, sh, background  ->  color, alpha

Pictures and gradients are those of the CPU (autograd.py), apart from rounding in the last bits.
"""

from __future__ import annotations

import threading
import weakref
from collections import defaultdict
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.raster.view import view_of
from splatzip.scene import Camera


def rasterize_cuda(
    attributes: tuple[Tensor, ...], background: Tensor, camera: Camera, origin: np.ndarray[Any, Any], *,
    exact_extent: bool, antialias: bool, core: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """See `splatzip.raster.autograd.rasterize`.

    Args:
        attributes: in its order, float32, on one GPU.
        core: what draws; None is the GPU's. Tests give the emulation, and tensors of the CPU.
    """
    shown: tuple[Tensor, Tensor] = _Rasterize.apply(
        *attributes, background, camera, origin, exact_extent, antialias, core
    )
    return shown


class _Rasterize(torch.autograd.Function):  # type: ignore[misc]  # torch is not there for mypy
    """Each forward holds a rasterizer of its own until its graph is gone: the lists are what backward starts from."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor]:
        *attributes, background, camera, origin, exact_extent, antialias, core = inputs
        tensors = [tensor.detach().float().contiguous() for tensor in attributes]
        device = tensors[0].device
        ctx.frame = _Lease(device) if core is None else _Lent(core)
        ctx.shapes, ctx.background_like = [tensor.shape for tensor in tensors], background
        color = torch.empty((camera.height, camera.width, 3), device=device)
        alpha = torch.empty((camera.height, camera.width), device=device)
        degree = int(tensors[-1].shape[1] ** 0.5) - 1
        drawer: CudaRasterizer = ctx.frame.rasterizer
        behind = background.detach().float().cpu().numpy()
        view = view_of(camera, origin, background=behind, exact_extent=exact_extent, antialias=antialias)
        with _on(device):
            drawer.set_scene_at([tensor.data_ptr() for tensor in tensors], len(tensors[0]), degree)
            drawer.render_at(view, keep=True, color=color.data_ptr(), alpha=alpha.data_ptr())
        return color, alpha

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        color, alpha = (gradient.float().contiguous() for gradient in gradients)
        found = [torch.empty(shape, device=color.device) for shape in ctx.shapes]
        background = torch.empty(3, device=color.device)
        with _on(color.device):
            ctx.frame.rasterizer.backward_at(
                color.data_ptr(), alpha.data_ptr(), [tensor.data_ptr() for tensor in found], background.data_ptr()
            )
        like = ctx.background_like
        settings: tuple[Tensor | None, ...] = (None,) * 5
        return (*found, background.to(like.device, like.dtype).reshape(like.shape), *settings)


def _on(device: torch.device) -> AbstractContextManager[None]:
    """Kernels are launched on the current GPU, which need not be the tensors'."""
    on: AbstractContextManager[None] = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
    return on


class _Lent:
    """A rasterizer that the caller keeps."""

    def __init__(self, core: Any) -> None:
        self.rasterizer = CudaRasterizer(precise=True, core=core)


class _Lease:
    """A rasterizer that goes back to its stream's shelf when nobody holds the lease: its memory serves the next."""

    _MOST = 2
    _shelves: defaultdict[tuple[int, int], list[CudaRasterizer]] = defaultdict(list)  # noqa: RUF012
    _lock = threading.Lock()

    def __init__(self, device: torch.device) -> None:
        stream = torch.cuda.current_stream(device).cuda_stream  # 0, the default one, is another on every GPU
        with self._lock, _on(device):
            shelf = self._shelves[device.index, stream]
            self.rasterizer = shelf.pop() if shelf else CudaRasterizer(precise=True, stream=stream)
        weakref.finalize(self, self._give_back, shelf, self.rasterizer).atexit = False

    @classmethod
    def _give_back(cls, shelf: list[CudaRasterizer], rasterizer: CudaRasterizer) -> None:
        if len(shelf) < cls._MOST:  # list.append is atomic; a finalizer must not wait for a lock
            shelf.append(rasterizer)
