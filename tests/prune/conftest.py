"""The chair sample, and cameras around it."""

from pathlib import Path

import pytest

from splatzip import Camera, Scene, Views, load

SAMPLE = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair"


@pytest.fixture(scope="session")
def chair() -> Scene:
    return load(SAMPLE / "point_cloud.ply")


@pytest.fixture(scope="session")
def cameras() -> list[Camera]:
    return [camera.scaled(0.5) for camera in Views.load(SAMPLE, split="test", photos=False).cameras]
