"""Camera folders of strangers: one named error, soon, and no memory or time taken on their word."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image

from splatzip import Camera, Views, ViewsError
from splatzip.views import split, transforms_json

POSE = np.eye(4).tolist()
FRAME = {"file_path": "a.png", "w": 40, "h": 30, "fl_x": 50, "transform_matrix": POSE}
ENDLESS = 10**400  # no float64


def load(folder: Path, **fields: object) -> Views:
    (folder / "transforms.json").write_text(json.dumps({"frames": [{**FRAME, **fields}]}))
    return Views.load(folder)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"w": ENDLESS}, "frame a.png: 'w' is not a number: '1000"),
        ({"fl_x": ENDLESS}, "frame a.png: 'fl_x' is not a number: '1000"),
        ({"k1": -ENDLESS}, "frame a.png: 'k1' is not a number: '-1000"),
        ({"transform_matrix": [[ENDLESS] * 4] * 4}, "'transform_matrix' is not 4x4 or 3x4 numbers"),
        ({"w": 10**9, "h": 10**9}, "view a.png: 1000000000x1000000000 pixels are too many"),
        ({"w": 1 << 31, "h": 1}, "view a.png: 2147483648x1 pixels are too many: at most 16384 a side"),
        ({"w": 16384, "h": 16384}, "and 134217728 in all"),
    ],
)
def test_numbers_that_no_camera_has_are_refused(tmp_path: Path, fields: dict[str, object], words: str) -> None:
    with pytest.raises(ViewsError, match=words):
        load(tmp_path, **fields)


def test_a_photo_of_100_megapixels_is_no_reason_to_refuse_its_camera(tmp_path: Path) -> None:
    assert load(tmp_path, w=11648, h=8736).cameras[0].width == 11648


@pytest.mark.parametrize("width", [10**30, ENDLESS])
def test_a_lens_of_text_with_an_endless_number_is_refused(tmp_path: Path, width: int) -> None:
    (tmp_path / "cameras.txt").write_text(f"1 PINHOLE {width} 64 64 64 32 32\n")
    (tmp_path / "images.txt").write_text("1 1 0 0 0 0 0 4 1 a.png\n\n")
    with pytest.raises(ViewsError, match=r"view a.png: .*(too many|not finite)"):
        Views.load(tmp_path)


def test_a_camera_with_an_endless_number_is_refused() -> None:
    with pytest.raises(ViewsError, match="not finite"):
        Camera(np.eye(4), 40, 30, ENDLESS, 50, 20, 15)


def test_frames_do_not_each_copy_what_they_share() -> None:
    shared = {f"key {i}": 0 for i in range(2000)}
    frames = [{"file_path": "a.png"} for _ in range(2000)]
    tracemalloc.start()
    transforms_json.read({**shared, "frames": frames}, Path("transforms.json"))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 10_000_000  # copies would take 150 MB


def test_a_split_is_not_compared_name_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []

    def counted(name: str) -> PurePosixPath:
        parsed.append(name)
        return PurePosixPath(name)

    monkeypatch.setattr(split, "PurePosixPath", counted)
    frames = [{**FRAME, "file_path": f"x{i}"} for i in range(100)]
    (tmp_path / "transforms.json").write_text(json.dumps({"frames": frames}))
    listed = {"test": [f"y{i}.png" for i in range(100)] + ["x1.png"], "train": []}
    (tmp_path / "split.json").write_text(json.dumps(listed))
    assert [camera.name for camera in Views.load(tmp_path).cameras] == ["x1"]
    assert len(parsed) < 1000  # 100 frames with 100 names would be 10,000


def test_a_photo_that_is_a_program_is_no_picture(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png", "EPS")  # which Pillow gives to Ghostscript to run
    with pytest.raises(ViewsError, match=r"a.png is not a picture"):
        load(tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "PPM", "TGA"])
def test_photos_are_read_as_cameras_and_tools_write_them(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (40, 30), (255, 0, 0)).save(tmp_path / "a.png", kind)
    np.testing.assert_allclose(load(tmp_path).photo(0)[15, 20], (1, 0, 0), atol=0.05)
