"""What every verb prints when all is well, for people and for scripts."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from splatzip import load, save
from splatzip.cli.summary import print_report


@pytest.fixture
def splatz(run, scene_ply, tmp_path):
    assert run("compress", "--preset=fast", "scene.ply", "scene.splatz", "--quiet").returncode == 0
    return tmp_path / "scene.splatz"


def test_compress_prints_a_table(run, scene_ply, snapshot_of_shape):
    result = run("compress", "--preset=fast", "scene.ply", "scene.splatz")
    assert (result.returncode, result.stderr) == (0, "")
    snapshot_of_shape("compress", result.stdout)


def test_decompress_prints_a_table(run, splatz, snapshot_of_shape):
    result = run("decompress", "scene.splatz", "back.ply")
    assert (result.returncode, result.stderr) == (0, "")
    snapshot_of_shape("decompress", result.stdout)


def test_a_name_as_long_as_names_may_be_is_a_name(run, scene_ply, tmp_path):
    name = "n" * 248 + ".splatz"
    result = run("compress", "--preset=fast", "scene.ply", name)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / name).exists()


def test_convert_prints_a_table(run, scene_ply, snapshot_of_shape):
    result = run("convert", "scene.ply", "other.spz")
    assert result.returncode == 0
    snapshot_of_shape("convert", result.stdout)


def test_version_chooses_the_version_of_the_format(run, scene_ply, splatz):
    for verb, source in (("convert", "scene.ply"), ("decompress", "scene.splatz")):
        assert run(verb, source, f"{verb}.spz", "--version", "3", "--quiet").returncode == 0
        assert load(splatz.with_name(f"{verb}.spz")).source.version == 3


def test_a_sog_folder_is_made_by_the_name_of_its_meta(run, scene_ply, tmp_path):
    assert run("convert", "scene.ply", "new/meta.json", "--quiet").returncode == 0
    assert load(tmp_path / "new").source.format == "sog"


def test_bytes_of_a_scene_of_several_files_are_those_of_its_files(run, scene_ply, tmp_path):
    (tmp_path / "sog").mkdir()
    (tmp_path / "sog" / "other.webp").write_bytes(bytes(1000))  # no part of the scene
    for target, folder in (("sog/meta.json", "sog"), ("gltf/a.gltf", "gltf")):
        (tmp_path / folder).mkdir(exist_ok=True)
        said = json.loads(run("convert", "scene.ply", target, "--json").stdout)["output_bytes"]
        assert said == sum(p.stat().st_size for p in (tmp_path / folder).iterdir() if p.name != "other.webp")


@pytest.mark.parametrize(("target", "other"), [("sog/meta.json", "sog/means_l.webp"), ("a.gltf", "a.gltf.bin")])
def test_what_would_be_replaced_beside_the_target_is_kept(run, scene_ply, tmp_path, target, other):
    (tmp_path / "sog").mkdir()
    (tmp_path / other).write_bytes(b"mine")
    refused = run("convert", "scene.ply", target)
    assert (refused.returncode, refused.stderr) == (2, f"error: {other}: already exists; --force replaces it\n")
    assert (tmp_path / other).read_bytes() == b"mine"
    assert run("convert", "scene.ply", target, "--force").returncode == 0


def test_convert_reaches_splatz_too(run, scene_ply, tmp_path):
    assert run("convert", "scene.ply", "scene.splatz", "--quiet").returncode == 0
    assert run("verify", "scene.splatz").returncode == 0


def test_transform_prints_a_table(run, scene_ply, snapshot_of_shape):
    result = run("transform", "scene.ply", "moved.ply", "--translate", "1", "-2", "3")
    assert (result.returncode, result.stderr) == (0, "")
    snapshot_of_shape("transform", result.stdout)


def test_verify_prints_one_line(run, splatz, snapshot_of_shape):
    result = run("verify", "scene.splatz")
    assert (result.returncode, result.stderr) == (0, "")
    snapshot_of_shape("verify", result.stdout)


def test_verify_counts_the_bytes_that_came_through_a_pipe(run_patched, splatz):
    piped = """
import os
read, write = os.pipe()
os.write(write, open("scene.splatz", "rb").read())
os.close(write)
os.dup2(read, 0)
"""
    result = run_patched(piped, "verify", "/dev/stdin")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"intact, {splatz.stat().st_size:,} bytes match" in result.stdout


def test_info_prints_a_table(run, splatz, snapshot_of_shape):
    result = run("info", "scene.splatz")
    assert (result.returncode, result.stderr) == (0, "")
    snapshot_of_shape("info", result.stdout)


def test_a_size_beyond_the_finest_setting_is_said_to_be(run, scene_ply, tmp_path):
    result = run("compress", "scene.ply", "scene.splatz", "--size", "1GB", "--quiet")
    size = (tmp_path / "scene.splatz").stat().st_size
    assert result.stderr == (
        f"warning: scene.splatz: {size:,} of 1,000,000,000 bytes: the finest setting needs no more\n"
    )


def test_quiet_prints_nothing(run, scene_ply):
    result = run("compress", "--preset=fast", "scene.ply", "scene.splatz", "--quiet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_json_of_compress_adds_up(run, scene_ply, tmp_path):
    result = run("compress", "--preset=fast", "scene.ply", "scene.splatz", "--json", "--report", "report.json")
    summary = json.loads(result.stdout)
    size = (tmp_path / "scene.splatz").stat().st_size
    assert summary["output_bytes"] == size
    assert summary["input_bytes"] == scene_ply.stat().st_size
    assert summary["splats"] == 500
    assert summary["ratio"] == pytest.approx(4 * (14 + 3 * 3) * 500 / size)
    assert summary["bits_per_splat"] == pytest.approx(8 * size / 500)
    assert 0 < sum(row["bytes"] for row in summary["attributes"].values()) <= size
    assert json.loads((tmp_path / "report.json").read_text()) == summary


def test_a_quality_that_was_verified_is_printed_and_stays_in_the_file(run, scene_ply):
    said = json.loads(
        run("compress", "--preset=fast", "scene.ply", "scene.splatz", "--quality", "40", "--verify", "--json").stdout
    )
    assert 40 <= said["quality"]["psnr_db"] <= 40.06
    assert json.loads(run("info", "scene.splatz", "--json").stdout)["quality"] == said["quality"]
    assert f"psnr_db: {said['quality']['psnr_db']}" in run("info", "scene.splatz").stdout


def test_json_of_info_and_verify_name_the_file(run, splatz):
    facts = json.loads(run("info", "scene.splatz", "--json").stdout)
    assert (facts["file"], facts["splats"], facts["sh_degree"]) == ("scene.splatz", 500, 1)
    assert facts["bytes"] == splatz.stat().st_size
    assert json.loads(run("verify", "scene.splatz", "--json").stdout)["file"] == "scene.splatz"


def test_decompressed_scene_is_near_the_source(run, splatz, scene_ply, tmp_path):
    run("decompress", "scene.splatz", "back.ply")
    source, back = load(scene_ply), load(tmp_path / "back.ply")
    assert len(back) == len(source)
    # The order of splats is free: sorted coordinates differ at most as much as the coordinates do.
    shift = np.abs(np.sort(source.positions, axis=0) - np.sort(back.positions, axis=0))
    assert shift.max() < 0.01 * np.ptp(source.positions)


def test_transform_composes_what_the_options_say(run, scene_ply, tmp_path):
    result = run(
        "transform", "scene.ply", "scene.ply", "out.ply", "--degree", "0", "--scale", "2", "--translate", "1", "2", "3",
        "--crop", "-1", "-1", "-1", "1", "1", "1",
    )  # fmt: skip
    assert result.returncode == 0
    source, out = load(scene_ply), load(tmp_path / "out.ply")
    inside = (np.abs(source.positions) <= 1).all(1)
    expected = np.tile(source.positions[inside] * 2 + [1, 2, 3], (2, 1))
    assert out.sh_degree == 0
    np.testing.assert_allclose(out.positions, expected, atol=1e-6)


def test_a_loss_is_said_even_under_quiet(run, scene_ply):
    result = run("convert", "scene.ply", "small.splat", "--quiet")
    assert (result.returncode, result.stdout) == (0, "")
    assert any(line.startswith("warning: small.splat: lost ") for line in result.stderr.splitlines())


def test_repaired_rows_are_counted(run, broken_ply):
    result = run("convert", "broken.ply", "whole.ply", "--repair", "--json")
    assert result.returncode == 0
    assert json.loads(result.stdout)["dropped"] == {"NaN in positions": 1}
    assert result.stderr == "warning: broken.ply: dropped 1 rows: NaN in positions\n"


def test_a_terminal_gets_a_progress_bar(run_in_terminal, scene_ply):
    code, drawn = run_in_terminal("compress", "--preset=fast", "scene.ply", "scene.splatz")
    assert code == 0
    assert "%" in drawn


def test_splats_that_went_are_told_from_those_that_stay(capsys):
    of_both = {"sh_degree": 3, "ratio": 2.0, "bits_per_splat": 16.0}
    print_report({"splats": 43_874, "kept": 19_449, **of_both})
    print_report({"splats": 500, "kept": 500, **of_both})
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line.startswith(("splats", "bits"))] == [
        "splats 43,874, SH degree 3; 19,449 kept",
        "bits per splat 16.00 (of 43,874)",
        "splats 500, SH degree 3",
        "bits per splat 16.00",
    ]


def test_what_a_file_says_does_not_speak_to_the_terminal(run, scene_ply, tmp_path):
    evil = b"\x1b]0;owned\x07\x1b[2J\xe2\x80\xae"  # names the window, clears it, and writes from right to left
    data = scene_ply.read_bytes().replace(b"\nelement", b"\nobj_info " + evil + b"\nelement", 1)
    (tmp_path / "evil.ply").write_bytes(data)
    result = run("convert", "evil.ply", "out.ply", "--quiet")
    assert result.stderr == "warning: evil.ply: not carried: obj_info \\x1b]0;owned\\x07\\x1b[2J\\u202e\n"
    scene = load(scene_ply)
    save(scene.edited(meta=replace(scene.meta, title=evil.decode())), tmp_path / "evil.splatz")
    assert not {"\x1b", "\x07", "\u202e"} & set(run("info", "evil.splatz").stdout)


def test_a_refusal_that_quotes_a_whole_file_stays_a_line(run, tmp_path):
    (tmp_path / "a.gltf").write_text('{"asset": {"version": "' + "9" * 1_000_000 + '"}}')
    result = run("convert", "a.gltf", "out.ply")
    assert result.returncode == 2
    assert len(result.stderr) < 10_000
    assert result.stderr.endswith("', only 2 is known\n")
