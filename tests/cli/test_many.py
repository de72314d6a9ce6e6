"""compress IN... --to DIR: resumable, and one failure does not stop the rest."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def three(scene_ply, tmp_path):
    """a.ply, b.ply and c.ply."""
    for name in "abc":
        shutil.copy(scene_ply, tmp_path / f"{name}.ply")
    return tmp_path


def test_every_scene_gets_a_line_and_a_file(run, three):
    result = run("compress", "--preset=fast", "a.ply", "b.ply", "c.ply", "--to", "out", "--jobs", "2")
    assert (result.returncode, result.stderr) == (0, "")
    *lines, last = result.stdout.splitlines()
    assert sorted(line.split()[0] for line in lines) == [f"out/{name}.splatz" for name in "abc"]
    assert last == "out: 3 compressed"
    assert sorted(path.name for path in (three / "out").iterdir()) == ["a.splatz", "b.splatz", "c.splatz"]
    size = (three / "out" / "a.splatz").stat().st_size
    assert f"out/a.splatz  {size:,} bytes  ratio " in result.stdout


def test_a_file_is_no_folder_to_write_into(run, three):
    result = run("compress", "--preset=fast", "a.ply", "--to", "b.ply", "--force")
    assert result.returncode == 2
    assert "--to b.ply: this is a file; name a folder" in result.stderr


@pytest.mark.parametrize("options", [("--preset", "near-lossless"), ("--quality", "40", "--verify")])
def test_a_scene_compressed_among_many_has_the_same_bytes(run, three, options):
    run("compress", "--preset=fast", "a.ply", "--to", "out", *options)
    run("compress", "--preset=fast", "a.ply", "alone.splatz", *options)
    assert (three / "out" / "a.splatz").read_bytes() == (three / "alone.splatz").read_bytes()


def test_a_folder_named_by_a_dot_has_its_own_name(run, tmp_path):
    shutil.copytree(Path(__file__).parents[1] / "fixtures" / "sog" / "v2_folder", tmp_path, dirs_exist_ok=True)
    result = run("compress", ".", "--to", "out")
    assert (result.returncode, result.stderr) == (0, "")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{tmp_path.name}.splatz"]


def test_repeating_a_run_does_only_what_is_missing(run, three):
    (three / "out").mkdir()
    (three / "out" / "a.splatz").write_text("precious")
    result = run("compress", "--preset=fast", "a.ply", "b.ply", "--to", "out")
    assert result.returncode == 0
    assert result.stdout.splitlines()[-1] == "out: 1 compressed, 1 kept"
    assert (three / "out" / "a.splatz").read_text() == "precious"
    assert (three / "out" / "b.splatz").exists()


def test_a_scene_that_changed_since_is_counted(run, three):
    arguments = ("compress", "--preset=fast", "a.ply", "b.ply", "--to", "out")
    run(*arguments)
    later = (three / "out" / "a.splatz").stat().st_mtime + 10
    os.utime(three / "a.ply", (later, later))
    assert run(*arguments).stdout == "out: 2 kept (1 older than the scene)\n"
    assert [scene.get("older") for scene in json.loads(run(*arguments, "--json").stdout)] == [True, None]


def test_force_does_everything_again(run, three):
    (three / "out").mkdir()
    (three / "out" / "a.splatz").write_text("precious")
    result = run("compress", "--preset=fast", "a.ply", "--to", "out", "--force")
    assert "kept" not in result.stdout
    assert (three / "out" / "a.splatz").read_bytes() != b"precious"


def test_one_failure_does_not_stop_the_rest(run, three, broken_ply):
    result = run("compress", "--preset=fast", "a.ply", "broken.ply", "missing.ply", "b.ply", "--to", "out")
    assert result.returncode == 2
    assert result.stdout.splitlines()[-1] == "out: 2 compressed, 2 failed"
    errors = sorted(result.stderr.splitlines())
    assert len(errors) == 2
    assert "row 2" in errors[0]
    assert errors[1] == "error: missing.ply: No such file or directory"
    assert sorted(path.name for path in (three / "out").iterdir()) == ["a.splatz", "b.splatz"]


def test_a_crash_of_one_process_does_not_stop_the_rest(run_patched, three):
    crash = """
import subprocess
popen = subprocess.Popen
def crashing(command, **options):
    if "b.ply" in command:
        command[2] = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    return popen(command, **options)
subprocess.Popen = crashing
"""
    result = run_patched(crash, "compress", "--preset=fast", "a.ply", "b.ply", "c.ply", "--to", "out")
    assert (result.returncode, result.stderr) == (2, "error: b.ply: its process ended with SIGSEGV\n")
    assert sorted(path.name for path in (three / "out").iterdir()) == ["a.splatz", "c.splatz"]


def test_a_process_that_was_killed_is_said_to_lack_memory(run_patched, three):
    kill = """
import subprocess
popen = subprocess.Popen
def killed(command, **options):
    command[2] = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    return popen(command, **options)
subprocess.Popen = killed
"""
    result = run_patched(kill, "compress", "--preset=fast", "a.ply", "--to", "out")
    reason = "SIGKILL, as when the machine has too little memory: fewer --jobs need less"
    assert (result.returncode, result.stderr) == (2, f"error: a.ply: its process ended with {reason}\n")


def test_a_bug_in_one_process_is_one_line_and_does_not_stop_the_rest(run_patched, three):
    bug = """
import subprocess
popen = subprocess.Popen
def failing(command, **options):
    if "b.ply" in command:
        command[2] = "1 / 0"
    return popen(command, **options)
subprocess.Popen = failing
"""
    result = run_patched(bug, "compress", "--preset=fast", "b.ply", "c.ply", "--to", "out")
    reason = "its process ended with exit code 1: ZeroDivisionError: division by zero"
    assert (result.returncode, result.stderr) == (2, f"error: b.ply: {reason}\n")
    assert [path.name for path in (three / "out").iterdir()] == ["c.splatz"]


def test_lines_stay_whole_beside_a_progress_bar_and_go_where_they_are_sent(run_in_terminal, three):
    (three / ("long" * 30)).mkdir()
    (three / ("long" * 30) / "empty.ply").touch()
    code, drawn = run_in_terminal("compress", "--preset=fast", "a.ply", f"{'long' * 30}/empty.ply", "--to", "out")
    assert code == 2
    assert "2 of 2" in drawn
    assert f"error: {'long' * 30}/empty.ply: the file is empty\r\n" in drawn
    assert "out/a.splatz" not in drawn
    line, last = (three / "stdout.txt").read_text().splitlines()
    assert line.startswith("out/a.splatz  ")
    assert last == "out: 1 compressed, 1 failed"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--preset=fast", "--size=1MB"), "fast cannot aim for a size or a loss; choose balanced"),
        (("--size=1MB", "--quality=40"), "a size, a quality and a loss cannot be met at once; keep one"),
        (("--preset=lossless", "--quality=40"), "lossless takes no quality; drop --quality or choose fast"),
        (("--recipe=omg", "--verify"), "a recipe takes no option but --views: drop preset, target, verify, degree, "
                                       "share and coding"),
        (("--max-loss=0.3",), "a loss is measured on photos; add --views"),
        (("--view-weight=2",), "a view weight needs views; add --views"),
        (("--prune=1.5",), "1.5 of the splats cannot be removed; give a share from 0 to less than 1"),
        (("--views=nowhere",), "nowhere: no such file or folder"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_no_scene_can_have_is_one_error_before_anything_starts(run, three, options, says):
    result = run("compress", *options, "a.ply", "b.ply", "c.ply", "--to", "out")
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"error: {says}\n")
    assert not (three / "out").exists()


def test_what_some_scenes_can_have_is_refused_to_the_others_alone_by_name(run, three):
    for name in "pq":
        assert run("convert", "a.ply", f"{name}.spz").returncode == 0
    result = run("compress", "--drop-unseen", "p.spz", "q.spz", "--to", "out")  # of floats the default renders
    says = "lossless keeps every splat; drop --drop-unseen or choose balanced"
    assert result.returncode == 2
    assert sorted(result.stderr.splitlines()) == [f"error: {name}.spz: {says}" for name in "pq"]


def test_json_has_one_entry_a_scene_in_order(run, three, broken_ply):
    run("compress", "--preset=fast", "c.ply", "--to", "out")
    result = run(
        "compress", "--preset=fast", "a.ply", "broken.ply", "c.ply", "--to", "out", "--json", "--report", "report.json"
    )
    summaries = json.loads(result.stdout)
    assert [summary["input"] for summary in summaries] == ["a.ply", "broken.ply", "c.ply"]
    assert summaries[0]["output_bytes"] == (three / "out" / "a.splatz").stat().st_size
    assert "row 2" in summaries[1]["error"]
    assert (summaries[2]["existed"], summaries[2]["output_bytes"]) == (True, summaries[0]["output_bytes"])
    assert json.loads((three / "report.json").read_text()) == summaries


def test_scenes_without_further_options_are_read_without_typer(run_patched, three):
    shown = """
import subprocess
from splatzip.cli.plain import plain_command
popen = subprocess.Popen
def show(command, **options):
    print("plain" if plain_command(command[4:]) else command[4:], flush=True)
    return popen(command, **options)
subprocess.Popen = show
"""
    shutil.copy(three / "a.ply", three / "-d.ply")
    arguments = ("compress", "--preset=fast", "--to", "out", "--jobs", "2", "--", "a.ply")
    assert run_patched(shown, *arguments).stdout.splitlines()[0] == "plain"
    dashed = run_patched(shown, *arguments[:3], ".", *arguments[4:-1], "-d.ply")
    assert (dashed.returncode, dashed.stderr) == (0, "")
    assert (three / "-d.splatz").exists()


def test_what_another_run_wrote_meanwhile_is_kept(run_patched, three):
    meanwhile = """
import pathlib, threading
from splatzip.cli import batch
said = threading.Event()
say = batch._say
def other_run(summary, **options):
    pathlib.Path("out/b.splatz").write_text("precious")
    say(summary, **options)
    said.set()
batch._say = other_run
compress = batch._Children.compress
def slowly(children, source, target, settings):
    if source.name == "c.ply":
        said.wait()  # the other run writes while it is this one's turn
    return compress(children, source, target, settings)
batch._Children.compress = slowly
"""
    result = run_patched(meanwhile, "compress", "--preset=fast", "a.ply", "c.ply", "b.ply", "--to", "out")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "out: 2 compressed, 1 kept"
    assert (three / "out" / "b.splatz").read_text() == "precious"


def test_what_the_system_refuses_to_one_scene_does_not_stop_the_rest(run_patched, three):
    refusal = """
import errno, os, subprocess
popen = subprocess.Popen
def refused(command, **options):
    if "b.ply" in command:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return popen(command, **options)
subprocess.Popen = refused
"""
    long = f"{'x' * 250}.ply"  # a .splatz of that name has no room
    shutil.copy(three / "a.ply", three / long)
    result = run_patched(refusal, "compress", "--preset=fast", long, "b.ply", "c.ply", "--to", "out")
    assert result.returncode == 2
    assert sorted(result.stderr.splitlines()) == [
        "error: b.ply: Too many open files",
        f"error: out/{'x' * 250}.splatz: File name too long",
    ]
    assert [path.name for path in (three / "out").iterdir()] == ["c.splatz"]


def test_a_message_in_another_encoding_is_shown(run_patched, three):
    latin = "import os; os.environ['PYTHONIOENCODING'] = 'latin-1'"
    (three / "é.ply").write_bytes((three / "a.ply").read_bytes()[:1000])
    result = run_patched(latin, "compress", "--preset=fast", "é.ply", "c.ply", "--to", "out")
    assert result.returncode == 2
    assert result.stderr.startswith("error: é.ply: element 'vertex'")
    assert [path.name for path in (three / "out").iterdir()] == ["c.splatz"]


def test_jobs_share_the_cores_that_they_may_use(run_patched, three):
    counted = """
import subprocess, splatzip
splatzip.core_count = lambda: 6
popen = subprocess.Popen
def shown(command, **options):
    print([option for option in command if option.startswith("--threads")], flush=True)
    return popen(command, **options)
subprocess.Popen = shown
"""
    result = run_patched(counted, "compress", "--preset=fast", "a.ply", "b.ply", "--to", "out", "--jobs", "6")
    assert result.stdout.splitlines().count("['--threads=3']") == 2


def test_what_is_left_of_a_run_gets_all_cores(run_patched, three):
    counted = """
import subprocess, splatzip
splatzip.core_count = lambda: 6
popen = subprocess.Popen
def shown(command, **options):
    print([option for option in command if option.startswith("--threads")], flush=True)
    return popen(command, **options)
subprocess.Popen = shown
"""
    arguments = ("compress", "--preset=fast", "a.ply", "b.ply", "c.ply", "--to", "out", "--jobs", "3")
    run_patched(counted, *arguments)
    (three / "out" / "b.splatz").unlink()
    assert "['--threads=6']" in run_patched(counted, *arguments).stdout.splitlines()


def test_the_report_may_be_written_into_the_new_folder(run, three):
    result = run("compress", "--preset=fast", "a.ply", "--to", "out", "--report", "out/report.json")
    assert (result.returncode, result.stderr) == (0, "")
    assert [scene["input"] for scene in json.loads((three / "out" / "report.json").read_text())] == ["a.ply"]
    again = run("compress", "a.ply", "--to", "out", "--report", "out/report.json").stderr
    assert (
        again == "error: out/report.json: already exists; name another file, or remove it\n"
    )  # --force does all again


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
def test_children_of_a_killed_run_end_and_write_nothing(start, three):
    def here() -> set[str]:
        found = set()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if process.joinpath("cwd").resolve() == three and process.joinpath("cmdline").read_bytes():
                    found.add(process.name)
        return found

    def waited(until: Callable[[], bool]) -> bool:
        end = time.monotonic() + 60
        while not until() and time.monotonic() < end:
            time.sleep(0.1)
        return until()

    parent = start("compress", "a.ply", "b.ply", "--to", "out", "--jobs", "2")
    assert waited(lambda: len(here()) == 3)
    parent.kill()
    parent.communicate()
    assert waited(lambda: not here())
    assert not list((three / "out").iterdir())


def test_interrupted_run_ends_its_children(run_patched, three):
    interrupt = """
import os, signal
from splatzip.cli import batch
def interrupted(*_, **__):
    os.kill(os.getpid(), signal.SIGINT)
batch._say = interrupted
"""
    result = run_patched(interrupt, "compress", "--preset=fast", "a.ply", "b.ply", "c.ply", "--to", "out")
    assert (result.returncode, result.stdout) == (130, "")
    assert result.stderr == "out: 1 compressed, 2 left; repeat the command to do the rest\n"
    assert not list((three / "out").glob(".*"))
