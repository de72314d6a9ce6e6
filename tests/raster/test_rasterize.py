"""Pictures of the CPU rasterizer: what must hold for any scene. Agreement with the oracle: test_against_oracle.py."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import splatzip
from splatzip import BackendError, Camera, Scene, SceneError, SceneMeta, compress, save
from splatzip.raster import Picture, Rasterizer, render

CAMERA = Camera.look_at([0, 0, -5], [0, 0, 0], width=70, height=50, fov_x_rad=0.8, name="front")
SH0 = 0.28209479177387814
SKY = (0.25, 0.5, 0.75)


def one_splat(
    *, at=(0.0, 0.0, 0.0), size=0.2, logit=2.0, color=(0.9, 0.5, 0.1), rotation=(1, 0, 0, 0), **others
) -> Scene:
    """A scene of one splat; `size` is a standard deviation or three."""
    return Scene(
        positions=np.array([at]),
        log_scales=np.log(np.broadcast_to(size, (1, 3))),
        rotations=np.array([rotation]),
        opacity_logits=np.array([logit]),
        sh=((np.array(color) - 0.5) / SH0).reshape(1, 1, 3),
        **others,
    )


def cloud(splats: int = 3000, *, degree: int = 3, seed: int = 0) -> Scene:
    """Splats of all sizes around the origin, many of them behind each other."""
    rng = np.random.default_rng(seed)
    return Scene(
        positions=rng.normal(size=(splats, 3)),
        log_scales=rng.normal(-2.8, 0.7, (splats, 3)),
        rotations=rng.normal(size=(splats, 4)),
        opacity_logits=rng.normal(0, 2, splats),
        sh=rng.normal(0, 0.3, (splats, (degree + 1) ** 2, 3)),
    )


def same_bits(a: Picture, b: Picture) -> bool:
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


def test_where_nothing_is_seen_is_the_background() -> None:
    behind = one_splat(at=(0, 0, -9))
    picture = render(behind, CAMERA, background=SKY)
    assert (picture.color == np.float32(SKY)).all()
    assert not picture.alpha.any()
    assert not picture.depth.any()


def test_one_splat_has_its_colour_its_opacity_and_its_depth_in_the_middle() -> None:
    odd = replace(CAMERA, width=71, height=51, cx=35.5, cy=25.5)  # a pixel's centre is the splat's
    picture = render(one_splat(), odd, background=SKY)
    opacity = 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(picture.alpha[25, 35], opacity, rtol=1e-5)
    np.testing.assert_allclose(picture.depth[25, 35], 5, rtol=1e-5)
    expected = opacity * np.array([0.9, 0.5, 0.1]) + (1 - opacity) * np.array(SKY)
    np.testing.assert_allclose(picture.color[25, 35], expected, rtol=1e-5)
    assert picture.alpha[0, 0] == 0


def test_a_splat_ends_at_three_sigmas_or_where_it_is_nothing() -> None:
    sigma = np.sqrt((0.2 * CAMERA.fx / 5) ** 2 + 0.3)
    x, y = np.meshgrid(np.arange(CAMERA.width) + 0.5 - CAMERA.cx, np.arange(CAMERA.height) + 0.5 - CAMERA.cy)
    sigmas = np.hypot(x, y) / sigma
    opaque = one_splat(logit=np.inf)
    at_most = {"3sigma": 3.0, "exact": np.sqrt(2 * np.log(255))}
    for extent, radius in at_most.items():
        inside = render(opaque, CAMERA, extent=extent).alpha > 0
        assert inside[sigmas < radius - 0.01].all()
        assert not inside[sigmas > radius + 0.01].any()


def test_infinite_logits_are_opaque_and_invisible() -> None:
    opaque = render(one_splat(logit=np.inf, size=2.0), CAMERA)
    np.testing.assert_allclose(opaque.alpha[25, 35], 0.99, rtol=1e-5)  # the most that one splat covers
    assert not render(one_splat(logit=-np.inf), CAMERA).alpha.any()


def test_the_nearer_splat_hides_the_farther_whatever_their_rows() -> None:
    near, far = one_splat(logit=9, size=1.0), one_splat(at=(0, 0, 1), logit=9, size=1.0, color=(0, 0, 1))
    both = {name: np.concatenate([getattr(far, name), array]) for name, array in near.arrays().items()}
    color = render(Scene(**both), CAMERA).color[25, 35]
    assert color[0] > 0.85
    assert color[2] < 0.15


def test_of_equal_depths_the_lower_row_is_in_front() -> None:
    red, blue = (one_splat(logit=9, size=1.0, color=color) for color in ((1, 0, 0), (0, 0, 1)))
    for first, second in ((red, blue), (blue, red)):
        both = {name: np.concatenate([array, getattr(second, name)]) for name, array in first.arrays().items()}
        front = render(first, CAMERA).color[25, 35].argmax()
        assert render(Scene(**both), CAMERA).color[25, 35].argmax() == front


def test_the_splat_that_takes_the_light_below_a_ten_thousandth_is_the_last_one() -> None:
    """Alphas of 0.95 leave 0.05, 0.0025, 0.000125 and 0.00000625 of the light: a fifth splat finds too little."""
    logit = np.log(0.95 / 0.05)
    layers = [one_splat(at=(0, 0, 0.01 * k), logit=logit, size=3.0, color=(k == 4, 0.5, 0.5)) for k in range(5)]
    stacks = [
        Scene(**{name: np.concatenate([getattr(s, name) for s in layers[:n]]) for name in layers[0].arrays()})
        for n in (3, 4, 5)
    ]
    three, four, five = (render(stack, CAMERA).color[25, 35] for stack in stacks)
    assert (three != four).any()
    assert (four == five).all()


def test_colours_are_cut_off_at_zero_splat_by_splat() -> None:
    picture = render(one_splat(color=(-0.5, 0.5, 1.7)), CAMERA)
    assert (picture.color[..., 0] == 0).all()
    assert picture.color.max() > 1


@pytest.mark.parametrize("degree", range(5))
def test_any_number_of_threads_draws_the_same_bits(degree: int) -> None:
    scene = cloud(degree=degree)
    one, two, five = (Rasterizer(scene, threads=t).render(CAMERA, background=SKY, threads=t) for t in (1, 2, 5))
    assert same_bits(one, two)
    assert same_bits(one, five)


def test_bytes_are_drawn_by_as_many_threads_as_the_rasterizer_was_made_with(monkeypatch) -> None:
    rasterizer, asked = splatzip.Rasterizer(one_splat(), threads=1), []

    class Native:
        def render(self, *_: Any, threads: int, **__: Any) -> Any:
            asked.append(threads)
            return np.zeros((1, 1, 3)), np.zeros((1, 1)), np.zeros((1, 1))

    monkeypatch.setattr(rasterizer, "native", Native())
    rasterizer.render_bytes(CAMERA)
    rasterizer.render_bytes(CAMERA, threads=2)
    assert asked == [1, 2]


def test_every_instruction_set_draws_the_same_bits(instruction_sets: tuple[str, ...]) -> None:
    code = (
        "import hashlib, sys; sys.path.insert(0, sys.argv[1]); import test_rasterize as t\n"
        "p = t.render(t.cloud(), t.CAMERA, background=t.SKY)\n"
        "print(hashlib.sha256(b''.join(x.tobytes() for x in p)).hexdigest())"
    )
    here = render(cloud(), CAMERA, background=SKY)
    expected = hashlib.sha256(b"".join(x.tobytes() for x in here)).hexdigest()
    for isa in instruction_sets:
        child = subprocess.run(
            [sys.executable, "-I", "-c", code, os.path.dirname(__file__)],
            env={**os.environ, "SPLATZIP_ISA": isa}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert child.stdout.strip() == expected, isa


@pytest.mark.parametrize("extent", ["3sigma", "exact"])
def test_a_crowd_of_splats_is_out_of_sight_only_if_each_of_them_is(extent: Any) -> None:
    """In groups of 16 that are close together, and in groups that all have something in sight: the same picture."""
    rng = np.random.default_rng(5)
    groups, camera = 600, Camera.look_at([0, 0, 0], [0, 0, 1], width=60, height=44, fov_x_rad=1.2)
    centres, sizes = 6 * rng.normal(size=(groups, 1, 3)), 10 ** rng.uniform(-2.5, 0.3, (groups, 1, 1))
    positions = (centres + 2 * sizes * rng.normal(size=(groups, 16, 3))).reshape(-1, 3)
    scene = Scene(
        positions=positions,
        log_scales=np.log(sizes * rng.uniform(0.1, 1.5, (groups, 16, 3))).reshape(-1, 3),
        rotations=rng.normal(size=(16 * groups, 4)),
        opacity_logits=rng.normal(size=16 * groups) * 2,
        sh=rng.normal(size=(16 * groups, 1, 3)),
    )
    from_the_middle = np.argsort(-positions[:, 2] / np.linalg.norm(positions, axis=1))
    mixed = scene.take(from_the_middle.reshape(16, groups).T.ravel())
    by_crowd, by_all = (render(s, camera, extent=extent) for s in (scene, mixed))
    assert by_all.alpha.any()
    for one, other in zip(by_crowd, by_all, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_frame_does_not_depend_on_the_frames_before() -> None:
    rasterizer = Rasterizer(cloud())
    first = rasterizer.render(CAMERA)
    rasterizer.render(CAMERA.scaled(3.1), extent="exact")
    rasterizer.render(CAMERA.scaled(0.2))
    assert same_bits(first, rasterizer.render(CAMERA))


@pytest.mark.parametrize(
    "hostile",
    [
        one_splat(at=(0, 0, -5)),  # on the camera
        one_splat(at=(0, 0, -5), size=50.0),  # around it
        one_splat(at=(0, 0, 0), size=50.0),  # in front, reaching behind
        one_splat(at=(40, -3, -4.94), size=30.0),  # just beyond the near plane, far aside
        one_splat(at=(0, 0, -4.9500003), size=1e-6),
        one_splat(size=(1e-12, 1e-12, 1e-12)),
        one_splat(size=(1e-30, 1e6, 1e-30), rotation=(0.3, 0.1, -0.4, 0.2)),
        one_splat(size=1e30),
        one_splat(at=(1e30, 0, 1e30)),
        one_splat(at=(3e38, 3e38, 3e38), size=3e38),
        one_splat(rotation=(1e-30, 0, 2e-30, 0)),
        one_splat(rotation=(1e30, 0, 2e30, 0)),
        one_splat(color=(1e30, -1e30, 0)),
    ],
    ids=range(13),
)
@pytest.mark.parametrize("antialias", [False, True])
def test_no_splat_makes_a_picture_of_nan(hostile: Scene, antialias: bool) -> None:
    for extent in ("3sigma", "exact"):
        picture = render(hostile, CAMERA, background=SKY, extent=extent, antialias=antialias)
        assert all(np.isfinite(part).all() for part in picture)


def test_antialiasing_dims_what_is_smaller_than_a_pixel_and_is_what_the_scene_asks_for() -> None:
    speck = one_splat(size=0.005)
    plain, soft = (render(speck, CAMERA, antialias=antialias) for antialias in (False, True))
    variance = (0.005 * CAMERA.fx / 5) ** 2
    np.testing.assert_allclose(soft.alpha.max() / plain.alpha.max(), variance / (variance + 0.3), rtol=1e-3)
    declared = speck.edited(meta=SceneMeta(antialiased=True))
    assert same_bits(render(declared, CAMERA), soft)


def test_far_from_the_origin_the_picture_is_the_same() -> None:
    scene, origin = cloud(), np.array([4.2e6, -1.7e5, 5.1e6])
    moved = CAMERA.world_to_camera.copy()
    moved[:3, 3] -= moved[:3, :3] @ origin
    far = render(scene.edited(origin=origin), replace(CAMERA, world_to_camera=moved))
    np.testing.assert_allclose(far.color, render(scene, CAMERA).color, atol=2e-5)


def test_a_picture_of_one_pixel_and_one_of_odd_size_are_parts_of_the_large_one() -> None:
    scene = cloud()
    whole = render(scene, CAMERA).color
    # The same rays. At the Jacobian's clamp the small picture would differ: it counts in pictures.
    part = render(scene, replace(CAMERA, width=33, height=19, cx=CAMERA.cx - 20, cy=CAMERA.cy - 15)).color
    assert np.abs(part - whole[15:34, 20:53]).mean() < 0.01
    assert render(scene, replace(CAMERA, width=1, height=1)).color.shape == (1, 1, 3)


def test_render_is_public_and_names_a_backend_that_is_not_there() -> None:
    assert splatzip.render is render
    with pytest.raises(BackendError, match="choose auto"):
        render(one_splat(), CAMERA, backend="vulkan")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="choose 3sigma or exact"):
        render(one_splat(), CAMERA, extent="2sigma")  # type: ignore[arg-type]


def test_a_scene_of_no_splats_shows_the_background_and_is_not_written(tmp_path):
    camera = Camera.look_at((0, 0, -4), (0, 0, 0), width=40, height=30, fov_x_rad=1.0)
    for degree in (0, 3):
        picture = render(Scene.empty(degree), camera, background=(0.2, 0.4, 0.6))
        assert np.array_equal(picture.color, np.broadcast_to(np.float32([0.2, 0.4, 0.6]), (30, 40, 3)))
        assert not picture.alpha.any()
        assert not picture.depth.any()
    for write in (compress, lambda scene: save(scene, tmp_path / "empty.ply")):
        with pytest.raises(SceneError, match="nothing to write"):
            write(Scene.empty())
    assert not list(tmp_path.iterdir())
