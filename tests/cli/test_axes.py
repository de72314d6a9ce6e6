"""--axes, wherever a scene is read: a file that says nothing of its axes, or something wrong, is read as it lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from splatzip import load, save
from splatzip.cli.app import VERBS

UPSIDE_DOWN = np.float32([1, -1, -1])


@pytest.fixture
def copied_spz(scene_ply, tmp_path) -> Path:
    """`copied.spz`, with the numbers of `scene.ply`."""
    scene = load(scene_ply)
    save(load(scene_ply, axes="RUB"), tmp_path / "copied.spz")  # turned before it is written, which turns it back
    assert np.abs(load(tmp_path / "copied.spz").positions * UPSIDE_DOWN - scene.positions).max() < 1 / 4000
    return tmp_path / "copied.spz"


def test_every_verb_that_reads_scenes_takes_axes(run):
    for verb in {*VERBS} - {"decompress", "verify", "info"}:
        assert "--axes" in run(verb, "--help").stdout, verb


@pytest.mark.parametrize("verb", ["convert", "transform"])
def test_an_spz_that_lies_upside_down_is_turned_by_what_it_is_told(run, scene_ply, copied_spz, tmp_path, verb):
    for axes, signs in (((), UPSIDE_DOWN), (("--axes", "rdf"), 1)):
        result = run(verb, "copied.spz", "out.ply", *axes, "--force", "--quiet")
        assert (result.returncode, result.stderr) == (0, "")
        assert np.abs(load(tmp_path / "out.ply").positions * signs - load(scene_ply).positions).max() < 1 / 4000


def test_compress_keeps_the_codes_alone_and_among_many(run, copied_spz, tmp_path):
    assert run("compress", "--axes=RDF", "copied.spz", "one.splatz", "--quiet").returncode == 0
    assert run("compress", "--axes=RDF", "copied.spz", "--to", "out", "--quiet").returncode == 0
    assert (tmp_path / "one.splatz").read_bytes() == (tmp_path / "out" / "copied.splatz").read_bytes()
    assert "spz: its codes are kept" in run("info", "one.splatz").stdout
    upright, coded = load(copied_spz, axes="RDF").positions, load(tmp_path / "one.splatz").positions
    assert np.array_equal(coded[np.lexsort(coded.T)], upright[np.lexsort(upright.T)])


def test_compare_and_render_and_pages_take_them_too(run, copied_spz, tmp_path):
    compared = run("compare", "scene.ply", "copied.spz", "--axes", "RDF", "--json")
    assert '"psnr": ' in compared.stdout
    assert run("compress", "--axes=RDF", "copied.spz", "one.splatz", "--quiet").returncode == 0
    same = run("compare", "copied.spz", "one.splatz", "--axes", "RDF", "--json")  # a .splatz lies as it says
    assert (same.returncode, same.stderr) == (0, "")
    for name, source, axes in (("a", "copied.spz", ("--axes", "RDF")), ("b", "one.splatz", ())):
        assert run("render", source, f"{name}.png", "--size=64x48", *axes, "--quiet").returncode == 0
    pictures = [(tmp_path / f"{name}.png").read_bytes() for name in "ab"]
    assert len(pictures[0]) == pytest.approx(len(pictures[1]), rel=0.02)
    assert run("export-web", "copied.spz", "site", "--axes", "RDF", "--quiet").returncode == 0
    assert (tmp_path / "site" / "copied.splatz").read_bytes() == (tmp_path / "one.splatz").read_bytes()


@pytest.mark.parametrize("verb", ["compress", "convert", "transform", "render", "export-web"])
def test_a_splatz_needs_none(run, scene_ply, tmp_path, verb):
    assert run("compress", "--preset=fast", "scene.ply", "a.splatz", "--quiet").returncode == 0
    target = {"compress": "b.splatz", "render": "b.png", "export-web": "b"}.get(verb, "b.ply")
    result = run(verb, "a.splatz", target, "--axes", "RUB")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "error: a.splatz: a .splatz has no other axes than its own; splatzip transform --rotate turns it\n"
    )


def test_letters_that_are_no_axes_are_one_error_however_many_scenes(run, scene_ply, tmp_path):
    for paths in (("scene.ply", "out.splatz"), ("scene.ply", "scene.ply", "--to", "out")):
        result = run("compress", *paths, "--axes", "RDR")
        assert (result.returncode, result.stderr.count("\n")) == (2, 1)
        assert "'--axes': RDR: expected where x, y and z point, a letter each of R or L" in result.stderr
        assert not (tmp_path / "out").exists()
