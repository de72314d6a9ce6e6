"""Fixtures that every test may use, and the rule for clones without the real scenes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCENES = Path(os.environ.get("SPLATZIP_SCENES") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def scenes() -> Path:
    """The folder that holds `scenes/` with the real scenes."""
    return SCENES


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (SCENES / "scenes").is_dir():
        return
    if os.environ.get("SPLATZIP_REQUIRE_SCENES"):
        raise pytest.UsageError(f"the real scenes are required but {SCENES / 'scenes'} does not exist")
    needing = [item for item in items if item.get_closest_marker("scenes")]
    if needing:
        items[:] = [item for item in items if item not in needing]
        config.hook.pytest_deselected(items=needing)
        print(f"{len(needing)} tests deselected: no real scenes at {SCENES}; set SPLATZIP_SCENES")
