"""Threads: how many, and what happens when one of them fails or cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: threads are counted in /proc")


def test_an_exception_waits_for_all_threads_and_missing_threads_are_done_without(tmp_path):
    program = tmp_path / "parallel_for"
    native = ROOT / "native" / "src"
    sources = [Path(__file__).with_name("parallel_for.cpp"), native / "parallel.cpp", native / "cpu_quota.cpp"]
    compiler = os.environ.get("CXX", "g++")
    options = ["-std=c++20", "-O1", "-pthread", f"-I{native}"]
    subprocess.run([compiler, *options, *sources, "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_core_means_those_that_this_process_may_use():
    chair = ROOT / "datasets" / "samples" / "chair" / "point_cloud.ply"
    code = f"""
import os, splatzip
scene = splatzip.load({str(chair)!r})
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
before = len(os.listdir("/proc/self/task"))
splatzip.decompress(splatzip.compress(scene, preset="fast"))
print(len(os.listdir("/proc/self/task")) - before)
"""
    child = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert int(child.stdout) == 0
