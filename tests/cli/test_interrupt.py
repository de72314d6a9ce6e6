"""Ctrl-C, SIGTERM and SIGHUP: the exit code says so, and nothing half-written is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("splatzip")

CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 143}


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("verb", ["compress", "convert"])
def test_interrupted_while_writing(run_patched, scene_ply, tmp_path, name, verb):
    target = "out.splatz" if verb == "compress" else "out.ply"
    # The last moment: the temporary file is complete, its rename is next.
    signal_itself = f"""
import os, signal
signal.signal(signal.{name}, signal.SIG_DFL)  # whatever these tests were started with
os.replace = lambda *a: os.kill(os.getpid(), signal.{name})
"""
    result = run_patched(signal_itself, verb, "scene.ply", target, *(["--preset=fast"] if verb == "compress" else []))
    assert (result.returncode, result.stdout, result.stderr) == (CODES[name], "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["scene.ply"]


def test_a_limit_on_cpu_time_ends_in_words(run_patched, scene_ply, tmp_path):
    out_of_time = "import os, signal; os.replace = lambda *a: os.kill(os.getpid(), signal.SIGXCPU)"
    result = run_patched(out_of_time, "convert", "scene.ply", "out.ply")
    assert result.stderr == "error: the limit on CPU time (ulimit -t) is reached\n"
    assert result.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["scene.ply"]


def test_a_second_signal_does_not_stop_the_tidying(run_patched, scene_ply, tmp_path):
    twice = """
import os, pathlib, signal
os.replace = lambda *a: os.kill(os.getpid(), signal.SIGINT)
unlink = pathlib.Path.unlink
def slow(path, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    unlink(path, **options)
pathlib.Path.unlink = slow
"""
    assert run_patched(twice, "convert", "scene.ply", "out.ply").returncode == 130
    assert [path.name for path in tmp_path.iterdir()] == ["scene.ply"]


def test_nohup_stays_in_force(run_patched, scene_ply, tmp_path):
    ignored = """
import os, signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
replace = os.replace
def hung_up(*names):
    os.kill(os.getpid(), signal.SIGHUP)
    replace(*names)
os.replace = hung_up
"""
    assert run_patched(ignored, "convert", "scene.ply", "out.ply").returncode == 0
    assert (tmp_path / "out.ply").exists()


def test_interrupted_run_keeps_the_old_target(run_patched, scene_ply, tmp_path):
    (tmp_path / "out.ply").write_text("precious")
    signal_itself = "import os, signal\nos.replace = lambda *a: os.kill(os.getpid(), signal.SIGINT)"
    assert run_patched(signal_itself, "convert", "scene.ply", "out.ply", "--force").returncode == 130
    assert (tmp_path / "out.ply").read_text() == "precious"


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)], ids=str)
def test_streams_that_are_closed_are_not_missed(scene_ply, tmp_path, closed):
    streams = " ".join(f"{number}>&-" for number in closed)
    command = f'"{COMMAND}" convert scene.ply out.ply {streams}'
    result = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "out.ply").read_bytes() == scene_ply.read_bytes()


@pytest.mark.parametrize("arguments", [("--help",), ("convert", "scene.ply", "out.ply", "--json")], ids=lambda a: a[0])
def test_a_pipe_that_nobody_reads_ends_the_run_quietly(run_patched, scene_ply, arguments):
    closed = "import os\nread, write = os.pipe(); os.close(read); os.dup2(write, 1)"
    result = run_patched(closed, *arguments)
    assert (result.returncode, result.stderr) == (1, "")
