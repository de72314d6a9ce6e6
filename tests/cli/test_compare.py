"""`compare`: tables for people, JSON for scripts, a page to look at."""

from __future__ import annotations

import json

import pytest

from splatzip import compare, compress, load


@pytest.fixture
def splatz(scene_ply, tmp_path):
    """Two files of `scene.ply`: `good.splatz` and `small.splatz`."""
    for name, quality in (("good", 50), ("small", 32)):
        (tmp_path / f"{name}.splatz").write_bytes(compress(scene_ply, preset="fast", quality=quality))
    return tmp_path


@pytest.fixture
def chair(chair_ply, tmp_path):
    """`chair.splatz` of the sample, and the folder of the sample's views."""
    (tmp_path / "chair.splatz").write_bytes(compress(chair_ply, preset="fast", quality=40))
    return chair_ply.parent


def test_compare_prints_a_table_of_views_and_one_of_files(run, splatz, snapshot_of_shape):
    result = run("compare", "scene.ply", "good.splatz", "small.splatz")
    assert (result.returncode, result.stderr) == (0, "")
    snapshot_of_shape("compare", result.stdout)


def test_views_stand_worst_first(run, splatz):
    lines = run("compare", "scene.ply", "small.splatz").stdout.splitlines()
    psnr = [float(line.split()[2]) for line in lines if line.startswith("orbit ")]
    assert len(psnr) == 12
    assert psnr == sorted(psnr)


def test_json_of_one_file_is_an_object_and_of_several_a_list(run, splatz, scene_ply):
    one = json.loads(run("compare", "scene.ply", "small.splatz", "--json").stdout)
    assert list(one) == ["file", "psnr", "ssim", "bytes", "ratio", "splats", "views"]
    assert list(one["views"][0]) == ["name", "psnr", "ssim"]
    size = (splatz / "small.splatz").stat().st_size
    assert (one["bytes"], one["splats"], len(one["views"])) == (size, 500, 12)
    assert one["ratio"] == load(scene_ply).float_bytes / size
    assert one["psnr"] == pytest.approx(sum(view["psnr"] for view in one["views"]) / 12)
    several = json.loads(run("compare", "scene.ply", "small.splatz", "good.splatz", "--json").stdout)
    assert several[0] == one
    assert [file["file"] for file in several] == ["small.splatz", "good.splatz"]
    assert several[1]["psnr"] > one["psnr"] + 5


def test_views_with_photos_compare_both_sides_with_them(run, chair, chair_ply):
    result = run("compare", chair_ply, "chair.splatz", "--views", chair, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    facts = json.loads(result.stdout)
    assert [view["name"] for view in facts["views"]][:2] == ["r_0.jpg", "r_16.jpg"]
    assert len(facts["views"]) == 13
    assert facts["photo"]["ref_psnr"] == pytest.approx(34.45, abs=0.05)
    assert 0 < facts["photo"]["ref_psnr"] - facts["photo"]["test_psnr"] < 2
    assert set(facts["views"][0]["photo"]) == {"ref_psnr", "test_psnr"}


def test_what_it_prints_is_what_the_library_measures(run, chair, chair_ply, tmp_path):
    found = compare(chair_ply, tmp_path / "chair.splatz", views=chair)[0]
    out = run("compare", chair_ply, "chair.splatz", "--views", chair).stdout
    row = next(line.split() for line in out.splitlines() if line.startswith("mean of 13"))[3:]
    assert row == [f"{found.photo.test_psnr:.2f}", f"{found.photo.ref_psnr:.2f}", f"{found.photo.lost:+.2f}",
                   f"{found.psnr:.2f}", f"{found.ssim:.4f}"]  # fmt: skip


def test_the_page_is_written_beside_the_table(run, splatz):
    result = run("compare", "scene.ply", "good.splatz", "small.splatz", "--html", "report.html")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1].startswith("report.html  ")
    page = (splatz / "report.html").read_text()
    assert "good.splatz" in page
    assert page.count("data:image/webp") == 12 * (1 + 2 + 2)


def test_an_existing_page_is_kept(run, splatz):
    (splatz / "report.html").write_text("precious")
    assert "--force" in run("compare", "scene.ply", "good.splatz", "--html", "report.html").stderr
    assert (splatz / "report.html").read_text() == "precious"


def test_further_metrics_are_columns(run, splatz):
    result = run("compare", "scene.ply", "good.splatz", "--metric", "ms_ssim")
    assert "ms_ssim" in result.stdout
    assert "ms_ssim" in json.loads(run("compare", "scene.ply", "good.splatz", "--metric", "ms_ssim", "--json").stdout)


def test_quiet_prints_nothing(run, splatz):
    result = run("compare", "scene.ply", "good.splatz", "--quiet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_file_that_is_no_scene_is_named(run, splatz):
    (splatz / "bad.splatz").write_bytes((splatz / "good.splatz").read_bytes()[:-50])
    result = run("compare", "scene.ply", "good.splatz", "bad.splatz", "--html", "report.html")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("error: bad.splatz: ")
    assert not (splatz / "report.html").exists()


def test_views_that_are_not_there_are_refused(run, splatz):
    result = run("compare", "scene.ply", "good.splatz", "--views", "nowhere")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "nowhere" in result.stderr


def test_rows_that_repair_dropped_are_counted_for_each_file(run, broken_ply, splatz):
    result = run("compare", "broken.ply", "broken.ply", "small.splatz", "--repair", "--json")
    assert result.returncode == 0
    assert result.stderr == "warning: broken.ply: dropped 1 rows: NaN in positions\n" * 2
    assert len(json.loads(result.stdout)) == 2
