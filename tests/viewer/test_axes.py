"""`splatzip view --axes`: what is opened so is drawn, compressed, converted and measured so."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

import splatzip
from splatzip_viewer.jobs import Job
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.settings import Settings


@pytest.fixture
def copied(ply, tmp_path):
    """An SPZ that lies upside down: it has the numbers of a PLY."""
    path = tmp_path / "copied.spz"
    splatzip.save(splatzip.load(ply, axes="RUB"), path)
    return path


def result(job):
    *_, last = job.steps()
    return last.result


def test_a_scene_is_open_in_the_axes_that_it_is_told(copied, ply, coarse):
    opened = OpenScene.load(copied, axes="RDF")
    assert opened.axes == "RDF"
    assert np.abs(opened.scene.positions - splatzip.load(ply).positions).max() < 1 / 4000
    assert OpenScene.load(coarse, axes="RDF").axes is None  # a .splatz says it


def test_jobs_read_it_in_the_same_axes(copied, ply, tmp_path):
    told = {"source": str(copied), "axes": "RDF"}
    result(Job("convert", target=str(tmp_path / "out.ply"), **told))
    result(Job("compress", target=str(tmp_path / "out.splatz"), options={"preset": "lossless"}, **told))
    result(Job("site", folder=str(tmp_path / "site"), **told))
    upright = splatzip.load(copied, axes="RDF")
    assert np.array_equal(splatzip.load(tmp_path / "out.ply").positions, upright.positions)
    assert (tmp_path / "out.splatz").read_bytes() == splatzip.compress(copied, axes="RDF")
    assert (tmp_path / "site" / "copied.splatz").read_bytes() == splatzip.compress(copied, axes="RDF")
    rungs = [{"label": "32 dB", "preset": "fast", "quality": 32}]
    steps = list(Job("curve", views=None, rungs=rungs, folder=str(tmp_path), **told).steps())
    assert [step.part["psnr"] > 20 for step in steps if step.part] == [True]


def test_each_of_two_that_are_measured_has_its_own(copied, ply):
    told = result(Job("compare", ref=str(ply), test=str(copied), views=None, axes=[None, "RDF"]))
    untold = result(Job("compare", ref=str(ply), test=str(copied), views=None))
    assert told["psnr"] > 30 > untold["psnr"]


def test_the_command_says_them(copied):
    words = shlex.split(Settings("fast").command(copied, "out.splatz", axes="RDF"))
    assert words[:6] == ["splatzip", "compress", str(copied), "out.splatz", "--axes", "RDF"]
