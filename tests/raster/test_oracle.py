"""The torch rasterizer of the tests is itself held against gsplat's projection and spherical harmonics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_rasterizer as oracle
from made_scenes import rough_scene, smooth_scene
from outside import gsplat_torch_code


@pytest.mark.parametrize("degree", range(5))
def test_colours_towards_the_camera_are_those_of_gsplat(degree: int) -> None:
    scene, camera = rough_scene(degree=degree)
    splats = oracle.splats_of(scene)
    away = splats["positions"] - torch.tensor(camera.position)
    theirs = 0.5 + gsplat_torch_code()._spherical_harmonics(degree, away, splats["sh"])
    torch.testing.assert_close(oracle.view_colors(splats, camera), theirs, rtol=1e-9, atol=1e-9)


def test_projections_are_those_of_gsplat() -> None:
    gsplat = gsplat_torch_code()
    scene, camera = rough_scene()
    splats = oracle.splats_of(scene)
    places, covariances, depths = oracle.project(splats, camera)
    lens = torch.tensor([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]], dtype=torch.float64)
    shapes, _ = gsplat._quat_scale_to_covar_preci(splats["rotations"], torch.exp(splats["log_scales"]))
    _, theirs, their_depths, conics, compensations = gsplat._fully_fused_projection(
        splats["positions"],
        shapes,
        torch.tensor(camera.world_to_camera)[None],
        lens[None],
        camera.width,
        camera.height,
        calc_compensations=True,
    )
    front = depths > oracle.NEAR
    assert 0.5 < float(front.double().mean()) < 1  # some are behind the camera
    dilated = covariances + oracle.DILATION * torch.eye(2)
    inverse = torch.linalg.inv(dilated)
    own_conics = torch.stack([inverse[:, 0, 0], inverse[:, 0, 1], inverse[:, 1, 1]], -1)
    own_compensations = torch.sqrt(oracle.determinant(covariances) / oracle.determinant(dilated))
    for ours, other in [
        (places, theirs[0]),
        (depths, their_depths[0]),
        (own_conics, conics[0]),
        (own_compensations, compensations[0]),
    ]:
        torch.testing.assert_close(ours[front], other[front], rtol=1e-7, atol=1e-9)


def test_what_is_blended_is_consistent() -> None:
    scene, camera = rough_scene()
    background = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    shown = oracle.rasterize(oracle.splats_of(scene), camera, background=background)
    # The colour in front of everything is the picture.
    first = shown.alphas[:, 0, None] * shown.colors[0] + (1 - shown.alphas[:, 0, None]) * shown.behind[:, 0]
    torch.testing.assert_close(first.reshape(shown.color.shape), shown.color)
    assert 0 < float(shown.alpha.min()) + 1e-3 < float(shown.alpha.max()) <= 1
    assert shown.cuts > 0


@pytest.mark.parametrize("extent", ["3sigma", "exact"])
def test_the_smooth_scene_meets_no_cutoff(extent: str) -> None:
    scene, camera = smooth_scene()
    background = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    shown = oracle.rasterize(oracle.splats_of(scene), camera, background=background, extent=extent)
    assert shown.cuts == 0
    assert len(shown.rows) == len(scene)
    assert float(shown.transmittance.min()) > 1e-3  # nor the early stop
    assert np.ptp(shown.color.numpy()) > 0.05
