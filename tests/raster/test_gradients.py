"""Gradients of the native rasterizer: against autograd through the torch rasterizer, and against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch_rasterizer as oracle
from made_scenes import rough_scene, smooth_scene
from torch import Tensor

from splatzip import Scene
from splatzip.raster.autograd import rasterize
from splatzip.scene.cameras import Camera

BACKGROUND = (0.2, 0.5, 0.9)
GROUPS = (*oracle.ATTRIBUTES, "background")


def weights_of(camera: Camera, seed: int = 5) -> tuple[Tensor, Tensor]:
    """What the loss weights colour and alpha with: a smooth wave plus noise, so that no gradient cancels."""
    rng = np.random.default_rng(seed)
    color = rng.normal(size=(camera.height, camera.width, 3)) + 0.5
    return torch.tensor(color), torch.tensor(rng.normal(size=(camera.height, camera.width)) - 0.3)


def native_gradients(scene: Scene, camera: Camera, **options: Any) -> dict[str, Tensor]:
    splats = oracle.splats_of(scene, dtype=torch.float32, grad=True)
    splats["background"] = torch.tensor(BACKGROUND, requires_grad=True)
    leaves = [splats[name] for name in oracle.ATTRIBUTES]
    color, alpha = rasterize(*leaves, camera, background=splats["background"], **options)
    for_color, for_alpha = weights_of(camera)
    ((color * for_color.float()).sum() + (alpha * for_alpha.float()).sum()).backward()
    return {name: splats[name].grad.double() for name in GROUPS}


def oracle_loss(splats: dict[str, Tensor], camera: Camera, **options: Any) -> Tensor:
    shown = oracle.rasterize(splats, camera, background=splats["background"], **options)
    for_color, for_alpha = weights_of(camera)
    return (shown.color * for_color).sum() + (shown.alpha * for_alpha).sum()


def oracle_splats(scene: Scene) -> dict[str, Tensor]:
    splats = oracle.splats_of(scene, grad=True)
    splats["background"] = torch.tensor(BACKGROUND, dtype=torch.float64, requires_grad=True)
    return splats


def finite_differences(scene: Scene, camera: Camera, **options: Any) -> dict[str, Tensor]:
    """Central differences of the loss in float64, one number of the scene after the other."""
    splats = {name: value.detach() for name, value in oracle_splats(scene).items()}
    step, slopes = 1e-5, {}
    for name in GROUPS:
        flat = splats[name].reshape(-1)
        slopes[name] = torch.empty_like(splats[name])
        for place in range(len(flat)):
            kept, losses = float(flat[place]), []
            for sign in (1, -1):
                flat[place] = kept + sign * step
                losses.append(oracle_loss(splats, camera, smooth=True, **options))
            flat[place] = kept
            slopes[name].reshape(-1)[place] = (losses[0] - losses[1]) / (2 * step)
    return slopes


def relative_error(ours: Tensor, wanted: Tensor) -> float:
    return float((ours - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("antialias", [False, True])
def test_gradients_on_a_smooth_scene_are_finite_differences(antialias: bool) -> None:
    scene, camera = smooth_scene(6, degree=2)
    wanted = finite_differences(scene, camera, antialias=antialias)
    ours = native_gradients(scene, camera, extent="3sigma", antialias=antialias)
    splats = oracle_splats(scene)
    oracle_loss(splats, camera, smooth=True, antialias=antialias).backward()
    for name in GROUPS:
        assert float(wanted[name].norm()) > 1e-2, name
        assert relative_error(splats[name].grad, wanted[name]) < 1e-6, f"{name} of the torch rasterizer"
        assert relative_error(ours[name], wanted[name]) < 1e-3, name


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("extent", ["3sigma", "exact"])
@pytest.mark.parametrize("degree", range(5))
def test_gradients_with_cutoffs_are_those_of_autograd(degree: int, extent: Any, antialias: bool) -> None:
    scene, camera = rough_scene(degree=degree, seed=10 + degree)
    splats = oracle_splats(scene)
    oracle_loss(splats, camera, extent=extent, antialias=antialias).backward()
    ours = native_gradients(scene, camera, extent=extent, antialias=antialias)
    for name in GROUPS:
        assert bool(torch.isfinite(ours[name]).all()), name
        assert relative_error(ours[name], splats[name].grad) < 0.01, name
