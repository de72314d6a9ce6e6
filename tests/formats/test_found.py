"""Which files of a folder are scenes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from splatzip import FormatError, find_scenes, load

FIXTURES = Path(__file__).parents[1] / "fixtures"
SPLATS = b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float f_dc_0\nend_header\n0 0\n"
POINTS = b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty uchar red\nend_header\n0 0\n"
MESH = b"ply\nformat ascii 1.0\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n0\n"


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """Write a file below the test's folder, and its folders."""

    def write(name: str, content: bytes = SPLATS) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return write


def names(folder: Path) -> list[str]:
    return [scene.relative_to(folder).as_posix() for scene in find_scenes(folder)]


def test_scenes_of_every_format_are_found_in_the_order_of_names(made, tmp_path):
    for name in ("b/z.spz", "a.PLY", "b/y.splat", "c.ksplat", "b/c/d.sog", "b/x.compressed.ply"):
        made(name)
    assert names(tmp_path) == ["a.PLY", "b/c/d.sog", "b/x.compressed.ply", "b/y.splat", "b/z.spz", "c.ksplat"]


def test_what_says_that_it_is_no_scene_is_left_out(made, tmp_path):
    made("input.ply", POINTS)
    made("mesh.ply", MESH)
    for name in ("cameras.json", "photo.webp", "model.pth", "made.splatz", ".hidden.ply", ".git/a.ply", "._a.ply"):
        made(name)
    made("page/meta.json", json.dumps({"title": "a page"}).encode())
    made("mesh.gltf", json.dumps({"asset": {"version": "2.0"}, "meshes": []}).encode())
    os.mkfifo(tmp_path / "pipe.ply")
    assert names(tmp_path) == []


def test_every_gltf_of_splats_is_found(tmp_path):
    shutil.copytree(FIXTURES / "gltf", tmp_path, dirs_exist_ok=True)
    expected = []
    for path in sorted(tmp_path.rglob("*.gl*")):
        try:
            load(path)
        except FormatError:
            continue
        expected.append(path.relative_to(tmp_path).as_posix())
    assert set(expected) <= set(names(tmp_path))
    assert expected


def test_a_long_header_is_read_whole(made, tmp_path):
    comments = b"comment\n" * 2000
    made("points.ply", POINTS.replace(b"element", comments + b"element", 1))
    made("splats.ply", SPLATS.replace(b"element", comments + b"element", 1))
    assert names(tmp_path) == ["splats.ply"]


def test_a_damaged_scene_is_one(made, tmp_path):
    made("cut.ply", SPLATS[:60])
    made("empty.ply", b"")
    made("empty.glb", b"")
    made("scalars.ply", SPLATS.replace(b"f_dc_0", b"scalar_scale_0"))  # as CloudCompare writes it
    made("overwritten.ply", bytes(1000))
    (tmp_path / "lost.ply").symlink_to(tmp_path / "nowhere.ply")
    assert names(tmp_path) == ["cut.ply", "empty.glb", "empty.ply", "lost.ply", "overwritten.ply", "scalars.ply"]


def test_a_sog_folder_counts_once(made, tmp_path):
    shutil.copytree(FIXTURES / "sog" / "v2_folder", tmp_path / "sog")
    made("levels/lod-meta.json", b"{}")
    shutil.copytree(FIXTURES / "sog" / "v2_folder", tmp_path / "levels" / "0_0")
    assert names(tmp_path) == ["levels", "sog"]
    assert list(find_scenes(tmp_path / "sog")) == [tmp_path / "sog"]


def test_of_a_training_output_the_last_iteration_is_found(made, tmp_path, monkeypatch):
    for name in ("input.ply", "cfg_args", "cameras.json"):
        made(f"garden/{name}", POINTS)
    for iteration in (7000, 30000, 1000):
        made(f"garden/point_cloud/iteration_{iteration}/point_cloud.ply")
    (tmp_path / "garden/point_cloud/iteration_50000").mkdir()  # nothing in it yet
    last = "point_cloud/iteration_30000/point_cloud.ply"
    assert names(tmp_path) == [f"garden/{last}"]
    monkeypatch.chdir(tmp_path / "garden" / "point_cloud")
    assert names(Path(".")) == [last.removeprefix("point_cloud/")]
    (tmp_path / "garden" / last).unlink()
    (tmp_path / "garden" / last).symlink_to(tmp_path / "nowhere.ply")  # an earlier one is no substitute
    assert names(tmp_path / "garden") == [last]
    made("other/iteration_1/point_cloud.ply")
    made("other/iteration_2/point_cloud.ply")
    assert len(names(tmp_path / "other")) == 2


def test_links_are_followed_but_not_in_circles(made, tmp_path):
    elsewhere = made("disk/run/scene.ply").parent
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "garden").symlink_to(elsewhere)
    (scans / "file.ply").symlink_to(elsewhere / "scene.ply")
    (elsewhere / "up").symlink_to(elsewhere.parent)
    (elsewhere / "back").symlink_to(scans)
    assert names(scans) == ["file.ply", "garden/scene.ply"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names of bytes")
def test_a_name_that_is_no_text_is_found(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.ply")).write_bytes(SPLATS)
    assert [os.fsencode(scene.name) for scene in find_scenes(tmp_path)] == [b"caf\xe9.ply"]


def test_a_folder_that_cannot_be_listed_is_left_to_whoever_loads_it(made, tmp_path, monkeypatch):
    made("locked/a.ply")
    made("open/a.ply")
    listed = os.scandir

    def refusing(folder):
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    assert names(tmp_path) == ["locked", "open/a.ply"]


def test_folders_that_all_link_to_each_other_are_gone_through_once(made, tmp_path, monkeypatch):
    for name in "abcdefgh":
        made(f"{name}/scene.ply", SPLATS)
        for other in "abcdefgh":
            (tmp_path / name / other).symlink_to(tmp_path / other)
    listed, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: (listed.append(folder), scandir(folder))[1])
    found = set(find_scenes(tmp_path))
    assert {tmp_path / name / "scene.ply" for name in "abcdefgh"} <= found
    assert len(listed) < 200  # there are 110,000 ways


def test_a_link_to_a_pipe_is_not_waited_for(made, tmp_path):
    made("scene.ply", SPLATS)
    os.mkfifo(tmp_path / "pipe")
    for name in ("a.ply", "b.glb", "meta.json"):
        (tmp_path / name).symlink_to(tmp_path / "pipe")
    assert tmp_path / "scene.ply" in list(find_scenes(tmp_path))  # load refuses what is no file
