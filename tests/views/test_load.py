"""Cameras from files: every format says the same of the same capture, and what cannot be used is named."""

import json
import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splatzip import Views, ViewsError

FIXTURES = Path(__file__).parents[1] / "fixtures" / "views"
FRAMES = json.loads((FIXTURES / "transforms.json").read_text())["frames"]
NAMES = [Path(frame["file_path"]).name for frame in FRAMES]


@pytest.fixture
def capture(tmp_path):
    """A folder with transforms.json of three frames, to be changed by tests; no photos, no split."""

    def write(frames=FRAMES[:3], **shared):
        (tmp_path / "transforms.json").write_text(json.dumps({**shared, "frames": frames}))
        return tmp_path

    return write


def photographed(folder, names=NAMES[:3], size=(400, 400), mode="RGB", color=None):
    (folder / "images").mkdir(exist_ok=True)
    for name in names:
        Image.new(mode, size, color).save(folder / "images" / name)


def assert_same_cameras(views, others):
    assert len(views) == len(others)
    for a, b in zip(views.cameras, others.cameras, strict=True):
        assert (a.width, a.height) == (b.width, b.height)
        np.testing.assert_allclose(a.world_to_camera, b.world_to_camera, atol=2e-6)
        np.testing.assert_allclose([a.fx, a.fy, a.cx, a.cy], [b.fx, b.fy, b.cx, b.cy], rtol=1e-12)


@pytest.mark.parametrize(
    "path",
    [
        "colmap_text",
        "colmap_text/sparse",
        "colmap_text/sparse/images.txt",
        "colmap_binary",
        "colmap_binary/sparse/0/cameras.bin",
        "cameras.json",
        "transforms.json",
    ],
)
def test_all_formats_give_the_cameras_of_the_capture(path):
    frames = Views.load(FIXTURES / path, split="all")
    assert_same_cameras(frames, Views.load(FIXTURES, split="all"))
    assert [Path(camera.name).stem for camera in frames.cameras] == [Path(name).stem for name in NAMES]
    assert frames.photos is None


def test_opengl_axes_become_right_down_front():
    fields, camera = FRAMES[0], Views.load(FIXTURES, split="all").cameras[0]
    pose = np.array(fields["transform_matrix"])
    np.testing.assert_allclose(camera.position, pose[:3, 3], atol=1e-6)
    ahead = camera.world_to_camera[:3, :3] @ (-pose[:3, 2])  # OpenGL looks along -z
    np.testing.assert_allclose(ahead, [0, 0, 1], atol=1e-6)
    above = camera.world_to_camera[:3, :3] @ pose[:3, 1]
    np.testing.assert_allclose(above, [0, -1, 0], atol=1e-6)


def test_split_json_chooses_by_name_whatever_the_format():
    for path in ("transforms.json", "cameras.json"):  # the latter without extensions
        views = Views.load(FIXTURES / path)
        assert [Path(camera.name).stem for camera in views.cameras] == ["r_0", "r_16"]
    assert len(Views.load(FIXTURES, split="train")) == 14
    assert views.test == ("r_0", "r_16")


def test_every_8th_by_name_is_for_testing_without_split_json(capture):
    folder = capture(FRAMES[::-1])  # the order of the file does not count
    views = Views.load(folder)
    by_name = sorted(NAMES)
    assert {camera.name for camera in views.cameras} == {by_name[0], by_name[8]}
    assert len(Views.load(folder, split="train")) == 14
    assert len(Views.load(folder, split="all")) == 16


def test_shared_intrinsics_and_angles_are_those_of_each_frame(capture):
    bare = [{key: frame[key] for key in ("file_path", "transform_matrix")} for frame in FRAMES]
    angle = 2 * np.arctan(400 / 2 / FRAMES[0]["fl_x"])
    expected = Views.load(FIXTURES, split="all")
    assert_same_cameras(Views.load(capture(bare, camera_angle_x=angle, w=400, h=400), split="all"), expected)
    assert_same_cameras(Views.load(capture(bare, fl_x=FRAMES[0]["fl_x"], w=400.0, h=400), split="all"), expected)


@pytest.mark.parametrize("angle_rad", [0, -0.7, 3.15, 40])
def test_an_angle_of_view_that_no_picture_has_is_refused(capture, angle_rad):
    bare = [{key: frame[key] for key in ("file_path", "transform_matrix")} for frame in FRAMES]
    with pytest.raises(ViewsError, match=rf"'camera_angle_x' is {angle_rad}, not between 0 and pi"):
        Views.load(capture(bare, camera_angle_x=angle_rad, w=400, h=400))


def test_size_is_the_photo_s_and_extensions_may_be_missing(capture):
    bare = [{"file_path": f"./images/r_{i}", "transform_matrix": FRAMES[0]["transform_matrix"]} for i in range(3)]
    folder = capture(bare, camera_angle_x=0.7)
    with pytest.raises(ViewsError, match="frame r_0: it has no 'w' and 'h', and there is no photo"):
        Views.load(folder)
    photographed(folder, [f"r_{i}.png" for i in range(3)], size=(40, 30))
    camera = Views.load(folder, split="all").cameras[0]
    assert (camera.width, camera.height, camera.cx, camera.cy) == (40, 30, 20, 15)


def test_what_nerfstudio_applied_to_the_poses_is_undone(capture):
    applied = np.array([[0, 1.0, 0, 0.5], [1, 0, 0, 0], [0, 0, -1, 2]])
    full = np.vstack([applied, [0, 0, 0, 1]])
    moved = [{**f, "transform_matrix": (full @ np.array(f["transform_matrix"])).tolist()} for f in FRAMES]
    views = Views.load(capture(moved, applied_transform=applied.tolist()), split="all")
    assert_same_cameras(views, Views.load(FIXTURES, split="all"))


def test_photos_are_all_there_or_none(capture):
    folder = capture()
    assert Views.load(folder, split="all").photos is None
    photographed(folder, NAMES[:1] + NAMES[2:3])
    with pytest.raises(ViewsError, match=rf"frame {NAMES[1]}: the photo .* is missing, but 2 of 3 photos are there"):
        Views.load(folder, split="all")
    photographed(folder)
    assert [photo.name for photo in Views.load(folder, split="all").photos] == NAMES[:3]


def test_photos_may_be_named_in_a_list_of_texts(capture):
    folder = capture()
    photographed(folder)
    loaded = Views.load(folder, split="all")
    again = Views(list(loaded.cameras), [str(photo) for photo in loaded.photos])
    assert again.photos == loaded.photos
    assert again.cameras == loaded.cameras


def test_photos_are_looked_for_only_for_the_frames_in_use(capture):
    folder = capture(FRAMES)
    by_name = sorted(NAMES)
    photographed(folder, [by_name[0], by_name[8]])
    assert len(Views.load(folder, split="test").photos) == 2
    assert Views.load(folder, split="train").photos is None


def test_colmap_photos_are_in_images_beside_sparse(tmp_path):
    shutil.copytree(FIXTURES / "colmap_binary", tmp_path / "capture")
    photographed(tmp_path / "capture", NAMES)
    for path in ("capture", "capture/sparse/0", "capture/sparse/0/images.bin"):
        assert len(Views.load(tmp_path / path, split="all").photos) == 16


def test_a_photo_of_another_size_is_refused(capture):
    folder = capture()
    photographed(folder)
    photographed(folder, NAMES[1:2], size=(800, 800))
    with pytest.raises(ViewsError, match=rf"frame {NAMES[1]}: the photo has 800x800 pixels, its camera 400x400"):
        Views.load(folder, split="all")


def test_a_photo_that_is_not_opaque_lies_on_the_background(tmp_path, capture):
    folder = capture([{**FRAMES[0], "file_path": "images/half.png"}])
    photographed(folder, ["half.png"], mode="RGBA", color=(255, 0, 51, 51))
    views = Views.load(folder)
    assert views.photo(0).shape == (400, 400, 3)
    np.testing.assert_allclose(views.photo(0)[7, 7], [0.2, 0, 0.04], atol=1e-6)
    np.testing.assert_allclose(views.photo(0, background=(1, 1, 1))[7, 7], [1, 0.8, 0.84], atol=1e-6)


def test_a_photo_of_16_bits_is_refused(capture):
    folder = capture([{**FRAMES[0], "file_path": "images/deep.png"}])
    photographed(folder, ["deep.png"], mode="I;16")
    with pytest.raises(ViewsError, match=r"frame deep.png: .* does not have 8 bits per channel \(mode I(;16)?\)"):
        Views.load(folder).photo(0)


def test_a_damaged_photo_is_named(capture):
    folder = capture()
    photographed(folder)
    photo = folder / "images" / NAMES[0]
    photo.write_bytes(photo.read_bytes()[:700])  # the header still says its size
    views = Views.load(folder)
    with pytest.raises(ViewsError, match=f"frame {NAMES[0]}: .* cannot be decoded"):
        views.photo(0)
    photo.write_bytes(b"no picture")
    with pytest.raises(ViewsError, match=f"frame {NAMES[0]}: .* is not a picture"):
        Views.load(folder)


def test_no_cameras_are_no_views():
    with pytest.raises(ViewsError, match="there are no views"):
        Views([])


def test_photos_of_cameras_alone_are_refused():
    with pytest.raises(ViewsError, match=r"frame r_0.jpg: these views have no photos"):
        Views.load(FIXTURES).photo(0)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"k1": 0.01}, r"frame r_0.jpg: camera model OPENCV with k1 = 0.01"),
        ({"camera_model": "OPENCV_FISHEYE"}, "frame r_0.jpg: camera model OPENCV_FISHEYE is not a pinhole"),
        ({"is_fisheye": True}, r"frame r_0.jpg: camera model is_fisheye"),
        ({"fl_x": None}, "frame r_0.jpg: 'fl_x' is missing"),
        ({"w": "wide"}, "frame r_0.jpg: 'w' is not a number: 'wide'"),
        ({"h": 400.5}, "frame r_0.jpg: 'h' is 400.5, not a number of pixels"),
        ({"transform_matrix": [[1, 2], [3]]}, "frame r_0.jpg: 'transform_matrix' is not 4x4 or 3x4 numbers"),
        ({"transform_matrix": np.zeros((4, 4)).tolist()}, "frame r_0.jpg: the pose cannot be inverted"),
        ({"transform_matrix": np.diag([2.0, 2, 2, 1]).tolist()}, "view r_0.jpg: the pose is not a rigid motion"),
    ],
)
def test_frames_that_cannot_be_used_are_named(capture, fields, reason):
    folder = capture([{**FRAMES[0], **fields}, FRAMES[1]])
    with pytest.raises(ViewsError, match=reason):
        Views.load(folder, split="test")
    assert len(Views.load(folder, split="train")) == 1  # that frame is not in use


def test_zero_distortion_is_none(capture):
    folder = capture([{**FRAMES[0], "camera_model": "OPENCV", "k1": 0, "k2": 0.0, "p1": 0, "p2": 0}])
    assert len(Views.load(folder)) == 1


@pytest.mark.parametrize(
    ("lens", "reason"),
    [
        ("1 OPENCV 400 400 555 555 200 200 0 0.1 0 0", "camera model OPENCV with parameter 6 = 0.1 is not a pinhole"),
        ("1 OPENCV_FISHEYE 400 400 555 555 200 200 0 0 0 0", "camera model OPENCV_FISHEYE is not a pinhole"),
        ("1 MIRROR_BALL 400 400 555", "camera model MIRROR_BALL is not one of COLMAP's"),
        ("1 PINHOLE 400 400 555 555 200", "camera model PINHOLE cannot have 3 parameters"),
        ("2 PINHOLE 400 400 555 555 200 200", "it names camera 1, which the model does not have"),
    ],
)
def test_lenses_that_are_no_pinholes_are_named_with_the_frame(tmp_path, lens, reason):
    (tmp_path / "cameras.txt").write_text(lens + "\n")
    (tmp_path / "images.txt").write_text("1 1 0 0 0 0 0 0 1 a photo.jpg\n\n")
    with pytest.raises(ViewsError, match=rf"frame a photo.jpg: {reason}"):
        Views.load(tmp_path)


def test_undistorted_opencv_and_radial_lenses_are_pinholes(tmp_path):
    (tmp_path / "cameras.txt").write_text("1 OPENCV 40 30 50 51 20 15 0 0 0 0\n2 SIMPLE_RADIAL 40 30 50 20 15 0\n")
    (tmp_path / "images.txt").write_text("1 1 0 0 0 0 0 0 1 a.jpg\n\n2 2 0 0 0 1 2 3 2 b.jpg\n1.0 2.0 -1\n")
    a, b = Views.load(tmp_path, split="all").cameras
    assert (a.fx, a.fy, a.cx, a.cy) == (50, 51, 20, 15)
    assert (b.fx, b.fy, b.cx, b.cy) == (50, 50, 20, 15)
    np.testing.assert_allclose(b.position, [-1, -2, -3])  # the quaternion 2 0 0 0 does not turn


@pytest.mark.parametrize(
    ("model_id", "model", "parameters"),
    [  # all of COLMAP's that may be a pinhole, undistorted: what its documentation lists, each name once
        (0, "SIMPLE_PINHOLE", [50, 20, 15]),
        (1, "PINHOLE", [50, 51, 20, 15]),
        (2, "SIMPLE_RADIAL", [50, 20, 15, 0]),
        (3, "RADIAL", [50, 20, 15, 0, 0]),
        (4, "OPENCV", [50, 51, 20, 15, 0, 0, 0, 0]),
        (6, "FULL_OPENCV", [50, 51, 20, 15, 0, 0, 0, 0, 0, 0, 0, 0]),
        (7, "FOV", [50, 51, 20, 15, 0]),
    ],
)
def test_lens_models_have_the_numbers_and_parameters_of_colmap(tmp_path, model_id, model, parameters):
    text, binary = tmp_path / "text", tmp_path / "binary"
    for folder in (text, binary):
        folder.mkdir()
    (text / "cameras.txt").write_text(f"1 {model} 40 30 {' '.join(map(str, parameters))}\n")
    (text / "images.txt").write_text("1 1 0 0 0 0 0 0 1 a.jpg\n\n")
    lens = struct.pack(f"<QiiQQ{len(parameters)}d", 1, 1, model_id, 40, 30, *parameters)
    (binary / "cameras.bin").write_bytes(lens)
    (binary / "images.bin").write_bytes(struct.pack("<Qi7di", 1, 1, 1, 0, 0, 0, 0, 0, 0, 1) + b"a.jpg\0" + bytes(8))
    fy = 51 if 51 in parameters else 50
    for folder in (text, binary):
        (camera,) = Views.load(folder).cameras
        assert (camera.fx, camera.fy, camera.cx, camera.cy) == (50, fy, 20, 15)
    (binary / "cameras.bin").write_bytes(lens[:-1])
    with pytest.raises(ViewsError, match="the file ends"):
        Views.load(binary)


@pytest.mark.parametrize(
    ("model", "count"),
    [
        ("OPENCV_FISHEYE", 8),
        ("SIMPLE_RADIAL_FISHEYE", 4),
        ("RADIAL_FISHEYE", 5),
        ("THIN_PRISM_FISHEYE", 12),
        ("RAD_TAN_THIN_PRISM_FISHEYE", 16),
    ],
)
def test_a_fisheye_is_no_pinhole_whatever_its_parameters(tmp_path, model, count):
    (tmp_path / "cameras.txt").write_text(f"1 {model} 40 30 50{' 0' * (count - 1)}\n")
    (tmp_path / "images.txt").write_text("1 1 0 0 0 0 0 0 1 a.jpg\n\n")
    with pytest.raises(ViewsError, match=rf"frame a.jpg: camera model {model} is not a pinhole"):
        Views.load(tmp_path)


def test_every_truncation_of_a_binary_model_is_a_named_error(tmp_path):
    model = FIXTURES / "colmap_binary" / "sparse" / "0"
    for name in ("cameras.bin", "images.bin"):
        shutil.copytree(model, tmp_path / name)
        whole = (model / name).read_bytes()
        for size in range(0, len(whole), 1 if name == "cameras.bin" else 13):
            (tmp_path / name / name).write_bytes(whole[:size])
            with pytest.raises(ViewsError, match=f"{name}: the file ends at byte {size}"):
                Views.load(tmp_path / name)


def test_a_binary_model_with_an_endless_image_is_refused_at_once(tmp_path):
    shutil.copytree(FIXTURES / "colmap_binary" / "sparse" / "0", tmp_path / "model")
    record = struct.pack("<Qi7di", 1, 1, 1, 0, 0, 0, 0, 0, 0, 1) + b"a\0" + struct.pack("<Q", 1 << 63)
    (tmp_path / "model" / "images.bin").write_bytes(record)
    with pytest.raises(ViewsError, match="the file ends"):
        Views.load(tmp_path / "model")


def test_a_binary_model_with_a_name_that_does_not_end_is_refused(tmp_path):
    shutil.copytree(FIXTURES / "colmap_binary" / "sparse" / "0", tmp_path / "model")
    (tmp_path / "model" / "images.bin").write_bytes(struct.pack("<Qi7di", 1, 1, 1, 0, 0, 0, 0, 0, 0, 1) + b"r_0.jpg")
    with pytest.raises(ViewsError, match=r"images.bin: the file ends at byte 79, inside a record"):
        Views.load(tmp_path / "model")


def test_a_damaged_text_model_names_the_line(tmp_path):
    shutil.copytree(FIXTURES / "colmap_text", tmp_path / "model")
    images = tmp_path / "model" / "sparse" / "images.txt"
    images.write_text(images.read_text().replace(" 1 r_0.jpg", " one r_0.jpg"))
    with pytest.raises(ViewsError, match=r"images.txt, line 2: this is not what COLMAP writes"):
        Views.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("transforms.json", "{", "it is not JSON"),
        ("transforms.json", '{"frames": []}', "this file lists no cameras"),
        ("transforms.json", '{"frames": [{}]}', "frame 0 has no file_path"),
        ("cameras.json", "[3]", "entry 0 is not a camera"),
        ("other.json", '{"a": 1}', "this is not a transforms.json"),
        ("images.txt", "", "both .bin or both .txt"),
        ("one.json", '{"target": [0, 0, 0], "width": 8, "height": 8, "fov_y_degrees": 200}', "between 0 and 180"),
        ("one.json", '{"world_to_camera": 3, "width": 8, "height": 8}', "'world_to_camera' is not 4x4 numbers"),
    ],
)
def test_files_that_list_no_cameras_say_why(tmp_path, name, text, reason):
    (tmp_path / name).write_text(text)
    with pytest.raises(ViewsError, match=reason):
        Views.load(tmp_path / name)


def test_places_without_cameras_are_named(tmp_path):
    with pytest.raises(ViewsError, match=r"no transforms.json, COLMAP model or cameras.json in this folder"):
        Views.load(tmp_path)
    with pytest.raises(ViewsError, match="nowhere: no such file or folder"):
        Views.load(tmp_path / "nowhere")


def test_the_photos_folder_named_instead_of_the_cameras_leads_to_them(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "transforms.json").write_text("{}")
    with pytest.raises(ViewsError, match=re.escape(f"in this folder; there is one in {tmp_path}")):
        Views.load(tmp_path / "images")


def test_a_single_camera_by_hand_stands_and_looks_where_it_says(tmp_path):
    fields = {"position": [0, 0, -4], "target": [0, 0, 0], "fov_y_degrees": 60, "width": 1280, "height": 720}
    (tmp_path / "door.json").write_text(json.dumps(fields))
    (camera,) = Views.load(tmp_path / "door.json").cameras
    assert camera.name == "door"
    np.testing.assert_allclose(camera.position, [0, 0, -4])
    np.testing.assert_allclose(camera.fx, 360 / np.tan(np.radians(30)))
    np.testing.assert_allclose(camera.world_to_camera[:3, :3], np.eye(3), atol=1e-12)  # y down, as scenes are
    exact = {"world_to_camera": camera.world_to_camera.tolist(), "fx": 50, "fy": 51, "cx": 3, "cy": 4}
    (tmp_path / "exact.json").write_text(json.dumps({**exact, "width": 8, "height": 6, "name": "x"}))
    (camera,) = Views.load(tmp_path / "exact.json").cameras
    assert (camera.fx, camera.fy, camera.cx, camera.cy, camera.name) == (50, 51, 3, 4, "x")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"test": ["nobody.jpg"]}', "none of the 1 test frames is among the 3 views"),
        ('{"test": ["r_0.jpg"], "train": ["r_0.jpg"]}', r"frame r_0.jpg is both"),
        ('{"test": "r_0.jpg"}', "'test' is not a list of file names"),
        ("[", "split.json: it is not JSON"),
    ],
)
def test_a_split_that_cannot_be_is_refused(capture, text, reason):
    folder = capture()
    (folder / "split.json").write_text(text)
    with pytest.raises(ViewsError, match=reason):
        Views.load(folder)


def test_a_split_without_frames_and_an_unknown_split_are_refused(capture):
    with pytest.raises(ViewsError, match="none of the 1 views is for train"):
        Views.load(capture(FRAMES[:1]), split="train")
    with pytest.raises(ViewsError, match="split 'validation' is not test, train or all"):
        Views.load(capture(), split="validation")


@pytest.mark.scenes
@pytest.mark.parametrize(("name", "size"), [("snowmiku", (396, 528, 3)), ("chair", (400, 400, 3))])
def test_real_captures_have_their_cameras_and_photos(scenes, name, size):
    folder = scenes / "scenes" / name
    test = json.loads((folder / "split.json").read_text())["test"]
    views = Views.load(folder)
    assert {camera.name for camera in views.cameras} == set(test)
    photo = views.photo(0)
    assert photo.shape == size
    assert 0 <= photo.min() < photo.max() <= 1
    assert len(Views.load(folder, split="train")) + len(views) == len(Views.load(folder, split="all"))
