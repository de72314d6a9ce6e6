"""What a batch compresses, and where to: the same in every run, whatever else is compressed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def training(scene_ply, tmp_path):
    """scans/a and scans/b, as 3DGS leaves them behind: two iterations, and the point cloud that it began with."""
    points = b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty uchar red\nend_header\n0 0\n"
    for output in "ab":
        for iteration in (7000, 30000):
            folder = tmp_path / "scans" / output / "point_cloud" / f"iteration_{iteration}"
            folder.mkdir(parents=True)
            shutil.copy(scene_ply, folder / "point_cloud.ply")
        (tmp_path / "scans" / output / "input.ply").write_bytes(points)
    return tmp_path


def written(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_training_outputs_give_their_names_however_they_are_named(run, training):
    globbed = [f"scans/{output}/point_cloud/iteration_30000/point_cloud.ply" for output in "ab"]
    result = run("compress", "--preset=fast", *globbed, "--to", "out")
    assert (result.returncode, result.stderr) == (0, "")
    assert written(training / "out") == ["a_30000.splatz", "b_30000.splatz"]
    for same in (("scans",), ("scans/a", "scans/b/point_cloud"), ("out/../scans/a", training / "scans" / "b")):
        result = run("compress", "--preset=fast", "--to", "out", *same)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout == "out: 2 kept\n"


def test_iterations_do_not_share_a_file(run, training):
    both = [f"scans/a/point_cloud/iteration_{n}/point_cloud.ply" for n in (7000, 30000)]
    assert run("compress", "--preset=fast", *both, "--to", "out").returncode == 0
    assert written(training / "out") == ["a_30000.splatz", "a_7000.splatz"]


def test_a_relative_path_names_the_training_output_too(run_patched, training):
    inside = training / "scans" / "a" / "point_cloud" / "iteration_7000"
    there = f"import os; os.chdir({str(inside)!r})"
    for named in ("point_cloud.ply", "../iteration_7000/point_cloud.ply", "."):
        result = run_patched(there, "compress", "--preset=fast", named, "--to", training / "out", "--force")
        assert (result.returncode, result.stderr) == (0, "")
    assert written(training / "out") == ["a_7000.splatz"]


def test_a_folder_is_mirrored_and_damage_stops_no_other_scene(run, scene_ply, tmp_path):
    for name in ("x/scene.ply", "y/deep/scene.ply", "top.ply"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(scene_ply, tmp_path / "in" / name)
    shutil.copytree(FIXTURES / "sog" / "v2_folder", tmp_path / "in" / "y" / "sog.v2")
    (tmp_path / "in" / "x" / "empty.ply").touch()
    result = run("compress", "--preset=fast", "in", "--to", "out", "--json")
    assert result.returncode == 2
    assert result.stderr == "error: in/x/empty.ply: the file is empty\n"
    expected = ["top.splatz", "x/scene.splatz", "y/deep/scene.splatz", "y/sog.v2.splatz"]
    assert written(tmp_path / "out") == expected
    outputs = [scene["output"] for scene in json.loads(result.stdout) if "error" not in scene]
    assert sorted(outputs) == [f"out/{name}" for name in expected]


def test_a_folder_within_the_one_that_is_written_to_does_not_find_its_own_output(run, scene_ply, tmp_path):
    for again in (0, 1):
        result = run("compress", "--preset=fast", ".", "--to", "out")
        assert (result.returncode, result.stdout.count("1 kept")) == (0, again)
    assert written(tmp_path / "out") == ["scene.splatz"]


def test_two_scenes_of_one_name_are_refused_in_a_line_and_stop_no_other(run, scene_ply, tmp_path):
    for name in ("a/scene.ply", "b/scene.ply", "b/other.ply"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(scene_ply, tmp_path / name)
    named = ("a/scene.ply", "b/scene.ply", "b/other.ply")
    for _ in range(2):  # not even what exists is taken for one of them
        result = run("compress", "--preset=fast", *named, "--to", "out")
        assert result.returncode == 2
        assert result.stderr == (
            "error: a/scene.ply and b/scene.ply would both become out/scene.splatz; "
            "give the folder that they are in, to keep its subfolders\n"
        )
        assert written(tmp_path / "out") == ["other.splatz"]
    shutil.copy(tmp_path / "out" / "other.splatz", tmp_path / "out" / "scene.splatz")
    assert run("compress", "--preset=fast", *named, "--to", "out").returncode == 2


def test_of_one_scene_in_several_formats_the_most_precise_is_taken_and_said(run, scene_ply, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.ply", "b.ply", "b.compressed.ply", "b.spz", "c.splat", "c.compressed.ply", "c.SOG"):
        assert run("convert", "scene.ply", f"in/{name}").returncode == 0
    result = run("compress", "--preset=fast", "in", "--to", "out", "--report", "out/report.json")
    assert result.returncode == 0
    assert sorted(result.stderr.splitlines()) == [
        "warning: in/b.ply: compressed instead of b.compressed.ply, b.spz, taken for the same scene in less detail",
        "warning: in/c.SOG: compressed instead of c.compressed.ply, c.splat, taken for the same scene in less detail",
    ]
    assert result.stdout.splitlines()[-1] == "out: 3 compressed, 4 left out (the same in another format)"
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    instead = {scene["input"]: scene["instead"] for scene in report if "instead" in scene}
    assert instead == {
        "in/b.compressed.ply": "in/b.ply", "in/b.spz": "in/b.ply",
        "in/c.compressed.ply": "in/c.SOG", "in/c.splat": "in/c.SOG",
    }  # fmt: skip
    assert run("compress", "--preset=fast", "in/b.ply", "alone.splatz").returncode == 0
    assert (tmp_path / "out" / "b.splatz").read_bytes() == (tmp_path / "alone.splatz").read_bytes()
    again = run("compress", "--preset=fast", "in", "--to", "out")
    assert again.stdout == "out: 3 kept, 4 left out (the same in another format)\n"
    assert again.stderr == ""


def test_two_scenes_of_one_name_and_format_in_one_folder_are_refused_with_the_way_out(run, tmp_path):
    shutil.copytree(FIXTURES / "sog" / "v2_folder", tmp_path / "in" / "b")
    shutil.copy(FIXTURES / "sog" / "v2.sog", tmp_path / "in" / "b.sog")
    result = run("compress", "in", "--to", "out")
    assert (result.returncode, result.stdout) == (2, "out: 2 failed\n")
    assert result.stderr == (
        "error: in/b and in/b.sog would both become out/b.splatz; "
        "compress one of them yourself, and it is kept: splatzip compress IN out/b.splatz\n"
    )
    assert run("compress", "in/b.sog", "out/b.splatz").returncode == 0
    again = run("compress", "in", "--to", "out")
    assert (again.returncode, again.stderr) == (0, "")
    assert run("compress", "in", "--to", "out", "--force").returncode == 2


def test_the_same_scene_twice_is_compressed_once(run, scene_ply):
    result = run("compress", "--preset=fast", "scene.ply", "./scene.ply", scene_ply, "--to", "out")
    assert (result.returncode, result.stderr, result.stdout.count("\n")) == (0, "", 2)


def test_a_folder_without_scenes_is_an_error(run, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "readme.txt").touch()
    result = run("compress", "in", "--to", "out")
    assert (result.returncode, result.stdout) == (2, "out: 1 failed\n")
    assert result.stderr == "error: in: no scene in this folder\n"


@pytest.mark.skipif(os.name == "nt", reason="a name with a newline")
def test_a_name_with_a_newline_is_one_line(run, scene_ply, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a\nb.ply").touch()
    result = run("compress", "in", "--to", "out")
    assert result.returncode == 2
    assert result.stderr == "error: in/a b.ply: the file is empty\n"
