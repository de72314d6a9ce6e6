"""A small scene, opened twice, and sessions that hold it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import splatzip
from splatzip import Scene
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.sessions import Session, Sessions

CHAIR = Path(__file__).resolve().parents[2] / "datasets/samples/chair/point_cloud.ply"


def some_scene(splats: int = 400, seed: int = 3) -> Scene:
    rng = np.random.default_rng(seed)
    return Scene(
        positions=rng.normal(0, 1, (splats, 3)),
        log_scales=rng.normal(-2.5, 0.4, (splats, 3)),
        rotations=rng.normal(0, 1, (splats, 4)),
        opacity_logits=rng.normal(1, 2, splats),
        sh=rng.normal(0, 0.4, (splats, 4, 3)),
    )


@pytest.fixture
def ply(tmp_path: Path) -> Path:
    path = tmp_path / "given.ply"
    splatzip.save(some_scene(), path)
    return path


@pytest.fixture
def coarse(tmp_path: Path) -> Path:
    """The same scene, coarsely compressed."""
    path = tmp_path / "coarse.splatz"
    path.write_bytes(splatzip.compress(some_scene(), preset="fast", quality=32))
    return path


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "sessions", most=3)


@pytest.fixture
def session(sessions: Sessions, ply: Path, coarse: Path) -> Session:
    """A page that compares the two."""
    made = sessions.of_page("one")
    made.open_ref(OpenScene.load(ply))
    made.open_test(OpenScene.load(coarse))
    return made
