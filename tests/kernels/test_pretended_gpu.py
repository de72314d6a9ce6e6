"""The GPU that scripts/pretend_gpu runs the kernels on does what a GPU does, and ends where a GPU could not go on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not (shutil.which("g++") and sys.platform == "linux"), reason="the pretended GPU needs g++ and Linux"
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cases of pretended_gpu.cpp."""
    built = tmp_path_factory.mktemp("pretended") / "cases"
    sources = [ROOT / "cuda" / "pretended" / "runtime.cpp", Path(__file__).with_name("pretended_gpu.cpp")]
    folders = [f"-I{ROOT / folder}" for folder in ("cuda/pretended", "native/src")]
    flags = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-U_FORTIFY_SOURCE"]
    subprocess.run(["g++", *flags, *folders, *map(str, sources), "-o", str(built)], check=True)
    return built


def run(program: Path, case: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, case], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("case", ["kernels_and_sorts", "not_zero", "waits", "too_much"])
def test_it_does_what_a_gpu_does(program: Path, case: str) -> None:
    found = run(program, case)
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize("case", ["host_reads", "behind_the_end", "freed"])
def test_closed_memory_ends_the_program(program: Path, case: str) -> None:
    assert run(program, case).returncode == -signal.SIGSEGV


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("pointer_of_the_host", "a kernel's argument holds an address of the host"),
        ("uploaded_pointer", "what is uploaded holds an address of the host"),
        ("copy_the_wrong_way", "a copy takes the device's memory for the host's"),
        ("threads_apart", "threads of a warp wait for each other in different places"),
    ],
)
def test_what_no_gpu_could_do_ends_the_program(program: Path, case: str, why: str) -> None:
    found = run(program, case)
    assert (found.returncode, found.stderr) == (-signal.SIGABRT, f"pretended GPU: {why}\n")
