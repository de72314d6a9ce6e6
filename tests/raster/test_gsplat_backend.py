"""The way to gsplat: what it is handed, without CUDA; its pictures and gradients, with CUDA."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch_rasterizer as oracle
from made_scenes import rough_scene

from splatzip import BackendError, Camera, Scene, SceneMeta, render
from splatzip.raster import gsplat_backend
from splatzip.raster.autograd import rasterize

SKY = (0.2, 0.5, 0.9)
NAMES = ("positions", "log_scales", "rotations", "opacity_logits", "sh")


def torch_in_the_place_of_gsplat(
    means: Any, quats: Any, scales: Any, opacities: Any, colors: Any, viewmats: Any, Ks: Any, width: int, height: int,
    *, near_plane: float, eps2d: float, sh_degree: int, packed: bool, backgrounds: Any, render_mode: str,
    rasterize_mode: str,
) -> tuple[Any, Any, dict[str, Any]]:  # fmt: skip
    """gsplat.rendering.rasterization as far as the backend uses it, its arguments as gsplat 1.5 names them."""
    assert (near_plane, eps2d, packed, render_mode) == (0.05, 0.3, False, "RGB+ED")
    assert colors.shape == (len(means), (sh_degree + 1) ** 2, 3)
    assert viewmats.shape == (1, 4, 4)
    lens = Ks[0].double().numpy()
    camera = Camera(viewmats[0].double().numpy(), width, height, lens[0, 0], lens[1, 1], lens[0, 2], lens[1, 2])
    splats = {
        "positions": means, "log_scales": torch.log(scales), "rotations": quats,
        "opacity_logits": torch.logit(opacities), "sh": colors,
    }  # fmt: skip
    shown = oracle.rasterize(
        {name: value.double() for name, value in splats.items()}, camera, background=backgrounds[0].double(),
        extent="exact", antialias=rasterize_mode == "antialiased",
    )  # fmt: skip
    picture = torch.cat([shown.color, shown.depth[..., None]], -1).float()
    return picture[None], shown.alpha[None, ..., None].float(), {}


@pytest.fixture
def without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    rendering = ModuleType("gsplat.rendering")
    rendering.rasterization = torch_in_the_place_of_gsplat  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gsplat", ModuleType("gsplat"))
    monkeypatch.setitem(sys.modules, "gsplat.rendering", rendering)
    monkeypatch.setattr(gsplat_backend, "cuda_torch", lambda: torch)
    monkeypatch.setattr(gsplat_backend, "DEVICE", "cpu")


def far_away(scene: Scene, camera: Camera) -> tuple[Scene, Camera]:
    """The same picture a hundred kilometres from the origin."""
    origin = np.array([1e5, -2e4, 3e4])
    pose = camera.world_to_camera.copy()
    pose[:3, 3] -= pose[:3, :3] @ origin
    return scene.edited(origin=origin), replace(camera, world_to_camera=pose)


@pytest.mark.usefixtures("without_cuda")
@pytest.mark.parametrize("antialiased", [False, True])
def test_gsplat_is_handed_the_scene_the_camera_and_the_background(antialiased: bool) -> None:
    scene, camera = rough_scene()
    scene, camera = far_away(scene.edited(meta=SceneMeta(antialiased=antialiased)), camera)
    theirs = render(scene, camera, background=SKY, backend="gsplat")
    ours = render(scene, camera, background=SKY, extent="exact")
    for one, other in zip(theirs, ours, strict=True):
        assert one.shape == other.shape
        assert one.dtype == np.float32
        assert np.quantile(np.abs(one - other), 0.99) < 1e-3


@pytest.mark.usefixtures("without_cuda")
def test_gradients_come_back_through_gsplat() -> None:
    scene, camera = rough_scene()
    tensors = [{name: torch.tensor(getattr(scene, name), requires_grad=True) for name in NAMES} for _ in range(2)]
    color, alpha, _ = gsplat_backend.rasterize_gsplat(
        **tensors[0], camera=camera, origin=scene.origin, background=torch.tensor(SKY), antialias=False
    )
    (color.square().sum() + alpha.sum()).backward()
    color, alpha = rasterize(**tensors[1], camera=camera, background=SKY, extent="exact")
    (color.square().sum() + alpha.sum()).backward()
    for name in NAMES:
        theirs, ours = (found[name].grad for found in tensors)
        assert float((theirs - ours).abs().max() / ours.abs().max()) < 0.01, name


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, camera = rough_scene()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "gsplat", None)
    with pytest.raises(BackendError, match=r"gsplat is not installed; pip install 'splatzip\[gsplat\]'"):
        render(scene, camera, backend="gsplat")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendError, match="torch is not installed"):
        render(scene, camera, backend="gsplat")


@pytest.mark.gpu
@pytest.mark.skipif(not (torch.cuda.is_available() and find_spec("gsplat")), reason="needs torch for CUDA, and gsplat")
def test_on_cuda_the_pictures_agree() -> None:
    scene, camera = rough_scene()
    theirs = render(scene, camera, background=SKY, backend="gsplat")
    ours = render(scene, camera, background=SKY, extent="exact")
    assert np.mean((theirs.color - ours.color) ** 2) < 1e-4
    cuda = {name: torch.tensor(getattr(scene, name), device="cuda", requires_grad=True) for name in NAMES}
    color, _ = rasterize(**cuda, camera=camera, background=SKY)
    color.sum().backward()
    assert all(tensor.grad.isfinite().all() and tensor.grad.any() for tensor in cuda.values())
