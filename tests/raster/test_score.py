"""Scores against the torch rasterizer, its Jacobian, and pictures without a splat."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch_rasterizer as oracle
from made_scenes import rough_scene, smooth_scene
from numpy.typing import NDArray

from splatzip import Scene, Views, load, orbit_views
from splatzip.errors import ViewsError
from splatzip.raster import render, score
from splatzip.raster.rasterize import prepared
from splatzip.raster.score import COUNTED_WEIGHT, SCORES, Scores, direction_cells, unpacked
from splatzip.scene.cameras import Camera

SAMPLE = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair"
BACKGROUND = (0.2, 0.5, 0.9)
Doubles = NDArray[np.float64]


def by_row(scene: Scene, shown: oracle.Rendered, values: torch.Tensor) -> Doubles:
    """(M, ...) of the drawn splats as (N, ...) of the scene."""
    out = torch.zeros(len(scene), *values.shape[1:], dtype=values.dtype)
    out[shown.rows] = values
    return out.detach().numpy()


def drawn(scene: Scene, camera: Camera, **options: Any) -> oracle.Rendered:
    background = torch.tensor(BACKGROUND, dtype=torch.float64)
    return oracle.rasterize(oracle.splats_of(scene), camera, background=background, **options)


def geometry_curvature(scene: Scene, camera: Camera, *, floor: float, **options: Any) -> Doubles:
    """(N, 10, 10) from the Jacobian of every alpha (autograd, one direction of all splats at once), and contrasts."""
    splats = oracle.splats_of(scene)
    splats["turns"] = torch.zeros(len(scene), 3, dtype=torch.float64)
    names = ("positions", "turns", "log_scales", "opacity_logits")
    shown = drawn(scene, camera, **options)

    def alphas(*leaves: torch.Tensor) -> torch.Tensor:
        moved = splats | dict(zip(names, leaves, strict=True))
        shown = oracle.rasterize(moved, camera, background=torch.zeros(3, dtype=torch.float64), **options)
        return shown.alphas

    leaves = [splats[name] for name in names]
    columns = []
    for which, leaf in enumerate(leaves):
        for axis in range(leaf.shape[1] if leaf.ndim == 2 else 1):
            tangents = [torch.zeros_like(other) for other in leaves]
            (tangents[which][:, axis] if leaf.ndim == 2 else tangents[which])[:] = 1
            columns.append(torch.autograd.functional.jvp(alphas, tuple(leaves), tuple(tangents))[1])
    slopes = torch.stack(columns, -1)  # (P, M, 10): an alpha follows its own splat alone
    contrast = ((shown.colors - shown.behind) ** 2).sum(-1) + floor
    curvature = torch.einsum("pmk,pml,pm->mkl", slopes, slopes, shown.transmittance**2 * contrast)
    return by_row(scene, shown, curvature)


def by_name(scores: Scores) -> dict[str, NDArray[Any]]:
    """Those that were asked for."""
    return {name: sums for name, sums in asdict(scores).items() if sums is not None}


def relative_error(ours: NDArray[Any], wanted: NDArray[Any]) -> float:
    return float(np.linalg.norm(ours - wanted) / np.linalg.norm(wanted))


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("extent", ["3sigma", "exact"])
def test_weights_and_removal_are_those_of_the_torch_rasterizer(extent: Any, antialias: bool) -> None:
    scene, camera = rough_scene(seed=3)
    shown = drawn(scene, camera, extent=extent, antialias=antialias)
    weights = shown.alphas * shown.transmittance
    removal = (weights[..., None] * (shown.behind - shown.colors)) ** 2
    ours = score(scene, [camera], background=BACKGROUND, extent=extent, antialias=antialias)
    assert ours.removal is not None
    assert relative_error(ours.weight, by_row(scene, shown, weights.sum(0))) < 1e-3
    assert relative_error(ours.squared_weight, by_row(scene, shown, (weights**2).sum(0))) < 1e-3
    assert relative_error(ours.removal, by_row(scene, shown, removal.sum((0, 2)))) < 1e-3
    np.testing.assert_allclose(ours.most_weight, by_row(scene, shown, weights.max(0).values), atol=5e-4)
    counted = by_row(scene, shown, (weights > COUNTED_WEIGHT).sum(0))
    assert np.abs(ours.pixels - counted).max() <= 3  # pixels on an edge
    assert ours.pixels.sum() > 2000


@pytest.mark.parametrize("extent", ["3sigma", "exact"])
def test_transmittance_is_that_of_the_torch_rasterizer_where_a_splat_is_blended(extent: Any) -> None:
    scene, camera = rough_scene(seed=3)
    shown = drawn(scene, camera, extent=extent)
    ours = score(scene, [camera], what=["transmittance"], extent=extent)
    assert ours.transmittance is not None
    assert ours.removal is None
    wanted = by_row(scene, shown, torch.where(shown.alphas > 0, shown.transmittance, 0.0).sum(0))
    assert relative_error(ours.transmittance, wanted) < 5e-3  # pixels on an edge
    assert (ours.transmittance >= ours.weight).all()


def test_removal_is_what_a_picture_without_the_splat_differs_by() -> None:
    scene, camera = rough_scene(60, seed=4)
    ours = score(scene, [camera], what=["removal"], background=BACKGROUND)
    assert ours.removal is not None
    whole = render(scene, camera, background=BACKGROUND).color
    without = np.array(
        [
            ((render(scene.take(np.arange(len(scene)) != row), camera, background=BACKGROUND).color - whole) ** 2).sum()
            for row in range(len(scene))
        ]
    )
    np.testing.assert_allclose(ours.removal, without, rtol=2e-3, atol=1e-4)
    assert (without > 0.1).sum() > 10


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("floor", [0.0, 0.3])
def test_curvature_of_geometry_is_that_of_the_jacobian(floor: float, antialias: bool) -> None:
    for scene, camera in (smooth_scene(), rough_scene(80, seed=5)):
        wanted = geometry_curvature(scene, camera, floor=floor, antialias=antialias)
        ours = score(
            scene, [camera], what=["curvature"], background=BACKGROUND, antialias=antialias, contrast_floor=floor
        )
        assert ours.geometry_curvature is not None
        matrices = unpacked(ours.geometry_curvature)
        for name, part in {"position": slice(0, 3), "turn": slice(3, 6), "scale": slice(6, 9), "opacity": 9}.items():
            assert relative_error(matrices[:, part, :], wanted[:, part, :]) < 1e-3, name
            # Every splat by itself, too.
            size = np.linalg.norm(wanted[:, part, :].reshape(len(scene), -1), axis=1)
            difference = np.linalg.norm((matrices - wanted)[:, part, :].reshape(len(scene), -1), axis=1)
            seen = size > 1e-6 * size.max()
            assert np.quantile(difference[seen] / size[seen], 0.9) < 2e-3, name


def test_curvature_of_geometry_foretells_what_a_small_change_does() -> None:
    scene, camera = smooth_scene()
    ours = score(scene, [camera], what=["curvature"], background=BACKGROUND)
    assert ours.geometry_curvature is not None
    matrices = unpacked(ours.geometry_curvature)
    row, change = 4, 1e-3 * np.array([1, -2, 1, 0, 0, 0, 2, 1, -1, 3])
    splats = oracle.splats_of(scene)
    background = torch.tensor(BACKGROUND, dtype=torch.float64)
    before = oracle.rasterize(splats, camera, background=background, smooth=True, fixed_colors=True).color
    moved = {name: value.clone() for name, value in splats.items()}
    colors_of = moved["positions"].clone()  # the colour stays: it is looked at from where the splat was
    moved["log_scales"][row] += torch.tensor(change[6:9])
    moved["opacity_logits"][row] += change[9]
    away = torch.tensor(change[:3])
    moved["positions"][row] += away
    direction = colors_of[row] - torch.tensor(camera.position)
    looks = torch.stack([direction, direction + away])
    old, new = oracle.sh_basis(looks / looks.norm(dim=-1, keepdim=True), scene.sh.shape[1])
    moved["sh"][row, 0] += (old - new) @ moved["sh"][row] / old[0]
    after = oracle.rasterize(moved, camera, background=background, smooth=True).color
    assert float(((after - before) ** 2).sum()) == pytest.approx(change @ matrices[row] @ change, rel=0.02)


@pytest.mark.parametrize("degree", range(5))
def test_curvature_of_colour_is_the_moments_of_the_basis(degree: int) -> None:
    scene, camera = rough_scene(degree=degree, seed=6)
    others = [camera, Camera.look_at((-2, 1, 2.5), (0, 0, 0), width=40, height=30, fov_x_rad=1.0)]
    wanted = np.zeros((len(scene), (degree + 1) ** 2, (degree + 1) ** 2))
    for view in others:
        shown = drawn(scene, view)
        away = torch.tensor(scene.positions.astype(np.float64) - view.position)
        basis = oracle.sh_basis(away / away.norm(dim=-1, keepdim=True), (degree + 1) ** 2).numpy()
        squares = by_row(scene, shown, ((shown.alphas * shown.transmittance) ** 2).sum(0))
        wanted += squares[:, None, None] * basis[:, :, None] * basis[:, None, :]
    ours = score(scene, others, what=["curvature"])
    assert ours.color_curvature is not None
    assert relative_error(unpacked(ours.color_curvature), wanted) < 1e-3


def test_directions_are_remembered_as_cells_of_an_octahedron_and_as_a_sum() -> None:
    scene, _ = rough_scene(seed=7)
    eyes = [(3, 0.5, 1), (-3, 1, 0.5), (0.7, -3, 1), (1, 1, -3), (-1, 0.5, 3)]
    cameras = [Camera.look_at(eye, (0, 0, 0), width=40, height=30, fov_x_rad=0.9) for eye in eyes]
    ours = score(scene, cameras, what=["directions"])
    assert ours.seen_from is not None
    assert ours.toward is not None
    cells, toward = np.zeros(len(scene), np.uint64), np.zeros((len(scene), 3))
    for camera in cameras:
        alone = score(scene, [camera], what=["weight"])
        away = camera.position - scene.positions
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        bits = np.uint64(1) << direction_cells(away).astype(np.uint64)
        cells |= np.where(alone.most_weight >= COUNTED_WEIGHT, bits, np.uint64(0))
        toward += alone.weight[:, None] * away
    assert (ours.seen_from != cells).mean() < 0.01  # a direction on the edge of two cells
    assert len(np.unique(cells)) > 20
    np.testing.assert_allclose(ours.toward, toward, atol=1e-4 * np.abs(toward).max())


def test_cells_of_directions_are_of_similar_size_and_all_in_use() -> None:
    directions = np.random.default_rng(0).normal(size=(200_000, 3))
    counts = np.bincount(direction_cells(directions), minlength=64)
    assert len(counts) == 64
    assert counts.max() < 4 * counts.min()


def test_views_add_up_by_their_weights() -> None:
    scene, first = rough_scene(seed=8)
    second = Camera.look_at((-2, 1, 2.5), (0, 0, 0), width=40, height=30, fov_x_rad=1.0)
    both, one, two = (
        by_name(score(scene, cameras, weights=weights, background=BACKGROUND))
        for cameras, weights in (([first, second], [2.0, 0.5]), ([first], None), ([second], None))
    )
    for name, sums in both.items():
        if name == "seen_from":
            np.testing.assert_array_equal(sums, one[name] | two[name])
        elif name == "most_weight":
            np.testing.assert_array_equal(sums, np.maximum(one[name], two[name]))
        elif name == "pixels":
            np.testing.assert_array_equal(sums, one[name] + two[name])
        else:
            np.testing.assert_allclose(sums, 2 * one[name] + 0.5 * two[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_what_is_not_asked_for_changes_nothing_else() -> None:
    scene, camera = rough_scene(seed=9)
    everything = asdict(score(scene, [camera], background=BACKGROUND))
    for what in ([], ["removal"], ["curvature"], ["directions"]):
        some = asdict(score(scene, [camera], what=what, background=BACKGROUND))
        for name, sums in some.items():
            if sums is not None:
                np.testing.assert_array_equal(sums, everything[name], err_msg=name)
        assert (some["removal"] is None) == ("removal" not in what)
        assert (some["geometry_curvature"] is None) == ("curvature" not in what)
        assert (some["toward"] is None) == ("directions" not in what)


def test_a_deep_pile_has_the_weights_of_a_sweep_that_needs_no_colours() -> None:
    """Removal and curvature look twice, and note what they blend: more here than they have room for at first."""
    scene, camera = smooth_scene(900)
    pile = scene.edited(opacity_logits=scene.opacity_logits * 0 - 4)
    plain = score(pile, [camera], what=["weight"])
    for what in (["removal"], ["curvature"]):
        noted = score(pile, [camera], what=what)
        for name in ("weight", "most_weight", "pixels", "squared_weight"):
            np.testing.assert_array_equal(getattr(noted, name), getattr(plain, name), err_msg=name)


def test_scores_of_a_real_scene_add_up_and_foretell_what_noise_does() -> None:
    scene = load(SAMPLE / "point_cloud.ply")
    cameras = [camera.scaled(0.5) for camera in Views.load(SAMPLE, split="test").cameras[::4]]
    pictures = [render(scene, camera) for camera in cameras]
    ours = score(scene, cameras, what=["curvature"])
    assert ours.color_curvature is not None
    assert ours.geometry_curvature is not None
    assert ours.weight.sum(dtype=np.float64) == pytest.approx(
        sum(p.alpha.sum(dtype=np.float64) for p in pictures), 1e-4
    )

    rng = np.random.default_rng(0)
    for_sh = 0.01 * rng.normal(size=scene.sh.shape)
    by_splat = unpacked(ours.color_curvature).astype(np.float64) @ for_sh
    # The noise of a splat that shows is small, that of one which does not is large.
    by_opacity = unpacked(ours.geometry_curvature)[:, 9, 9].astype(np.float64)
    for_opacity = np.minimum(0.01 / np.sqrt(by_opacity + 1e-12), 0.1) * rng.normal(size=len(scene))
    for foretold, noisy in (
        ((for_sh * by_splat).sum(), scene.edited(sh=scene.sh + for_sh)),
        ((for_opacity**2 * by_opacity).sum(), scene.edited(opacity_logits=scene.opacity_logits + for_opacity)),
    ):
        measured = sum(
            ((render(noisy, camera).color.astype(np.float64) - picture.color) ** 2).sum()
            for camera, picture in zip(cameras, pictures, strict=True)
        )
        assert foretold == pytest.approx(measured, rel=0.2)


def test_a_gradient_is_never_that_of_a_picture_that_was_scored() -> None:
    scene, camera = smooth_scene()
    rasterizer = prepared(scene, 1)
    picture = rasterizer.render(camera)
    rasterizer.native.backward(np.ones_like(picture.color))
    score(scene, [camera], what=["weight"])
    with pytest.raises(ValueError, match="for a picture of 0x0"):
        rasterizer.native.backward(np.ones_like(picture.color))


def test_scores_are_the_same_bits_from_any_number_of_threads() -> None:
    scene, camera = rough_scene(3000, seed=10)
    larger = camera.scaled(4)
    for what in (SCORES, ["transmittance"]):
        one, three = (by_name(score(scene, [larger, camera], what=what, threads=threads)) for threads in (1, 3))
        for name in one:
            assert one[name].tobytes() == three[name].tobytes(), name


def test_scores_are_the_same_bits_from_every_instruction_set(isa: str) -> None:
    code = (
        "import hashlib, sys; sys.path.insert(0, sys.argv[1]);"
        "from dataclasses import asdict; from made_scenes import rough_scene; from splatzip.raster import score;"
        "scene, camera = rough_scene(500, degree=4);"
        "runs = [score(scene, [camera], contrast_floor=0.1), score(scene, [camera], what=['transmittance'])];"
        "sums = [array for scores in runs for array in asdict(scores).values() if array is not None];"
        "print(*(hashlib.sha256(array.tobytes()).hexdigest() for array in sums))"
    )
    here = str(oracle.__file__).rpartition("/")[0]
    forced, best = (
        subprocess.run(
            [sys.executable, "-I", "-c", code, here], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for environment in ({**os.environ, "SPLATZIP_ISA": isa}, os.environ)
    )
    assert len(best.split()) == 9 + 5
    assert forced == best


def test_a_splat_that_nobody_sees_and_one_around_the_camera_have_finite_scores() -> None:
    scene, camera = rough_scene(40, seed=11)
    positions, log_scales = scene.positions.copy(), scene.log_scales.copy()
    positions[0] = camera.position - 5 * camera.world_to_camera[2, :3]
    positions[1], log_scales[1] = camera.position, 3.0
    log_scales[2] = (10.0, -20.0, 8.0)
    log_scales[3] = (-40.0, 60.0, 0.0)
    odd = replace(scene, positions=positions, log_scales=log_scales)
    for antialias in (False, True):
        ours = by_name(score(odd, [camera], antialias=antialias))
        for name, sums in ours.items():
            assert np.isfinite(sums.astype(np.float64)).all(), name
            assert not sums[0].any(), name


def test_a_splat_exactly_on_the_camera_has_no_score_and_spoils_none() -> None:
    scene, _ = rough_scene(40, seed=11)
    positions = scene.positions.copy()
    positions[0] = 0.25, -0.5, -3.0
    scene = scene.edited(positions=positions)
    pose = np.eye(4)
    pose[:3, 3] = -positions[0]
    ours = by_name(score(scene, [Camera(pose, 32, 24, 30.0, 30.0, 16.0, 12.0)]))
    assert ours["weight"][1:16].any()  # others of its group of 16 are seen
    for name, sums in ours.items():
        assert np.isfinite(sums.astype(np.float64)).all(), name
        assert not sums[0].any(), name


def test_what_cannot_be_scored_is_refused() -> None:
    scene, camera = smooth_scene()
    with pytest.raises(ViewsError, match="0 cameras"):
        score(scene, [])
    for weights in ([1.0, 2.0], [np.nan]):
        with pytest.raises(ViewsError, match=f"1 cameras cannot score a scene with {len(weights)} weights"):
            score(scene, [camera], weights=weights)
    with pytest.raises(ValueError, match="no such score: colour"):
        score(scene, [camera], what=["colour"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="in a call of its own"):
        score(scene, [camera], what=["transmittance", "removal"])


def test_one_score_of_all_views_needs_no_lists() -> None:
    scene, _ = smooth_scene(20)
    views = orbit_views(scene)
    one, listed = score(scene, views, what="removal"), score(scene, views.cameras, what=["removal"])
    assert one.removal is not None
    assert listed.removal is not None
    assert one.removal.tobytes() == listed.removal.tobytes()
    assert one.toward is None
