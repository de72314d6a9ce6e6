"""What a page asks to see, and what it gets."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import splatzip
from splatzip import SplatzipError
from splatzip_viewer.drawing import MODES, Request, draw

POSE = {"position": [0, 0, -5], "target": [0, 0, 0], "up": [0, -1, 0]}


def asked(*layers, **more):
    return Request.from_json({"pose": POSE, "width": 120, "height": 80, "quality": 95, "layers": layers, **more})


def pixels(answer):
    return np.asarray(Image.open(io.BytesIO(answer.jpeg)), np.float32)


def test_two_layers_are_stacked_and_are_what_render_draws(session):
    request = asked(["ref", "color"], ["test", "color"])
    answer = draw(session.scenes, request)
    drawn = pixels(answer)
    assert drawn.shape == (160, 120, 3)
    camera = request.pose.camera(120, 80)
    for number, opened in enumerate((session.ref, session.test)):
        rendered = 255 * np.clip(splatzip.render(opened.scene, camera).color, 0, 1)
        assert np.abs(drawn[80 * number : 80 * number + 80] - rendered).mean() < 2
    assert answer.psnr is None


def test_the_psnr_of_a_view_is_that_of_the_two_pictures(session):
    request = asked(["ref", "color"], measure=True)
    camera = request.pose.camera(120, 80)
    ref, test = (np.clip(splatzip.render(one.scene, camera).color, 0, 1) for one in (session.ref, session.test))
    expected = -10 * np.log10(np.mean((ref.astype(np.float64) - test) ** 2))
    assert draw(session.scenes, request).psnr == pytest.approx(expected, abs=1e-3)


def test_error_is_black_where_there_is_none(session):
    assert pixels(draw(session.scenes, asked(["both", "error"], error_levels=4))).max() > 100
    same = {"ref": session.ref, "test": session.ref}
    assert pixels(draw(same, asked(["both", "error"], error_levels=4))).max() <= 8


@pytest.mark.parametrize("mode", sorted(MODES))
def test_every_mode_shows_something_else(session, mode):
    drawn = pixels(draw(session.scenes, asked(["ref", mode])))
    assert drawn.max() > 100
    if mode != "color":
        assert np.abs(drawn - pixels(draw(session.scenes, asked(["ref", "color"])))).mean() > 3


@pytest.mark.parametrize("distance", [2.5, 5, 50])
def test_near_is_light_in_depth_from_anywhere(session, distance):
    request = asked(["ref", "depth"], pose={**POSE, "position": [0, 0, -distance], "fov_y_degrees": 200 / distance})
    rendered = splatzip.render(session.ref.scene, request.pose.camera(120, 80))
    solid = rendered.alpha > 0.99
    shown, depth = pixels(draw(session.scenes, request))[..., 0][solid], rendered.depth[solid]
    assert np.corrcoef(shown, depth)[0, 1] < -0.9
    assert np.quantile(shown, 0.95) - np.quantile(shown, 0.05) > 60
    assert shown.min() > 10  # the farthest is not black: nothing is


@pytest.mark.parametrize(
    "broken",
    [
        {"layers": []}, {"layers": [["ref", "secret"]]}, {"layers": [["else", "color"]]}, {"layers": 3},
        {"layers": [["ref", "color"]] * 3}, {"width": "wide"}, {"height": None}, {"pose": {}}, {"error_levels": 0},
        {"width": float("inf")},
    ],
)  # fmt: skip
def test_requests_that_make_no_sense_are_refused(broken):
    with pytest.raises(SplatzipError):
        asked(*[["ref", "color"]], **broken)


def test_sizes_that_are_no_picture_are_refused(session):
    with pytest.raises(SplatzipError, match="0x80 pixels is not a picture"):
        draw(session.scenes, asked(["ref", "color"], width=0))


def test_a_scene_that_is_not_open_is_said_to_be_so(session):
    with pytest.raises(SplatzipError, match="no longer open"):
        draw({"ref": session.ref}, asked(["test", "color"]))
