"""Long work runs in a child, says how far it is, and ends when nobody wants it any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue

import pytest

import splatzip
from splatzip import SplatzipError
from splatzip_viewer import jobs
from splatzip_viewer.jobs import Cancelled, Job

from .conftest import CHAIR


def compress_job(source, target, **options):
    return Job("compress", source=str(source), target=str(target), options=options)


def is_running(pid: int) -> bool:
    """Whether a process is there, and not only its name until somebody asks how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_job_says_how_far_it_is_and_what_came_of_it(ply, tmp_path):
    steps = list(compress_job(ply, tmp_path / "out.splatz", preset="fast").steps())
    assert [step.share for step in steps] == sorted(step.share for step in steps)
    assert steps[-1].result == {"bytes": (tmp_path / "out.splatz").stat().st_size}
    assert (tmp_path / "out.splatz").read_bytes() == splatzip.compress(ply, preset="fast")


def test_the_librarys_own_error_comes_back(ply, tmp_path):
    with pytest.raises(SplatzipError, match="fast cannot aim for a size or a loss; choose balanced"):
        list(compress_job(ply, tmp_path / "out.splatz", preset="fast", size=1000).steps())
    with pytest.raises(SplatzipError, match="No such file"):
        list(compress_job(tmp_path / "none.ply", tmp_path / "out.splatz", preset="fast").steps())


def test_progress_that_comes_too_fast_to_be_read_is_left_out_but_no_result():
    said = SimpleQueue()
    for number in range(1000):
        said.put({"share": number / 1000, "words": f"step {number}"})
        if number % 250 == 0:
            said.put({"share": number / 1000, "words": "a point", "part": number})
    steps = jobs._paced(said)
    assert [next(steps).part for _ in range(4)] == [0, 250, 500, 750]
    assert next(steps).words == "step 999"
    said.put({"share": 1.0, "words": "done", "result": {}})
    said.put(None)
    assert [step.words for step in steps] == ["done"]


def test_what_a_child_says_names_no_folder_of_this_machine(tmp_path):
    with pytest.raises(SplatzipError) as caught:
        list(Job("site", source=str(tmp_path / "none.ply"), folder=str(tmp_path / "gone" / "site")).steps())
    assert str(caught.value) == "site: No such file or directory"


def test_cancelling_ends_the_child_at_once(tmp_path):
    job = compress_job(CHAIR, tmp_path / "out.splatz", preset="balanced")
    steps = job.steps()
    next(steps)
    child = job._child
    assert child is not None
    child.send_signal(signal.SIGSTOP)  # it is not done before that, however late the timer is
    threading.Timer(0.2, job.cancel).start()
    with pytest.raises(Cancelled):
        for _ in steps:
            pass
    assert child.poll() is not None
    assert not (tmp_path / "out.splatz").exists()


def test_a_listener_that_leaves_ends_the_child(tmp_path):
    job = compress_job(CHAIR, tmp_path / "out.splatz", preset="balanced")
    steps = job.steps()
    next(steps)
    steps.close()
    assert job._child is not None
    assert job._child.poll() is not None


def test_a_child_ends_with_the_server_however_that_ends(tmp_path):
    code = (
        "import sys; from splatzip_viewer.jobs import Job\n"
        "job = Job('compress', source=sys.argv[1], target=sys.argv[2], options={'preset': 'balanced'})\n"
        "for step in job.steps(): print(job._child.pid, flush=True)"
    )
    command = [sys.executable, "-I", "-c", code, str(CHAIR), str(tmp_path / "out.splatz")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        child = int(server.stdout.readline())
        assert is_running(child)
        server.kill()
    deadline = time.monotonic() + 60
    while is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_child_that_is_killed_is_an_error_in_words(tmp_path):
    job = compress_job(CHAIR, tmp_path / "out.splatz", preset="balanced")
    steps = job.steps()
    next(steps)
    assert job._child is not None
    os.kill(job._child.pid, signal.SIGKILL)
    with pytest.raises(SplatzipError, match="signal 9; was there enough memory"):
        for _ in steps:
            pass


def test_no_more_run_at_a_time_than_may(ply, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "_running", threading.Semaphore(1))
    first = compress_job(CHAIR, tmp_path / "a.splatz", preset="balanced").steps()
    next(first)
    second = compress_job(ply, tmp_path / "b.splatz", preset="fast").steps()
    assert "waiting" in next(second).words
    first.close()
    deadline = time.monotonic() + 60
    assert [step for step in second if time.monotonic() < deadline][-1].words == "done"


def test_points_of_a_curve_come_one_by_one_and_leave_no_files(ply, tmp_path):
    rungs = [{"label": f"{db} dB", "preset": "fast", "quality": db} for db in (32, 80, 45)]  # nothing reaches 80
    job = Job("curve", source=str(ply), views=None, rungs=rungs, folder=str(tmp_path))
    parts = [step.part for step in job.steps() if step.part]
    assert [part["label"] for part in parts] == ["32 dB", "45 dB"]
    assert parts[0]["bytes"] < parts[1]["bytes"]
    assert parts[0]["psnr"] < parts[1]["psnr"]
    assert list(tmp_path.glob("curve-*")) == []


def test_views_are_measured_as_compare_does(ply, coarse):
    *_, last = Job("compare", ref=str(ply), test=str(coarse), views=None).steps()
    (found,) = splatzip.compare(ply, coarse)
    assert last.result["psnr"] == pytest.approx(found.psnr)
    assert len(last.result["views"]) == 12
    assert last.result["seen_from"] == "12 orbit views"
