"""A camera: what it refuses, and where points land."""

import numpy as np
import pytest
import torch

from splatzip import Camera, ViewsError
from splatzip.scene.cameras import NEAR_PLANE

LOOK = Camera.look_at([0, 0, -5], [0, 0, 0], width=640, height=480, fov_x_rad=np.radians(50), name="front")


def project(camera, point):
    x, y, z = camera.world_to_camera[:3, :3] @ point + camera.world_to_camera[:3, 3]
    return np.array([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy])


def test_the_target_is_in_the_middle_right_is_right_and_down_is_down():
    np.testing.assert_allclose(project(LOOK, [0, 0, 0]), [320, 240])
    assert project(LOOK, [1, 0, 0])[0] > 320
    assert project(LOOK, [0, 1, 0])[1] > 240
    np.testing.assert_allclose(LOOK.position, [0, 0, -5])


def test_half_the_resolution_is_the_same_view():
    half = LOOK.scaled(0.5)
    assert (half.width, half.height) == (320, 240)
    np.testing.assert_allclose(project(half, [0.3, -0.2, 1]), project(LOOK, [0.3, -0.2, 1]) / 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"width": 0}, "view front: 0x480 pixels"),
        ({"fx": -1.0}, "focal lengths -1"),
        ({"cx": np.nan}, "not finite"),
        ({"world_to_camera": 2 * np.eye(4)}, "rigid motion"),
        ({"world_to_camera": np.diag([1.0, 1, -1, 1])}, "mirrored"),
        ({"world_to_camera": LOOK.world_to_camera.T}, r"last row of the pose is 0 0 5 1, .* transposed"),
        ({"world_to_camera": np.eye(4)[:3]}, r"shape \(3, 4\), expected \(4, 4\)"),
        ({"width": 640.5}, "its width is 640.5, not a number of pixels"),
        ({"height": np.inf}, "not finite"),
        ({"height": 0}, "view front: 640x0 pixels"),
        ({"fy": 0.0}, "focal lengths 500, 0"),
        ({"near": 0.0}, "near plane is at 0, not in front of it"),
    ],
)
def test_a_camera_that_takes_no_picture_is_refused(change, reason):
    fields = {"world_to_camera": np.eye(4), "width": 640, "height": 480, "fx": 500, "fy": 500, "cx": 320, "cy": 240}
    with pytest.raises(ViewsError, match=reason):
        Camera(**{**fields, **change}, name="front")


def test_whole_floats_are_numbers_of_pixels():
    camera = Camera(np.eye(4), 64.0, np.float32(48), 50, 50, 32, 24)
    assert (repr(camera.width), repr(camera.height)) == ("64", "48")


@pytest.mark.parametrize("angle", [0, -1, np.pi, 60, np.nan])
def test_an_angle_that_no_lens_has_is_refused(angle):
    with pytest.raises(ViewsError, match=r"camera: a field of view of .* radians is out of range: 0 to pi"):
        Camera.look_at([0, 0, -5], [0, 0, 0], width=8, height=8, fov_x_rad=angle)


def test_a_look_along_down_is_refused():
    with pytest.raises(ViewsError, match="parallel to"):
        Camera.look_at([0, -5, 0], [0, 0, 0], width=8, height=8, fov_x_rad=1.0)


def test_tensors_make_a_camera_as_arrays_do():
    lens = torch.tensor([[500.0, 0, 35], [0, 400, 25], [0, 0, 1]])
    camera = Camera(torch.eye(4), 70, 50, lens[0, 0], lens[1, 1], lens[0, 2], lens[1, 2])
    assert camera.lens == (500, 400, 35, 25, NEAR_PLANE)
    assert all(type(number) is float for number in camera.lens)


def test_the_pose_of_a_camera_is_its_own():
    pose = np.eye(4)
    camera = Camera(pose, 70, 50, 500, 500, 35, 25)
    pose[:] = 0
    assert camera.world_to_camera.any()


def test_a_camera_says_in_a_line_what_it_is():
    camera = Camera.look_at((0, 0, -3), (0, 0, 0), width=70, height=50, fov_x_rad=0.8, name="front")
    assert repr(camera) == "Camera('front', 70x50, focal length 82.7828, at 0 0 -3)"
