"""Repair on the chair sample: pruned pictures come back, in views that were not fitted, too."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_scenes import smooth_scene

from splatzip import Camera, Scene, Views, ViewsError, load
from splatzip.kernels.repair import NativeRepair
from splatzip.optimize import repair
from splatzip.raster import Rasterizer, render
from splatzip.raster.metrics import psnr
from splatzip.raster.view import view_of

ORACLES = Path(__file__).resolve().parents[1] / "oracles"
SAMPLE = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair"
CAMERAS = [c.scaled(0.4) for c in Views.load(SAMPLE, split="test", photos=False).cameras]
FITTED, HELD_BACK = CAMERAS[1:], CAMERAS[:1]


@pytest.fixture(scope="module")
def chair() -> Scene:
    return load(SAMPLE / "point_cloud.ply")


@pytest.fixture(scope="module")
def broken(chair) -> Scene:
    """Without every third splat."""
    return chair.take(np.arange(len(chair)) % 3 > 0)


@pytest.fixture(scope="module")
def targets(chair) -> list[np.ndarray]:
    return [render(chair, camera).color for camera in FITTED]


def quality(scene: Scene, source: Scene, cameras: list[Camera]) -> float:
    return float(
        np.mean([psnr(render(scene, c).color.clip(0, 1), render(source, c).color.clip(0, 1)) for c in cameras])
    )


def test_sixty_steps_win_decibels_on_views_that_were_fitted_and_on_one_that_was_not(chair, broken, targets):
    mended = repair.repair(broken, FITTED, targets, repair.Options(steps=60))
    for cameras, least in ((FITTED, 4.0), (HELD_BACK, 3.0)):
        assert quality(mended, chair, cameras) > quality(broken, chair, cameras) + least


def test_any_number_of_threads_gives_the_same_bits(broken, targets):
    options = repair.Options(steps=5)
    one, two = (repair.repair(broken, FITTED, targets, options, threads=threads) for threads in (1, 2))
    for name, values in one.arrays().items():
        np.testing.assert_array_equal(values, two.arrays()[name])


def test_every_instruction_set_gives_the_same_bits(isa):
    code = (
        "import hashlib, sys; sys.path.insert(0, sys.argv[1]);"
        "from made_scenes import rough_scene; from splatzip.optimize import repair; from splatzip.raster import render;"
        "scene, camera = rough_scene(500); target = render(rough_scene(500, seed=1)[0], camera).color;"
        "shown = lambda step, now: step == 2 and now.show({**now.arrays(), 'sh': now.arrays()['sh'].round(1)});"
        "mended = repair.repair(scene, [camera], [target], repair.Options(steps=5), before_step=shown);"
        "print(*(hashlib.sha256(array.tobytes()).hexdigest() for array in mended.arrays().values()))"
    )
    forced, best = (
        subprocess.run(
            [sys.executable, "-I", "-c", code, str(ORACLES)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for environment in ({**os.environ, "SPLATZIP_ISA": isa}, os.environ)
    )
    assert len(best.split()) == 5
    assert forced == best


def test_two_steps_are_those_of_adam_with_the_gradients_of_pictures_drawn_one_by_one():
    """A tile is blended, compared and gone back over at once; the pile is deeper than there is room for at first."""
    scene, camera = smooth_scene(900)
    pile = scene.edited(opacity_logits=scene.opacity_logits * 0 - 4)
    targets = [render(smooth_scene(9, seed=seed)[0], camera).color for seed in (1, 2)]
    options = repair.Options(steps=2, last=1.0, seed=3)
    values, m, v = pile.sh.astype(np.float64), np.zeros(pile.sh.shape), np.zeros(pile.sh.shape)
    rates = np.where(np.arange(values.shape[1]) == 0, options.color, options.sh)[:, None]
    native = NativeRepair(pile.arrays(), targets, threads=1)
    for step, target in enumerate(targets, 1):
        rasterizer = Rasterizer(pile.edited(**native.arrays()), threads=1)
        difference = rasterizer.render(camera, threads=1).color - target
        of_color = np.clip(difference / options.small, -1, 1) / difference.size
        g = rasterizer.native.backward(of_color.astype(np.float32), threads=1)[0]["sh"].astype(np.float64)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
        values -= rates * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-15)
        mean = native.step(view_of(camera, pile.origin), step - 1, options.rates(1.0))
        assert mean == pytest.approx(float(np.abs(difference).mean(dtype=np.float64)), 1e-5)
    np.testing.assert_allclose(native.arrays()["sh"], values, atol=1e-3 * options.sh)


def test_splats_out_of_sight_and_opaque_ones_stay_what_they_are(broken, targets):
    positions, logits = broken.positions.copy(), broken.opacity_logits.copy()
    positions[:100] += 1000
    logits[200:300] = np.inf
    scene = broken.edited(positions=positions, opacity_logits=logits)
    mended = repair.repair(scene, FITTED, targets, repair.Options(steps=8))
    for name in ("positions", "log_scales", "opacity_logits", "sh"):
        np.testing.assert_array_equal(mended.arrays()[name][:100], scene.arrays()[name][:100])
    assert np.isposinf(mended.opacity_logits[200:300]).all()
    assert not np.array_equal(mended.positions[300:], positions[300:])


def test_the_unit_of_the_scene_does_not_matter(chair, broken, targets):
    """Eight times as large, a power of two, moves the same share of its size: the same pictures."""
    k = np.float32(8)
    large = broken.edited(positions=broken.positions * k, log_scales=broken.log_scales + np.log(k))
    cameras = []
    for camera in FITTED:
        pose = camera.world_to_camera.copy()
        pose[:3, 3] *= k
        cameras.append(Camera(pose, camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy))
    options = repair.Options(steps=10)
    small = repair.repair(broken, FITTED, targets, options)
    large = repair.repair(large, cameras, targets, options)
    pictures = render(small, FITTED[0]).color, render(large, cameras[0]).color
    assert psnr(pictures[0].clip(0, 1), pictures[1].clip(0, 1)) > 50


def test_a_picture_of_another_size_is_refused_by_its_name(broken, targets):
    with pytest.raises(ViewsError, match=FITTED[0].name or "view"):
        repair.repair(broken, FITTED[:1], [targets[0][:-1]])


def test_what_is_small_counts_by_its_square_and_what_is_large_by_its_size(chair, broken, targets):
    """All squares leave less squared error than none, none leave less absolute error than all."""
    squares, sizes = (repair.repair(broken, FITTED, targets, repair.Options(60, small=s)) for s in (10.0, 1e-6))
    left = [
        np.concatenate([(render(s, c).color - t).ravel() for c, t in zip(FITTED, targets, strict=True)])
        for s in (squares, sizes)
    ]
    assert np.square(left[0]).mean() < np.square(left[1]).mean()
    assert np.abs(left[1]).mean() < np.abs(left[0]).mean()
