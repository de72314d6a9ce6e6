"""The shipped samples are the files that the manifest describes."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

DATASETS = Path(__file__).resolve().parents[1] / "datasets"
SAMPLES = tomllib.loads((DATASETS / "manifest.toml").read_text())["scene"]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["name"])
def test_manifest_names_every_file_of_a_sample_with_its_hash(sample: dict[str, Any]) -> None:
    folder = DATASETS / sample["folder"]
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == sample["sha256"]
    assert sample["licence"]
    assert sample["source"]


def test_no_sample_is_missing_from_the_manifest() -> None:
    on_disk = {path.name for path in (DATASETS / "samples").iterdir()}
    assert on_disk == {sample["name"] for sample in SAMPLES}


def test_chair_has_the_pictures_of_its_test_views_and_no_others() -> None:
    chair = DATASETS / "samples" / "chair"
    test_views = json.loads((chair / "split.json").read_text())["test"]
    cameras = {Path(frame["file_path"]).name for frame in json.loads((chair / "transforms.json").read_text())["frames"]}
    assert {path.name for path in (chair / "images").iterdir()} == set(test_views)
    assert set(test_views) <= cameras
