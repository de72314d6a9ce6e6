"""A real scene of 20k splats, a server that does what servers do wrong, and the viewer in a real browser."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import splatzip
from splatzip import Camera, Scene
from splatzip.publish import bundle

CHAIR = Path(__file__).resolve().parents[2] / "datasets/samples/chair/point_cloud.ply"
WIDTH, HEIGHT = 400, 300
# Software WebGL 2: the same pixels on every machine, and no GPU needed.
DRAWING = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]


@pytest.fixture(scope="session")
def scene() -> Scene:
    """The 20,000 splats of the sample chair that cover most."""
    chair = splatzip.load(CHAIR)
    size = chair.log_scales.sum(axis=1) - np.logaddexp(0, -chair.opacity_logits)
    rows = np.sort(np.argsort(-size, kind="stable")[:20_000])
    names = ("positions", "log_scales", "rotations", "opacity_logits", "sh")
    return Scene(**{name: getattr(chair, name)[rows] for name in names})


@pytest.fixture(scope="session")
def splatz(scene: Scene) -> bytes:
    return splatzip.compress(scene, preset="fast")


@dataclass
class Server:
    """Files by path, and how they are sent.

    Attributes:
        files: scenes, and further files by name.
        pages: further pages by name.
        ranges: whether a Range header is understood.
        statuses: of the next answers for scenes; 200 after that.
        cuts: bytes after which the next answers for scenes break off.
        may_break: cleared by a test that breaks connections only when the page has what was sent: what a browser has
            not handed on by then it forgets.
        gate: how many bytes of scenes are sent until it is raised.
        length_error: added to Content-Length.
        headers: sent with every answer.
        is_open: whether pages of other sites may read what is sent.
        asked: Range header, or "", of each request for a scene.
        sent: bytes of scenes.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    statuses: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    length_error: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    is_open: bool = False
    asked: list[str] = field(default_factory=list)
    sent: int = 0
    gate: int = 1 << 60
    may_break: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def open_gate(self, to: int = 1 << 60) -> None:
        with self.changed:
            self.gate = to
            self.changed.notify_all()

    def allowance(self, most: int) -> int:
        """Wait until bytes may be sent; returns how many."""
        with self.changed:
            self.changed.wait_for(lambda: self.gate > self.sent, timeout=60)
            count = max(0, min(most, self.gate - self.sent, 16_384))
            self.sent += count
            return count


class _Handler(BaseHTTPRequestHandler):
    server_of: Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        name = self.path.split("?")[0].lstrip("/")
        if name.endswith(".splatz"):
            self.send_scene(name)
        elif name in self.server_of.files:
            self.send_part(self.server_of.files[name], name)
        elif name in self.server_of.pages:
            self.send_part(self.server_of.pages[name].encode(), name)
        elif (bundle.FOLDER / (name or "index.html")).is_file():
            self.send_part((bundle.FOLDER / (name or "index.html")).read_bytes(), name or "index.html")
        else:
            self.send_error(404)

    def end_headers(self) -> None:
        for name, value in self.server_of.headers.items():
            self.send_header(name, value)
        if self.server_of.is_open:
            self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def send_part(self, content: bytes, name: str) -> None:
        types = {"html": "text/html", "js": "text/javascript", "mjs": "text/javascript", "wasm": "application/wasm"}
        self.send_response(200)
        self.send_header("Content-Type", types.get(name.rpartition(".")[2], "application/octet-stream"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def send_scene(self, name: str) -> None:
        server = self.server_of
        asked = self.headers.get("Range", "")
        server.asked.append(asked)
        status = server.statuses.pop(0) if server.statuses else 200
        content = server.files.get(name)
        if content is None or status != 200:
            self.send_error(404 if content is None else status)
            return
        start, stop = 0, len(content)
        is_part = asked != "" and server.ranges
        if is_part:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, stop = int(first), min(int(last) + 1, len(content)) if last else len(content)
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if is_part else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(stop - start + server.length_error))
        self.send_header("ETag", '"the one"')
        if is_part:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else None
        stop = stop if cut is None else min(stop, start + cut)
        while start < stop and (count := server.allowance(stop - start)):
            self.wfile.write(content[start : start + count])
            start += count
        if cut is not None or server.length_error:
            time.sleep(1 if server.length_error else 0)
            server.may_break.wait(60)


@pytest.fixture
def server(splatz: bytes) -> Iterator[Server]:
    """Serves the client, and `scene.splatz`."""
    state = Server(files={"scene.splatz": splatz})
    state.may_break.set()
    handler = type("Handler", (_Handler,), {"server_of": state})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    httpd.handle_error = lambda *_: None  # type: ignore[method-assign]  # a browser that leaves is no error
    state.address = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield state
    state.open_gate()
    state.may_break.set()
    httpd.shutdown()
    httpd.server_close()


@dataclass
class Viewer:
    """The page in the browser."""

    tab: Any
    complaints: list[str]
    requests: list[str]

    def state(self) -> dict[str, Any]:
        return self.tab.evaluate("document.querySelector('splat-zip').viewer.store.state")

    def wait(self, condition: str) -> dict[str, Any]:
        """Until a condition on `state` holds."""
        test = f"() => {{ const {{ state }} = document.querySelector('splat-zip').viewer.store; return {condition} }}"
        # wait_for_function would need 'unsafe-eval' of the page
        self.until(lambda: self.tab.evaluate(test), words=lambda: f"{condition} never holds: {self.state()}")
        return self.state()

    def until(self, holds: Callable[[], object], words: Callable[[], str] = str) -> None:
        """What a page does takes as long as the machine lets it: waits, and fails with words after a minute."""
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, words()
            self.tab.wait_for_timeout(50)

    def words(self) -> str:
        """What the page says about a problem."""
        panel = self.tab.locator("splat-zip .problem")
        panel.wait_for(state="visible", timeout=60_000)
        return str(panel.inner_text())

    def look(self, camera: Camera) -> None:
        self.tab.evaluate("(pose) => document.querySelector('splat-zip').look(pose)", pose_of(camera))

    def picture(self, camera: Camera) -> np.ndarray:
        """(H, W, 3) what is drawn from there."""
        self.look(camera)
        return self.still_picture()

    def picture_now(self) -> np.ndarray:
        """(H, W, 3) what is drawn, perhaps not yet in the right order."""
        png = self.tab.locator("splat-zip canvas").screenshot()
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.float32) / 255

    def still_picture(self) -> np.ndarray:
        """(H, W, 3) what is drawn, once nothing is drawn any more."""
        self.tab.evaluate(_UNTIL_STILL)
        before, png = b"", self.tab.locator("splat-zip canvas").screenshot()
        while png != before:  # splats are sorted in a worker that may have to wait for a processor
            self.tab.wait_for_timeout(700)
            before, png = png, self.tab.locator("splat-zip canvas").screenshot()
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.float32) / 255


# Nothing new was drawn for a second.
_UNTIL_STILL = """() => new Promise((resolve) => {
    const { viewer } = document.querySelector('splat-zip');
    let timer = setTimeout(resolve, 5000);
    viewer.onComplete = () => { clearTimeout(timer); timer = setTimeout(resolve, 1000); };
    viewer.look(viewer.controls.pose);
})"""


@pytest.fixture(name="pose_of")
def pose_of_fixture() -> Callable[[Camera], dict[str, Any]]:
    """How the client says where a camera is."""
    return pose_of


def pose_of(camera: Camera) -> dict[str, Any]:
    rotation = camera.world_to_camera[:3, :3]
    return {
        "position": camera.position.tolist(),
        "target": (camera.position + rotation[2]).tolist(),
        "up": (-rotation[1]).tolist(),
        "fovDegrees": float(np.degrees(2 * np.arctan(min(camera.width, camera.height) / 2 / camera.fy))),
    }


@pytest.fixture(scope="session")
def chromium(playwright: Any, chromium_path: str) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=chromium_path, args=DRAWING)
    yield browser
    browser.close()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Viewer]]:
    """Open an address; everything that a console or the network says is kept."""
    contexts = []

    def open_page(
        address: str, *, width: int = WIDTH, height: int = HEIGHT, lacking: str = "", **options: Any
    ) -> Viewer:
        """`lacking`: a script that takes something away from the browser, before any of the page's own runs."""
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(60_000)
        tab.add_init_script(lacking)
        viewer = Viewer(tab, [], [])
        tab.on("console", lambda message: viewer.complaints.append(message.text))
        tab.on("pageerror", lambda error: viewer.complaints.append(str(error)))
        tab.on("request", lambda request: viewer.requests.append(request.url))
        tab.goto(address)
        return viewer

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def cameras(scene: Scene) -> list[Camera]:
    """Three ways to look at the scene."""
    views = splatzip.orbit_views(scene).cameras
    scale = HEIGHT / views[0].height
    return [view.scaled(scale) for view in (views[0], views[3], views[6])]
