"""Fixtures that every test may use, and the rule for clones without real scenes or a browser."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from splatzip.kernels.device import cuda_versions, gpus

ROOT = Path(__file__).resolve().parents[1]
SCENES = Path(os.environ.get("SPLATZIP_SCENES") or ROOT.parent / "shared" / "data")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# What SPLATZIP_ISA may force on such a machine (native/src/isa.cpp); scalar code runs where it lacks one.
INSTRUCTION_SETS = ("scalar", "sse4", "avx2", "avx512")
if platform.machine() in ("aarch64", "arm64"):
    INSTRUCTION_SETS = ("scalar", "neon")

# Marks of tests that need what a user's clone may lack: whether it is there, how to get it. CI requires all but GPUs.
NEEDS = {
    "scenes": ((SCENES / "scenes").is_dir(), f"no real scenes at {SCENES}; set SPLATZIP_SCENES"),
    "browser": (CHROMIUM is not None, "no Chromium; apt-get install chromium"),
    "usd": (find_spec("pxr") is not None, "no usd-core; pip install '.[usd]'"),
    "cuda": (cuda_versions() is not None, "splatzip was built without nvcc"),
    "gpu": (bool(gpus()), "no GPU that CUDA can use"),
}
MISSING = [mark for mark, (is_there, _) in NEEDS.items() if not is_there]
DESELECTED = pytest.StashKey[dict[str, int]]()  # how many tests were deselected for want of what


@pytest.fixture(scope="session")
def scenes() -> Path:
    """The folder that holds `scenes/` with the real scenes."""
    return SCENES


@pytest.fixture(scope="session")
def instruction_sets() -> tuple[str, ...]:
    """The instruction sets that must agree, scalar code first; a test with an argument `isa` runs once for each."""
    return INSTRUCTION_SETS


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser that tests marked `browser` open pages in."""
    assert CHROMIUM is not None
    return CHROMIUM


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    """What starts browsers, once a process: a second one beside it is refused."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


def pytest_configure(config: pytest.Config) -> None:
    config.stash[DESELECTED] = {}
    lacking = [mark for mark in MISSING if mark != "gpu"]
    if lacking and os.environ.get("SPLATZIP_REQUIRE_SCENES"):
        raise pytest.UsageError(f"required but not here: {NEEDS[lacking[0]][1]}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "isa" in metafunc.fixturenames:
        metafunc.parametrize("isa", INSTRUCTION_SETS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for mark in MISSING:
        needing = [item for item in items if item.get_closest_marker(mark)]
        items[:] = [item for item in items if item not in needing]
        config.hook.pytest_deselected(items=needing)
        config.stash[DESELECTED][mark] = len(needing)
    if hasattr(config, "workeroutput"):  # a worker of pytest-xdist, whose own output nobody sees
        config.workeroutput["deselected"] = config.stash[DESELECTED]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker counted; every worker collects the same tests."""
    node.config.stash[DESELECTED] = getattr(node, "workeroutput", {}).get("deselected", {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for mark, count in config.stash[DESELECTED].items():
        if count:
            terminalreporter.write_line(f"{count} tests deselected: {NEEDS[mark][1]}")
