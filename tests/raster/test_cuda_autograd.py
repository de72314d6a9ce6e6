"""Gradients of the rasterizer for GPUs as torch sees them: of CPU tensors by the emulation, of CUDA's by a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from made_scenes import rough_scene
from torch import Tensor

from splatzip.raster.autograd import rasterize
from splatzip.raster.cuda_autograd import rasterize_cuda

NAMES = ("positions", "log_scales", "rotations", "opacity_logits", "sh", "background")
NEEDS_TORCH = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs torch for CUDA")
MACHINES = [
    pytest.param("cpu", marks=pytest.mark.cuda),
    pytest.param("cuda", marks=[pytest.mark.cuda, pytest.mark.gpu, NEEDS_TORCH]),
]


def emulated() -> Any:
    from splatzip import _cuda

    return _cuda.make_emulated_raster(True, False)


def leaves(device: str) -> list[Tensor]:
    scene, _ = rough_scene()
    arrays = [*scene.arrays().values(), np.array((0.2, 0.5, 0.9), np.float32)]
    return [torch.tensor(array, device=device, requires_grad=True) for array in arrays]


def gradients(found: tuple[Tensor, Tensor], of: list[Tensor]) -> list[Tensor]:
    color, alpha = found
    waves = [torch.sin(torch.arange(x.numel(), device=x.device) * 0.37).reshape(x.shape) for x in found]
    ((color * (waves[0] + 0.5)).sum() + (alpha * waves[1]).sum()).backward()
    return [leaf.grad.cpu().double() for leaf in of]


@pytest.mark.parametrize("device", MACHINES)
def test_gradients_are_those_of_the_cpu(device: str) -> None:
    torch.set_num_threads(1)
    _, camera = rough_scene()
    found, wanted = leaves(device), leaves("cpu")
    *attributes, background = found
    core = emulated() if device == "cpu" else None
    shown = rasterize_cuda(
        tuple(attributes), background, camera, np.zeros(3), exact_extent=False, antialias=True, core=core
    )
    *attributes, background = wanted
    expected = rasterize(*attributes, camera, background=background, antialias=True, threads=1)
    assert torch.allclose(shown[0].cpu(), expected[0], atol=1e-3)
    for name, a, b in zip(NAMES, gradients(shown, found), gradients(expected, wanted), strict=True):
        assert (a - b).norm() < 5e-3 * b.norm(), name


@pytest.mark.cuda
def test_two_pictures_of_one_graph_have_their_own_gradients() -> None:
    torch.set_num_threads(1)
    _, camera = rough_scene()
    both, alone = leaves("cpu"), leaves("cpu")

    def shown(of: list[Tensor]) -> Tensor:
        color, _ = rasterize_cuda(
            tuple(of[:5]), of[5], camera, np.zeros(3), exact_extent=False, antialias=False, core=emulated()
        )
        return color

    first, second = shown(both), shown(both)
    (first.sum() + 2 * second.sum()).backward()
    (3 * shown(alone).sum()).backward()
    for a, b in zip(both, alone, strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-4, atol=1e-5 * float(b.grad.abs().max()))
