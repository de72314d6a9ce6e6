"""The views that a comparison uses when nobody names any."""

import numpy as np
import pytest

from splatzip import Scene, SceneError, Views, load, orbit_views


def made_of(positions, opacity_logits):
    n = len(positions)
    rotations = np.tile([1.0, 0, 0, 0], (n, 1))
    return Scene(positions, np.full((n, 3), -3.0), rotations, opacity_logits, np.zeros((n, 1, 3)))


def test_twelve_cameras_look_at_the_middle_of_what_shows():
    random = np.random.default_rng(1)
    positions = random.normal(size=(500, 3)) + np.array([5, 0, 0])
    positions[:100] += 1000  # invisible, so they do not pull
    logits = np.where(np.arange(500) < 100, -np.inf, 4.0)
    views = orbit_views(made_of(positions, logits))
    centre = np.median(positions[100:], 0)
    assert len(views) == 12
    assert views.photos is None
    for camera in views.cameras:
        assert (camera.width, camera.height) == (640, 480)
        seen = camera.world_to_camera @ [*centre, 1]
        np.testing.assert_allclose(seen[:2] / seen[2], 0, atol=1e-6)
        assert 2 < seen[2] < 8


@pytest.mark.parametrize("logit", [3.0, -np.inf])
def test_one_splat_is_looked_at_from_outside(logit):
    for camera in orbit_views(made_of([[1.0, 2, 3]], [logit])).cameras:
        assert np.linalg.norm(camera.position - [1, 2, 3]) > 3 * np.exp(-3)


def test_the_cameras_of_a_city_stand_in_its_coordinates():
    scene = made_of(np.random.default_rng(1).normal(size=(50, 3)), np.zeros(50))
    far = scene.edited(origin=np.array([4e6, 5e5, 0]))
    for a, b in zip(orbit_views(scene).cameras, orbit_views(far).cameras, strict=True):
        np.testing.assert_allclose(b.position, a.position + far.origin, atol=1e-6)


@pytest.mark.scenes
def test_they_are_the_judge_s_number_by_number(scenes):
    """Written down from the judge on snowmiku: the first and the last camera."""
    first, *_, last = orbit_views(load(scenes / "scenes" / "snowmiku" / "point_cloud.ply")).cameras
    np.testing.assert_allclose(first.world_to_camera, FIRST, atol=2e-6)
    np.testing.assert_allclose(last.world_to_camera, LAST, atol=2e-6)
    np.testing.assert_allclose([first.fx, first.fy, first.cx, first.cy], [686.2421, 686.2421, 320, 240], rtol=1e-6)


FIRST = [
    [-0.0000000, 0.0000000, -1.0000000, 2.4866073],
    [0.2588190, -0.9659258, -0.0000000, 2.2072940],
    [-0.9659258, -0.2588190, 0.0000000, 13.7203345],
    [0.0000000, 0.0000000, 0.0000000, 1.0000000],
]
LAST = [
    [-0.5000000, 0.0000000, -0.8660254, 1.6806969],
    [0.7500000, -0.5000000, -0.4330127, 2.8017865],
    [-0.4330127, -0.8660254, 0.2500000, 17.4013464],
    [0.0000000, 0.0000000, 0.0000000, 1.0000000],
]


def test_a_scene_of_no_splats_has_no_views():
    with pytest.raises(SceneError, match="nothing to look at"):
        orbit_views(Scene.empty())


def test_views_of_a_list_of_cameras_do_not_change_with_it():
    cameras = list(orbit_views(made_of(np.zeros((1, 3)), np.zeros(1))).cameras)
    views = Views(cameras)
    cameras.clear()
    assert len(views) == len(Views(iter(views.cameras))) == 12
