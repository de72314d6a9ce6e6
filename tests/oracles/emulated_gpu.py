"""A GPU that the CPU emulates, in the place of the one that the package looks for."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from splatzip import decode
from splatzip.kernels import cuda_decode, cuda_rasterize, device
from splatzip.kernels.cuda_decode import GpuDecoder
from splatzip.scene import on_gpu
from splatzip.stream import columns_on_gpu


def use_emulation(monkeypatch: pytest.MonkeyPatch, memory: int = 1 << 40) -> None:
    """A GPU of that much memory, whose kernels the CPU runs; what it decodes and what it draws take from it apart."""
    from splatzip import _cuda

    decoder = GpuDecoder(core=_cuda.make_emulated_decoder(False, memory))
    there = SimpleNamespace(
        devices=lambda: ([{}], ""), pinned=lambda size: np.empty(size, np.uint8),
        make_raster=lambda precise, stream: _cuda.make_emulated_raster(precise, False, memory),
    )  # fmt: skip
    for module in (decode, columns_on_gpu, on_gpu, cuda_decode):
        monkeypatch.setattr(module, "shared_decoder", lambda: decoder)
    for module in (decode, cuda_decode, cuda_rasterize, device):
        monkeypatch.setattr(module, "require_cuda", lambda: there)
