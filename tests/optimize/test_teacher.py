"""Distillation by a teacher on the chair sample: colours that were cut off come back, nothing else moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from splatzip import Camera, Scene, Views, load
from splatzip.distill.regression import truncated
from splatzip.optimize import repair, teacher
from splatzip.quality import compare

SAMPLE = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair"
CAMERAS = tuple(camera.scaled(0.4) for camera in Views.load(SAMPLE, split="test", photos=False).cameras)
HELD_BACK = Views(CAMERAS[::4])
SHOWN = [camera for camera in CAMERAS if camera not in HELD_BACK.cameras]
FEW = teacher.Options(steps=repair.Options(steps=5))


@pytest.fixture(scope="module")
def chair() -> Scene:
    return load(SAMPLE / "point_cloud.ply")


@pytest.fixture(scope="module")
def cut(chair: Scene) -> Scene:
    return truncated(chair, 1)


def test_a_truncated_scene_learns_to_look_like_its_source_in_views_that_were_not_shown(
    chair: Scene, cut: Scene
) -> None:
    steps = repair.Options(steps=100, color=0.02, sh=0.005)
    taught = teacher.teach(cut, chair, SHOWN, teacher.Options(steps=steps))
    assert compare(chair, taught, HELD_BACK).psnr > compare(chair, cut, HELD_BACK).psnr + 0.5


def test_only_sh_moves_and_keeps_its_degree_whatever_the_rates_say(chair: Scene, cut: Scene) -> None:
    steps = replace(FEW.steps, position=1.0, opacity_logit=1.0)
    taught = teacher.teach(cut, chair, SHOWN, teacher.Options(steps=steps))
    same = teacher.teach(cut, chair, SHOWN, FEW)
    np.testing.assert_array_equal(taught.sh, same.sh)
    assert taught.sh.shape == cut.sh.shape
    assert not np.array_equal(taught.sh, cut.sh)
    for name, values in taught.arrays().items():
        assert name == "sh" or np.array_equal(values, cut.arrays()[name])


def test_cameras_nearby_are_shown_too_and_follow_from_the_seed(chair: Scene, cut: Scene) -> None:
    one, again, other, without = (
        teacher.teach(cut, chair, SHOWN, options).sh
        for options in (FEW, FEW, replace(FEW, seed=1), replace(FEW, jittered=0))
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, without)


def test_any_number_of_threads_gives_the_same_bits(chair: Scene, cut: Scene) -> None:
    one, two = (teacher.teach(cut, chair, SHOWN, FEW, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one.sh, two.sh)


def test_a_view_of_nothing_teaches_nothing(chair: Scene, cut: Scene) -> None:
    away = Camera.look_at([0, 0, 50], [0, 0, 100], width=32, height=32, fov_x_rad=0.5, name="away")
    np.testing.assert_array_equal(teacher.teach(cut, chair, [away], FEW).sh, cut.sh)
