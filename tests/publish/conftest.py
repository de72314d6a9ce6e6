"""A folder of scenes beside things that nobody may see, and a server for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import splatzip
from splatzip import Scene, SceneMeta

PAGE = """<!doctype html>
<html lang="en">
<head>
<title>splatzip</title>
</head>
<body>
<script type="application/json" id="splatzip-settings">{}</script>
<div id="splatzip-waits">
<p>Why viewer.js did not start.</p>
</div>
<script type="module" src="./viewer.js"></script>
</body>
</html>
"""


@pytest.fixture(autouse=True)
def client(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the web client: what is done with its files is tested here, what they do in tests/web."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "index.html").write_text(PAGE)
    (folder / "viewer.js").write_text('const end = "</script><!--"; console.log("viewer")')
    (folder / "worker.js").write_text('console.log("worker")')
    (folder / "decoder.wasm").write_bytes(b"\0asm")
    monkeypatch.setattr("splatzip.publish.bundle.FOLDER", folder)
    return folder


@pytest.fixture(scope="session")
def scene() -> Scene:
    rng = np.random.default_rng(5)
    return Scene(
        positions=rng.normal(0, 1, (900, 3)),
        log_scales=rng.normal(-4, 1, (900, 3)),
        rotations=rng.normal(0, 1, (900, 4)),
        opacity_logits=rng.normal(0, 2, 900),
        sh=rng.normal(0, 0.3, (900, 4, 3)),
        meta=SceneMeta(title="Nine <hundred>"),
    )


@pytest.fixture(scope="session")
def splatz(scene: Scene) -> bytes:
    return splatzip.compress(scene, preset="fast")


@pytest.fixture
def shelf(tmp_path: Path, splatz: bytes, scene: Scene) -> Path:
    """The folder that is served; `secret.splatz` lies above it."""
    folder = tmp_path / "served"
    (folder / "more of it").mkdir(parents=True)
    (folder / "one.splatz").write_bytes(splatz)
    (folder / "more of it" / "två & three.splatz").write_bytes(splatz)
    (folder / "bad.splatz").write_bytes(splatz[:100])
    (folder / ".hidden.splatz").write_bytes(splatz)
    (folder / "notes.txt").write_text("private")
    splatzip.save(scene, folder / "later.ply")
    (tmp_path / "secret.splatz").write_bytes(splatz)
    (folder / "way-out.splatz").symlink_to(tmp_path / "secret.splatz")
    (folder / "way-up").symlink_to(tmp_path, target_is_directory=True)
    (folder / "alias.splatz").symlink_to(folder / "one.splatz")
    return folder


@pytest.fixture
def served() -> Callable[..., object]:
    """Serve a path for the time of a block; yields the address."""
    return _served


@contextmanager
def _served(path: Path) -> Iterator[str]:
    """In this process: uvicorn leaves signals alone in a thread that is not the main one."""
    import uvicorn

    servers: list[uvicorn.Server] = []
    addresses: list[str] = []
    is_ready, is_running = threading.Event(), threading.Event()
    run = uvicorn.Server.run

    def remember(server: uvicorn.Server, sockets: object = None) -> None:
        servers.append(server)
        is_running.set()
        run(server, sockets=sockets)  # type: ignore[arg-type]

    def ready(address: str) -> None:
        addresses.append(address)
        is_ready.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.Server, "run", remember)
        thread = threading.Thread(target=splatzip.serve, args=[path], kwargs={"port": 0, "ready": ready}, daemon=True)
        thread.start()
        assert is_ready.wait(30)
        try:
            yield addresses[0]
        finally:
            assert is_running.wait(30)
            servers[0].should_exit = True
            thread.join(30)
