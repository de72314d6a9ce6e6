"""The cameras of a film around a scene."""

import numpy as np
import pytest

from splatzip import Camera, Scene, SceneMeta, Views, ViewsError, turntable


def ball():
    positions = np.random.default_rng(2).normal(size=(200, 3)) + np.array([3, 0, 0])
    return Scene(positions, np.full((200, 3), -3.0), np.tile([1.0, 0, 0, 0], (200, 1)),
                 np.full(200, 3.0), np.zeros((200, 1, 3)))  # fmt: skip


def standing_around(centre, up, *, count=15, height=1.0, half=False):
    """Cameras that a person holds upright, walking around."""
    up = np.asarray(up, float)
    a = np.cross(up, [0.3, 0.5, 0.7])
    a /= np.linalg.norm(a)
    b = np.cross(up, a)
    turns = np.linspace(0, np.pi if half else 2 * np.pi, count, endpoint=False)
    eyes = [centre + 5 * (np.cos(t) * a + np.sin(t) * b) + (height + 0.3 * np.sin(5 * t)) * up for t in turns]
    return Views(tuple(Camera.look_at(eye, centre, down=-up, width=64, height=48, fov_x_rad=1.0) for eye in eyes))


def test_all_look_at_the_middle_from_the_same_distance_and_height():
    scene = ball()
    path = turntable(scene, frames=8, width=64, height=48)
    eyes = np.array([camera.position for camera in path.cameras])
    middle = np.median(scene.positions, axis=0)
    assert len(path) == 8
    assert np.ptp(np.linalg.norm(eyes - middle, axis=1)) < 1e-9
    assert np.ptp(eyes[:, 1]) < 1e-9
    assert (eyes[:, 1] < middle[1]).all()  # above: y points down
    for camera in path.cameras:
        seen = camera.world_to_camera @ [*middle, 1]
        np.testing.assert_allclose(seen[:2], 0, atol=1e-9)
        assert seen[2] > 0


def test_frames_are_evenly_spaced_and_none_comes_twice():
    eyes = np.array([camera.position for camera in turntable(ball(), frames=7, width=64, height=48).cameras])
    steps = np.linalg.norm(np.diff(eyes, axis=0, append=eyes[:1]), axis=1)
    assert steps.min() > 0
    assert np.ptp(steps) < 1e-9


@pytest.mark.parametrize("up", [(0, 0, 1), (0, 1, 0), (1, 0, 0), (0, -1, 0)])
def test_up_is_up_in_the_picture(up):
    for camera in turntable(ball(), frames=5, width=64, height=48, up=up).cameras:
        right, down = camera.world_to_camera[:2, :3]
        assert right @ up == pytest.approx(0, abs=1e-9)
        assert down @ up < -0.5


@pytest.mark.parametrize("half", [False, True])
def test_a_capture_says_where_the_middle_is_and_which_way_is_up(half):
    centre, up = np.array([1.0, 2, 3]), np.array([0.6, 0, 0.8])
    path = turntable(ball(), frames=6, width=64, height=48, views=standing_around(centre, up, half=half))
    for camera in path.cameras:
        np.testing.assert_allclose((camera.world_to_camera @ [*centre, 1])[:2], 0, atol=1e-6)
        assert np.linalg.norm(camera.position - centre) == pytest.approx(5.1, abs=0.1)
        assert camera.world_to_camera[0, :3] @ up == pytest.approx(0, abs=1e-6)
        assert camera.world_to_camera[1, :3] @ up < -0.9


def test_where_a_capture_left_out_a_side_the_film_swings_over_the_others():
    centre, up = np.array([1.0, 2, 3]), np.array([0.6, 0, 0.8])
    stood = standing_around(centre, up, half=True)
    path = turntable(ball(), frames=40, width=64, height=48, views=stood)
    away = np.array([camera.position for camera in path.cameras]) - centre
    nearest = [np.linalg.norm(away + centre - camera.position, axis=1) for camera in stood.cameras]
    assert np.min(nearest, axis=0).max() < 1  # never far from where a camera stood
    assert np.min(nearest, axis=1).max() < 1  # and all of them are passed by
    steps = np.linalg.norm(np.diff(away, axis=0, append=away[:1]), axis=1)
    assert steps.max() < 2 * 2 * np.pi * 5 / 40  # no jump, not from the last frame to the first either


def test_one_camera_of_a_capture_says_too_little_and_the_scene_says_the_rest():
    scene = ball()
    one = Views((Camera.look_at((0, 0, -9), (0, 0, 0), width=64, height=48, fov_x_rad=1.0),))
    alone = turntable(scene, frames=3, width=64, height=48)
    with_it = turntable(scene, frames=3, width=64, height=48, views=one)
    for a, b in zip(alone.cameras, with_it.cameras, strict=True):
        np.testing.assert_allclose(a.world_to_camera, b.world_to_camera, atol=1e-9)


@pytest.mark.parametrize("up", [(0, 0, 0), (0, np.nan, 0), (0, 1), 3.0])
def test_an_up_that_is_no_direction_is_refused(up):
    with pytest.raises(ViewsError, match="is not a direction"):
        turntable(ball(), frames=3, width=64, height=48, up=up)


def test_where_the_cameras_of_a_capture_agree_on_no_up_the_scene_says_which_way_is_up():
    one = Camera.look_at((0, 0, -9), (0, 0, 0), width=64, height=48, fov_x_rad=1.0)
    turned = Camera.look_at((0, 0, -9), (0, 0, 0), down=(0, -1, 0), width=64, height=48, fov_x_rad=1.0)
    scene = ball().edited(meta=SceneMeta(up=(1.0, 0.0, 0.0)))
    for camera in turntable(scene, frames=3, width=64, height=48, views=Views((one, turned))).cameras:
        assert camera.world_to_camera[1, 0] < -0.5
