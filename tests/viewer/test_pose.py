"""Where the page looks from: what it sends, and where it begins."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import splatzip
from splatzip import SceneMeta, ViewsError, render
from splatzip_viewer.pose import Pose, opening_pose, pose_of

from .conftest import CHAIR, some_scene

LOOK = Pose((0.0, 0.0, -5.0), (0.0, 0.0, 0.0), (0.0, -1.0, 0.0), 40.0)


def test_a_pose_becomes_a_camera_that_sees_its_target_in_the_middle():
    camera = LOOK.camera(640, 480)
    assert (camera.width, camera.height, camera.cx, camera.cy) == (640, 480, 320, 240)
    np.testing.assert_allclose(camera.world_to_camera @ [0, 0, 0, 1], [0, 0, 5, 1], atol=1e-12)
    assert np.degrees(2 * np.arctan(240 / camera.fy)) == pytest.approx(40)
    assert (camera.world_to_camera @ [0, -1, 0, 1])[1] < 0  # up is up in the picture


def test_a_camera_and_its_pose_are_the_same_look():
    back = pose_of(LOOK.camera(640, 480), 5.0)
    for name in ("position", "target", "up"):
        np.testing.assert_allclose(getattr(back, name), getattr(LOOK, name), atol=1e-12)
    assert back.fov_y_degrees == pytest.approx(40)


def test_a_picture_larger_than_may_be_is_drawn_smaller():
    camera = LOOK.camera(100_000, 50_000)
    assert (camera.width, camera.height) == (1920, 960)


@pytest.mark.parametrize(
    "values",
    [
        None, [], {}, {"position": [0, 0, 0]}, {"position": [0, 0], "target": [0, 0, 1], "up": [0, 1, 0]},
        {"position": [0, 0, float("nan")], "target": [0, 0, 1], "up": [0, 1, 0]},
        {"position": "abc", "target": [0, 0, 1], "up": [0, 1, 0]},
        {"position": [0, 0, 0], "target": [0, 0, 1], "up": [0, 1, 0], "fov_y_degrees": "wide"},
    ],
)  # fmt: skip
def test_what_is_no_pose_is_refused(values):
    with pytest.raises(ViewsError, match="a pose is"):
        Pose.from_json(values)


def test_a_pose_survives_json():
    assert Pose.from_json(LOOK.to_json()) == LOOK


def test_a_file_says_where_to_begin_relative_to_its_origin():
    camera = {"position": [0, 0, -4], "target": [0, 0, 0], "fov_y_degrees": 50}
    scene = some_scene().edited(origin=np.array([100.0, 0, 0]), meta=SceneMeta(camera=camera, up=(0, 0, 1.0)))
    # Looking along its up makes no sense with (0, 0, 1): then the scene is looked at from outside.
    assert opening_pose(scene, partial(render, scene)).position != (100.0, 0.0, -4.0)
    scene = replace(scene, meta=SceneMeta(camera=camera, up=(0, -1.0, 0)))
    assert opening_pose(scene, partial(render, scene)) == Pose(
        (100.0, 0.0, -4.0), (100.0, 0.0, 0.0), (0.0, -1.0, 0.0), 50.0
    )


def test_a_scene_that_says_nothing_is_seen_from_outside():
    scene = splatzip.load(CHAIR)
    pose = opening_pose(scene, partial(render, scene))
    seen = splatzip.render(scene, pose.camera(160, 120)).alpha
    assert seen.mean() > 0.1
    assert pose.up == pytest.approx((0, -1, 0), abs=1e-9)


def test_cameras_of_the_capture_say_what_is_up():
    scene, views = splatzip.load(CHAIR), splatzip.Views.load(CHAIR.parent, photos=False)
    up = np.asarray(opening_pose(scene, partial(render, scene), views).up)
    ups = -np.array([camera.world_to_camera[1, :3] for camera in views.cameras])
    assert (ups @ up > 0).all()
    assert np.linalg.norm(up) == pytest.approx(1)
