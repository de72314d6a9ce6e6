"""The tests run against what a user installs, not against the source tree."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

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


def test_a_source_distribution_holds_what_a_wheel_is_built_from_and_little_else(tmp_path: Path) -> None:
    pytest.importorskip("scikit_build_core", reason="an installed wheel does not need it")
    code = "import sys; from scikit_build_core.build import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, check=True)
    (path,) = tmp_path.iterdir()
    with tarfile.open(path) as archive:
        members = [member for member in archive if member.isfile()]
    found = {Path(*Path(member.name).parts[1:]).as_posix() for member in members}
    assert {"CMakeLists.txt", "LICENSE", "README.md", "pyproject.toml", "splatzip/web/viewer.js"} <= found
    folders = {Path(name).parts[0] for name in found}
    assert {"cuda", "native", "splatzip", "viewer"} <= folders
    assert not {".ci", "benchmarks", "datasets", "docs", "scripts", "tests"} & folders
    assert sum(member.size for member in members) < 10 * 2**20
