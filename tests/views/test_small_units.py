"""Scenes in units that are large for them: nothing that decides about a scene may depend on its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from splatzip import Scene, ViewsError, load
from splatzip.raster import render
from splatzip.scene import Camera
from splatzip.views.orbit import orbit_views
from splatzip.views.pseudo import pseudo_views

CHAIR = Path(__file__).parents[2] / "datasets" / "samples" / "chair" / "point_cloud.ply"
UNITS = 1 / 64  # a power of two: positions stay exact


@pytest.fixture(scope="module")
def chair() -> Scene:
    return load(CHAIR)


def smaller(scene: Scene) -> Scene:
    shrunk = scene.log_scales + np.float32(np.log(UNITS))
    return scene.edited(positions=scene.positions * np.float32(UNITS), log_scales=shrunk)


def test_a_scene_of_a_centimetre_is_seen_as_one_of_a_metre_is(chair: Scene) -> None:
    small = smaller(chair)
    for large, near in zip(orbit_views(chair).cameras[:3], orbit_views(small).cameras[:3], strict=True):
        assert near.near < UNITS
        np.testing.assert_allclose(render(small, near).color, render(chair, large).color, atol=0.01)


def test_pseudo_views_of_a_small_scene_are_as_near_to_it(chair: Scene) -> None:
    def distances(scene: Scene) -> float:
        middle = np.median(scene.positions, axis=0)
        places = np.array([camera.position for camera in pseudo_views(scene, count=12, threads=1).cameras])
        return float(np.median(np.linalg.norm(places - middle, axis=1)))

    assert distances(smaller(chair)) == pytest.approx(UNITS * distances(chair), rel=0.2)


def test_a_camera_looks_no_farther_over_what_is_near_than_a_fifth_of_the_way() -> None:
    settings = {"width": 8, "height": 8, "fov_x_rad": 1.0}
    assert Camera.look_at([0, 0, -3], [0, 0, 0], **settings).near == 0.05
    assert Camera.look_at([0, 0, -0.01], [0, 0, 0], **settings).near == pytest.approx(0.002)
    with pytest.raises(ViewsError, match="near plane"):
        Camera(np.eye(4), 8, 8, 4.0, 4.0, 4.0, 4.0, near=0.0)
