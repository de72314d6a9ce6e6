"""What given cameras say about where to look from first, and what is up."""

import numpy as np
import pytest

from splatzip import Camera, Scene, SceneMeta
from splatzip.views import with_opening

DOWN = np.array([0.3, -0.2, -0.9]) / np.linalg.norm([0.3, -0.2, -0.9])  # as a capture may have it: along no axis
CENTRE = np.array([5.0, -3.0, 2.0])


@pytest.fixture
def scene() -> Scene:
    n = 400
    positions = CENTRE + 0.3 * np.random.default_rng(1).normal(size=(n, 3))
    rotations = np.tile([1.0, 0, 0, 0], (n, 1))
    return Scene(positions, np.full((n, 3), -2.0), rotations, np.full(n, 4.0), np.zeros((n, 1, 3)))


def around(azimuth, elevation, *, down=DOWN, distance=4.0, target=CENTRE) -> Camera:
    """A camera above a thing, angles in degrees."""
    east = np.cross(down, [1.0, 0, 0])
    east /= np.linalg.norm(east)
    azimuth, elevation = np.radians([azimuth, elevation])
    flat = np.cos(azimuth) * east + np.sin(azimuth) * np.cross(down, east)
    eye = target + distance * (np.cos(elevation) * flat - np.sin(elevation) * down)
    return Camera.look_at(eye, target, down=down, width=120, height=90, fov_x_rad=0.8)


def degrees_from_up(meta: SceneMeta) -> float:
    assert meta.up is not None
    return float(np.degrees(np.arccos(np.clip(-DOWN @ meta.up / np.linalg.norm(meta.up), -1, 1))))


def steepness(camera) -> float:
    look = np.subtract(camera["target"], camera["position"])
    return float(np.degrees(np.arcsin(look @ DOWN / np.linalg.norm(look))))


def test_up_is_that_of_cameras_all_around_and_of_those_on_one_side(scene):
    ring = [around(azimuth, 40) for azimuth in range(0, 360, 30)]
    assert degrees_from_up(with_opening(scene, ring).meta) < 0.2
    side = [around(azimuth, 40) for azimuth in range(0, 100, 10)]  # the mean of their ups leans by more than 30 degrees
    assert degrees_from_up(with_opening(scene, side).meta) < 0.2


def test_cameras_on_their_side_have_no_say_in_what_is_up(scene):
    ring = [around(azimuth, 20) for azimuth in range(0, 360, 20)]
    for at in (2, 7, 11):
        rolled = np.diag([1.0, 1, 1, 1])
        rolled[:2, :2] = [[0, -1], [1, 0]]
        camera = ring[at]
        ring[at] = Camera(rolled @ camera.world_to_camera, 90, 120, camera.fy, camera.fx, 45, 60)
    assert degrees_from_up(with_opening(scene, ring).meta) < 0.2


def test_a_single_camera_is_the_opening_view(scene):
    camera = around(30, 10)
    meta = with_opening(scene, [camera]).meta
    np.testing.assert_allclose(meta.camera["position"], camera.position, atol=0.005)
    look = np.subtract(meta.camera["target"], meta.camera["position"])
    np.testing.assert_allclose(look / np.linalg.norm(look), camera.world_to_camera[2, :3], atol=0.005)
    assert 2.5 < np.linalg.norm(look) < 4.5, "as far away as what it sees"
    assert meta.camera["fov_y_degrees"] == pytest.approx(np.degrees(2 * np.arctan(np.tan(0.4) * 0.75)), abs=0.1)


def test_cameras_around_a_thing_open_from_its_side_and_turn_about_it(scene):
    sphere = [around(azimuth, elevation) for elevation in (10, 35, 60, 85) for azimuth in range(0, 360, 30)]
    camera = with_opening(scene, sphere).meta.camera
    assert steepness(camera) < 40
    np.testing.assert_allclose(camera["target"], CENTRE, atol=0.01)


def test_the_opening_view_is_from_the_side_where_there_is_most_to_see(scene):
    face = around(90, 0)  # as its name says: where this one looks are many splats, and behind them a wall
    right, look = face.world_to_camera[0, :3], face.world_to_camera[2, :3]
    random = np.random.default_rng(2)
    plane = random.uniform(-1, 1, (3300, 1)) * right + random.uniform(-1, 1, (3300, 1)) * DOWN + CENTRE
    plane[3000:] += 0.5 * look
    n = len(plane)
    rotations = np.tile([1.0, 0, 0, 0], (n, 1))
    thing = Scene(plane, np.full((n, 3), -2.0), rotations, np.full(n, 4.0), np.zeros((n, 1, 3)))
    ring = [around(azimuth, 10) for azimuth in range(0, 360, 30)]
    camera = with_opening(thing, ring).meta.camera
    ahead = np.subtract(camera["target"], camera["position"])
    assert ahead @ look > 0.7 * np.linalg.norm(ahead)


def test_what_the_source_says_stays(scene):
    own = SceneMeta(up=(0.0, -1.0, 0.0), camera={"position": [1, 2, 3], "target": [0, 0, 0]}, title="mine")
    ring = [around(azimuth, 40) for azimuth in range(0, 360, 30)]
    assert with_opening(scene.edited(meta=own), ring).meta == own
    half = with_opening(scene.edited(meta=SceneMeta(up=(0.0, -1.0, 0.0))), ring).meta
    assert half.up == (0.0, -1.0, 0.0)
    assert half.camera is not None


def test_in_a_surveyed_scene_the_opening_view_is_counted_from_its_origin(scene):
    origin = np.array([4e6, 5e5, 100.0])
    ring = [around(azimuth, 40) for azimuth in range(0, 360, 30)]
    far = [around(azimuth, 40, target=CENTRE + origin) for azimuth in range(0, 360, 30)]
    here = with_opening(scene, ring).meta
    there = with_opening(scene.edited(origin=origin), far).meta
    np.testing.assert_allclose(there.camera["position"], here.camera["position"], atol=0.01)


def test_cameras_that_agree_on_nothing_name_no_up(scene):
    looks = [around(0, 0), around(0, 0, down=-DOWN)]
    assert with_opening(scene, looks).meta.up is None
