"""The tests run against what a user installs, not against the source tree."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import splatzip

ROOT = Path(__file__).resolve().parents[1]


def is_editable() -> bool:
    """Whether a developer works on an editable install; scripts/test never makes one."""
    origin = json.loads(distribution("splatzip").read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def test_the_tests_import_the_installed_package() -> None:
    location = Path(str(splatzip.__file__)).resolve().parent
    if is_editable():
        assert location == ROOT / "splatzip"
    else:
        assert location == Path(str(distribution("splatzip").locate_file("splatzip"))).resolve()
        assert location != ROOT / "splatzip"


def test_a_child_process_started_elsewhere_imports_the_same_package(tmp_path: Path) -> None:
    code = "import splatzip; print(splatzip.__file__)"
    child = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert child.stdout.strip() == splatzip.__file__


def test_version_is_the_one_of_the_distribution() -> None:
    assert splatzip.__version__ == distribution("splatzip").version
