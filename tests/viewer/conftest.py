"""A small scene, opened twice, and sessions that hold it; a server that shows a small chair, and a page of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from viewer_server import Server, serving

import splatzip
from splatzip import Scene, Views
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.sessions import Session, Sessions

from .looking import go

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


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 2,000 splats of the sample chair that cover most, beside a capture: small pictures of the whole chair."""
    chair = splatzip.load(CHAIR)
    cover = chair.log_scales.sum(axis=1) - np.logaddexp(0, -chair.opacity_logits)
    path = tmp_path_factory.mktemp("scenes") / "small.ply"
    splatzip.save(chair.take(np.sort(np.argsort(-cover, kind="stable")[:2000])), path)
    parts = json.loads(CHAIR.with_name("split.json").read_text())
    split = {"train": parts["train"][:16], "test": parts["test"][:2]}
    document = json.loads(CHAIR.with_name("transforms.json").read_text())
    names = {*split["train"], *split["test"]}
    document["frames"] = [shrunk(one, 160) for one in document["frames"] if Path(one["file_path"]).name in names]
    path.with_name("split.json").write_text(json.dumps(split))
    path.with_name("transforms.json").write_text(json.dumps(document))
    path.with_name("images").mkdir()
    for camera in Views.load(path.parent, split="all", photos=False).cameras:
        color = np.clip(splatzip.render(chair, camera).color, 0, 1)
        Image.fromarray((255 * color + 0.5).astype(np.uint8)).save(path.parent / "images" / camera.name, quality=95)
    return path


def shrunk(frame: dict[str, Any], width: int) -> dict[str, Any]:
    """A frame of a transforms.json with fewer pixels."""
    scale = width / frame["w"]
    focal = {name: scale * frame[name] for name in ("fl_x", "fl_y", "cx", "cy")}
    return {**frame, **focal, "w": width, "h": round(scale * frame["h"])}


@pytest.fixture(scope="module")
def server(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Showing the small scene."""
    with serving(tmp_path_factory.mktemp("temporary"), small) as started:
        yield started


@pytest.fixture
def address(server: Server) -> str:
    return server.address


@pytest.fixture(scope="module")
def chromium(playwright: Any, chromium_path: str) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture
def tab(chromium: Any, address: str) -> Iterator[Any]:
    """A visitor's own page, with its scene in view; asks no other host, and nothing complains."""
    page = chromium.new_context(viewport={"width": 1200, "height": 800}).new_page()
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2] if "://" in request.url else ""))
    go(page, address)
    yield page
    complaints += page.locator(".toast-body").all_inner_texts()
    page.context.close()
    assert complaints == []
    assert hosts - {""} == {address.split("/")[2]}
