"""`render`: pictures and films, and what is refused before anything is drawn."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest
from PIL import Image

from splatzip import Views, load, orbit_views, render, save, turntable


@pytest.fixture
def camera_json(tmp_path):
    path = tmp_path / "camera.json"
    fields = {"position": [0, 0, -4], "target": [0, 0, 0], "fov_y_degrees": 50, "width": 96, "height": 64}
    path.write_text(json.dumps(fields))
    return path


def pixels(path):
    return np.asarray(Image.open(path))


def drawn(scene_ply, camera, **how):
    return np.rint(255 * np.clip(render(load(scene_ply), camera, **how).color, 0, 1)).astype(np.uint8)


def test_render_prints_a_table(run, scene_ply, snapshot_of_shape):
    result = run("render", "scene.ply", "out.png")
    assert (result.returncode, result.stderr) == (0, "")
    snapshot_of_shape("render", result.stdout)


def test_the_png_holds_the_picture_of_the_view(run, scene_ply, tmp_path):
    assert run("render", "scene.ply", "out.png", "--view", "3", "--quiet").stdout == ""
    np.testing.assert_array_equal(
        pixels(tmp_path / "out.png"), drawn(scene_ply, orbit_views(load(scene_ply)).cameras[3])
    )


def test_a_camera_of_ones_own_and_a_background(run, scene_ply, camera_json, tmp_path):
    how = ("--camera", camera_json, "--background", "1", "0", "0.5", "--extent", "exact")
    assert run("render", "scene.ply", "out.png", *how).returncode == 0
    camera = Views.load(camera_json, split="all").cameras[0]
    expected = drawn(scene_ply, camera, background=(1, 0, 0.5), extent="exact")
    assert expected.shape == (64, 96, 3)
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), expected)


def test_every_format_is_rendered(run, scene_ply, camera_json, tmp_path):
    for name in ("scene.splatz", "scene.splat", "scene.spz"):
        save(load(scene_ply), tmp_path / name)
        assert run("render", name, f"{name}.png", "--camera", camera_json).returncode == 0
        assert pixels(tmp_path / f"{name}.png").max() > 50


def test_another_size_shows_all_that_the_view_shows(run, scene_ply, camera_json, tmp_path):
    for size in ("96x64", "192x64"):
        assert run("render", "scene.ply", f"{size}.png", "--camera", camera_json, "--size", size).returncode == 0
    small, wide = pixels(tmp_path / "96x64.png"), pixels(tmp_path / "192x64.png")
    assert wide.shape == (64, 192, 3)
    # The Jacobian's clamp is wider in the wider picture: splats at the edge may differ.
    assert np.abs(wide[:, 48:144].astype(int) - small).mean() < 1


def test_alpha_and_depth_are_pictures_too(run, scene_ply, camera_json, tmp_path):
    camera = ("--camera", camera_json)
    picture = render(load(scene_ply), Views.load(camera_json, split="all").cameras[0])
    said = json.loads(run("render", "scene.ply", "depth.png", *camera, "--show", "depth", "--json").stdout)
    depth = pixels(tmp_path / "depth.png")
    assert depth.max() == 65535
    np.testing.assert_allclose(depth * said["depth_of_a_level"], picture.depth, atol=said["depth_of_a_level"])
    assert run("render", "scene.ply", "alpha.png", *camera, "--show", "alpha").returncode == 0
    shown = pixels(tmp_path / "alpha.png") / 255
    np.testing.assert_allclose(shown[..., 3], picture.alpha, atol=0.51 / 255)
    covered = shown[..., :3] * shown[..., 3:]
    np.testing.assert_allclose(covered, np.clip(picture.color, 0, picture.alpha[..., None]), atol=1.1 / 255)


def test_views_are_chosen_by_number_or_by_name(run, chair_ply, tmp_path):
    views = ("--views", chair_ply.parent, "--size", "50x50", "--json")
    by_name = json.loads(run("render", chair_ply, "a.png", "--view", "r_30.jpg", *views).stdout)
    by_number = json.loads(run("render", chair_ply, "b.png", "--view", "3", *views).stdout)
    assert by_name["view"] == by_number["view"] == "r_30.jpg"
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))


def test_an_orbit_is_a_film_of_what_is_drawn(run, scene_ply, tmp_path):
    how = ("--orbit", "--seconds", "0.5", "--fps", "12", "--size", "160x120")
    said = json.loads(run("render", "scene.ply", "film.mp4", *how, "--json").stdout)
    assert (said["frames"], said["fps"], said["pixels"]) == (6, 12, "160x120")
    with av.open(str(tmp_path / "film.mp4")) as film:
        stream = film.streams.video[0]
        assert (stream.codec.name, stream.average_rate, stream.width, stream.height) == ("h264", 12, 160, 120)
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)]
    path = turntable(load(scene_ply), frames=6, width=160, height=120)
    assert len(frames) == 6
    for frame, camera in zip(frames, path.cameras, strict=True):
        error = frame.astype(float) - drawn(scene_ply, camera)
        assert 20 * np.log10(255 / np.sqrt(np.mean(error**2))) > 24  # random splats at 4:2:0: colours blur


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("out.jpg",), "OUT.png"),
        (("out.mp4",), "--orbit"),
        (("out.png", "--orbit"), ".mp4"),
        (("out.mp4", "--orbit", "--size", "161x120"), "even"),
        (("out.mp4", "--orbit", "--view", "2"), "--view"),
        (("out.png", "--size", "big"), "WIDTHxHEIGHT"),
        (("out.png", "--size", "0x10"), "WIDTHxHEIGHT"),
        (("out.png", "--view", "12"), "choose 0 to 11"),
        (("out.png", "--view", "-1"), "choose 0 to 11"),
        (("out.png", "--camera", "none.json"), "none.json"),
        (("out.png", "--views", "nowhere"), "nowhere"),
        (("out.png", "--views", "nowhere", "--camera", "none.json"), "not both"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(run, scene_ply, tmp_path, arguments, said):
    result = run("render", "scene.ply", *arguments)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["scene.ply"]


def test_a_picture_of_nothing_is_drawn_and_said(run, scene_ply, tmp_path):
    camera = {"position": [0, 0, 500], "target": [0, 0, 900], "fov_y_degrees": 40, "width": 32, "height": 24}
    (tmp_path / "away.json").write_text(json.dumps(camera))
    result = run("render", "scene.ply", "out.png", "--camera", "away.json", "--background", "0", "0", "1", "--quiet")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "warning: view away: no splat of scene.ply is visible from there\n"
    assert (np.asarray(Image.open(tmp_path / "out.png")) == (0, 0, 255)).all()


def test_photos_that_are_not_there_are_not_missed(run, chair_ply):
    result = run(
        "render", chair_ply, "a.png", "--views", chair_ply.parent, "--split", "train", "--size", "20x20", "--json"
    )
    assert json.loads(result.stdout)["view"] == "r_1.jpg"


def test_a_file_of_several_cameras_is_no_camera(run, scene_ply, chair_ply):
    line = run("render", "scene.ply", "out.png", "--camera", chair_ply.parent).stderr
    assert "holds 100 cameras" in line
    assert "--view I" in line


def test_an_existing_picture_is_kept(run, scene_ply, tmp_path):
    (tmp_path / "out.png").write_text("precious")
    assert "--force" in run("render", "scene.ply", "out.png").stderr
    assert (tmp_path / "out.png").read_text() == "precious"
    assert run("render", "scene.ply", "out.png", "--force").returncode == 0


def test_without_pyav_a_film_is_refused_with_what_to_install(run_patched, scene_ply, tmp_path):
    result = run_patched("import sys; sys.modules['av'] = None", "render", "scene.ply", "film.mp4", "--orbit")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "pip install 'splatzip[video]'" in result.stderr
    assert not (tmp_path / "film.mp4").exists()
