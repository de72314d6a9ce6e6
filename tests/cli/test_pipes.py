"""Pipes, devices and links as files to read and to write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from splatzip import load, save

COMMAND = Path(sys.executable).with_name("splatzip")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")


@pytest.fixture
def splatz(run, scene_ply, tmp_path):
    """`scene.splatz`."""
    assert run("compress", "--preset=fast", "scene.ply", "scene.splatz").returncode == 0
    return tmp_path / "scene.splatz"


def bash(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line with `splatzip` in it, in a shell that knows <(...)."""
    command = ["bash", "-c", line.replace("splatzip", f"'{COMMAND}'")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_a_splatz_may_come_through_a_pipe(splatz, tmp_path):
    info = bash("splatzip info <(cat scene.splatz) --json", tmp_path)
    assert (info.returncode, info.stderr) == (0, "")
    assert json.loads(info.stdout)["bytes"] == splatz.stat().st_size
    verify = bash("splatzip verify <(cat scene.splatz)", tmp_path)
    assert (verify.returncode, verify.stderr) == (0, "")
    assert f"intact, {splatz.stat().st_size:,} bytes" in verify.stdout
    decoded = bash("splatzip decompress <(cat scene.splatz) out.ply --json", tmp_path)
    assert (decoded.returncode, decoded.stderr) == (0, "")
    assert json.loads(decoded.stdout)["input_bytes"] == splatz.stat().st_size
    assert len(load(tmp_path / "out.ply")) == 500


@pytest.mark.parametrize(
    ("written", "says"),
    [("cat scene.ply", "not a .splatz file"), ("true", ""), ("head -c 3000 scene.splatz", "")],
    ids=["a PLY", "nothing", "a part"],
)
@pytest.mark.parametrize("verb", ["info", "verify", "decompress"])
def test_what_came_through_a_pipe_is_refused_in_a_line(splatz, tmp_path, verb, written, says):
    result = bash(f"splatzip {verb} <({written}) {'out.ply' if verb == 'decompress' else ''}", tmp_path)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("error: /dev/fd/")
    assert says in result.stderr


def test_a_pipe_that_nobody_writes_to_is_waited_for_with_a_word(start, splatz, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with start("verify", "pipe") as waiting:
        assert waiting.stderr.readline() == "warning: pipe: a pipe; waiting for what is written into it\n"
        writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(splatz.read_bytes(),))
        writer.start()
        out, errors = waiting.communicate(timeout=60)
        writer.join()
    assert (waiting.returncode, errors) == (0, "")
    assert out.startswith("pipe: intact")


@pytest.mark.parametrize("verb", ["info", "verify", "decompress"])
def test_a_device_is_refused(run, tmp_path, verb):
    result = run(verb, "/dev/zero", *(["out.ply"] if verb == "decompress" else []))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: /dev/zero: a device; save it to a file and name that\n"


WRITING = [
    ("compress", "--preset=fast", "scene.ply", "out.splatz"),
    ("convert", "scene.ply", "out.ply"),
    ("export-html", "scene.ply", "out.html"),
    ("render", "scene.ply", "out.png"),
]


@pytest.mark.parametrize("command", WRITING, ids=lambda command: command[0])
def test_force_writes_what_a_link_names_and_keeps_the_link(run, scene_ply, tmp_path, command):
    (tmp_path / "disk").mkdir()
    link, file = tmp_path / command[-1], tmp_path / "disk" / "old"
    link.symlink_to(file)
    assert run(*command).returncode == 0  # it leads nowhere yet: there is nothing to be forced
    file.write_text("old")
    assert run(*command).returncode == 2
    assert file.read_text() == "old"
    result = run(*command, "--force")
    assert (result.returncode, result.stderr) == (0, "")
    assert link.is_symlink()
    assert file.stat().st_size > 1000
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["old"]


@pytest.mark.parametrize("command", WRITING, ids=lambda command: command[0])
def test_a_pipe_is_not_replaced_even_by_force(run, scene_ply, tmp_path, command):
    os.mkfifo(tmp_path / command[-1])
    for force in ((), ("--force",)):
        result = run(*command, *force)
        assert result.returncode == 2
        assert result.stderr == f"error: {command[-1]}: a pipe or a device, which is not replaced; name a file\n"
    assert (tmp_path / command[-1]).is_fifo()


def test_a_report_replaces_no_pipe(run, scene_ply, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    result = run("compress", "--preset=fast", "scene.ply", "out.splatz", "--report", "pipe", "--force")
    assert (result.returncode, (tmp_path / "pipe").is_fifo()) == (2, True)
    assert result.stderr == "error: pipe: a pipe or a device, which is not replaced; name a file\n"
    assert not (tmp_path / "out.splatz").exists()


def test_save_follows_a_link_and_replaces_no_pipe(scene_ply, tmp_path):
    (tmp_path / "link.ply").symlink_to(tmp_path / "there.ply")
    save(load(scene_ply), tmp_path / "link.ply")
    assert (tmp_path / "there.ply").read_bytes() == scene_ply.read_bytes()
    os.mkfifo(tmp_path / "pipe.ply")
    with pytest.raises(FileExistsError, match="a pipe or a device"):
        save(load(scene_ply), tmp_path / "pipe.ply")
