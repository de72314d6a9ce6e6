"""Fixtures that every test may use, and the rule for clones without the real scenes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCENES = Path(os.environ.get("SPLATZIP_SCENES") or ROOT.parent / "shared" / "data")

SCENELESS = pytest.StashKey[int]()  # how many tests were deselected for want of the real scenes


@pytest.fixture(scope="session")
def scenes() -> Path:
    """The folder that holds `scenes/` with the real scenes."""
    return SCENES


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("SPLATZIP_REQUIRE_SCENES") and not (SCENES / "scenes").is_dir():
        raise pytest.UsageError(f"the real scenes are required but {SCENES / 'scenes'} does not exist")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (SCENES / "scenes").is_dir():
        return
    needing = [item for item in items if item.get_closest_marker("scenes")]
    if needing:
        items[:] = [item for item in items if item not in needing]
        config.hook.pytest_deselected(items=needing)
    config.stash[SCENELESS] = len(needing)
    if hasattr(config, "workeroutput"):  # a worker of pytest-xdist, whose own output nobody sees
        config.workeroutput["sceneless"] = len(needing)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker counted; every worker collects the same tests."""
    node.config.stash[SCENELESS] = getattr(node, "workeroutput", {}).get("sceneless", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if count := config.stash.get(SCENELESS, 0):
        terminalreporter.write_line(f"{count} tests deselected: no real scenes at {SCENES}; set SPLATZIP_SCENES")
