"""How long a visitor waits: one scene in three formats, each in its own viewer, over the same slow link.

    scene -> .splatz, .sog, .spz -> link of 10 Mbit/s -> Chromium -> thumbnails by time -> dB of each against the last

The clock starts with the first byte of the scene: page, viewer and decoder are loaded before it is let through.
Pictures are 400x300, drawn by software WebGL 2, so drawing itself is slow. A thumbnail is taken every 20 ms as far as
the page lets itself be interrupted. SOG is PlayCanvas' own loader in the same engine as ours, SPZ that of Spark.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import threading
import time
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import splatzip
from benchmark.markdown import met, spread, table
from benchmark.peers import FOLDER, MODULES
from benchmark.record import Row
from benchmark.scenes import BenchScene
from splatzip import Scene
from splatzip.publish import bundle

BITS_PER_SECOND = 10_000_000
WIDTH, HEIGHT = 400, 300
ENGINES = ("playcanvas@2.23.3", "@sparkjsdev/spark@2.2.0", "three@0.187.0")
LEVELS_DB = (15, 22, 30)
MOST_S = 0.7  # for the first picture, from a file of 5 MB
_BLOCK = 1250  # one millisecond of the link
_STILL_S = 6.0  # without a change, once the file is there
_DRAWING = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
_SCRIPTS = {
    "playcanvas.mjs": "playcanvas/build/playcanvas.min.mjs",
    "spark.mjs": "@sparkjsdev/spark/dist/spark.module.min.js",
    "three.mjs": "three/build/three.module.js",
    "three.core.js": "three/build/three.core.js",
}

# Whatever is drawn stays readable; every change of a thumbnail is kept with its time.
_WATCH = """
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, options) {
    return get.call(this, kind, kind === 'webgl2' ? { ...options, preserveDrawingBuffer: true } : options);
};
window.seen = [];
const small = new OffscreenCanvas(100, 75).getContext('2d', { willReadFrequently: true });
let before = '';
setInterval(() => {
    const canvas = (document.querySelector('splat-zip')?.shadowRoot ?? document).querySelector('canvas');
    if (!canvas?.width) return;
    small.drawImage(canvas, 0, 0, 100, 75);
    const pixels = small.getImageData(0, 0, 100, 75).data;
    const text = String.fromCharCode(...pixels);
    if (text === before) return;
    before = text;
    window.seen.push([performance.timeOrigin + performance.now(), btoa(text)]);
}, 20);
"""

_PLAYCANVAS = """<!doctype html><body style="margin:0"><canvas style="width:400px;height:300px"></canvas>
<script type="module">
import * as pc from '/playcanvas.mjs';
const app = new pc.Application(document.querySelector('canvas'), { graphicsDeviceOptions: { antialias: false } });
app.setCanvasFillMode(pc.FILLMODE_NONE, 400, 300);
app.setCanvasResolution(pc.RESOLUTION_FIXED, 400, 300);
app.start();
const { position, target, up, fovYDegrees } = POSE;
const turned = ([x, y, z]) => new pc.Vec3(x, -y, -z);
const camera = new pc.Entity();
camera.addComponent('camera', { clearColor: new pc.Color(0, 0, 0, 1), fov: fovYDegrees });
camera.setPosition(turned(position));
camera.lookAt(turned(target), turned(up));
app.root.addChild(camera);
const asset = new pc.Asset('scene', 'gsplat', { url: '/scene.sog' });
asset.on('load', () => {
    const entity = new pc.Entity();
    entity.setLocalEulerAngles(180, 0, 0);
    entity.addComponent('gsplat', { asset });
    app.root.addChild(entity);
});
app.assets.add(asset);
app.assets.load(asset);
</script>"""

_SPZ = """<!doctype html><body style="margin:0"><canvas style="width:400px;height:300px"></canvas>
<script type="importmap">{"imports": {"three": "/three.mjs", "three/addons/": "/addons/"}}</script>
<script type="module">
import { SparkRenderer, SplatMesh } from '/spark.mjs';
import { PerspectiveCamera, Scene, WebGLRenderer } from 'three';
const renderer = new WebGLRenderer({ canvas: document.querySelector('canvas'), antialias: false });
renderer.setSize(400, 300, false);
const { position, target, up, fovYDegrees } = POSE;
const turned = ([x, y, z]) => [x, -y, -z];
const camera = new PerspectiveCamera(fovYDegrees, 4 / 3, 0.01, 1000);
camera.position.set(...turned(position));
camera.up.set(...turned(up));
camera.lookAt(...turned(target));
const scene = new Scene();
scene.add(new SparkRenderer({ renderer }));
scene.add(new SplatMesh({ url: '/scene.spz' })); // read in right-up-back
renderer.setAnimationLoop(() => renderer.render(scene, camera));
</script>"""


@dataclass
class Link:
    """A server whose scenes come at the speed of the link, once they are let through."""

    files: dict[str, bytes]
    is_open: threading.Event = field(default_factory=threading.Event)
    first_byte: float | None = None
    sent: list[tuple[float, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    free_at: float = 0.0

    def pace(self, count: int) -> None:
        """Wait for the turn of some bytes."""
        with self.lock:
            now = time.time()
            if self.first_byte is None:
                self.first_byte = now
            start = max(now, self.free_at)
            self.free_at = start + 8 * count / BITS_PER_SECOND
            self.sent.append((self.free_at, count))
        time.sleep(max(0.0, start - now))

    @property
    def is_busy(self) -> bool:
        return self.free_at > time.time()

    def sent_by(self, moment: float) -> int:
        return sum(count for at, count in self.sent if at <= moment)


def measure_waiting(scene: BenchScene, source: Scene, *, repetitions: int) -> Iterator[dict[str, Any]]:
    """A row a repetition and format: when the picture reached each dB and its end, and after how many bytes."""
    preset = "lossless" if scene.quantized else "fast"
    files = {"scene.splatz": splatzip.compress(source, preset=preset)}
    with TemporaryDirectory() as folder:
        for suffix, version in ((".sog", None), (".spz", 3)):  # Spark reads SPZ up to 3
            path = Path(folder, f"scene{suffix}")
            splatzip.save(source, path, version=version)
            files[path.name] = path.read_bytes()
    pose = pose_of(source)
    pages = {"scene.splatz": our_page(pose), "scene.sog": "/sog.html", "scene.spz": "/spz.html"}
    for repetition in range(repetitions):
        for file, path in pages.items():
            with serving(files, pose) as (link, address), browser() as chromium:
                figures = _watched(chromium, address + path, link)
            yield {
                "what": "waiting",
                "preset": preset,
                "format": file.partition(".")[2],
                "bytes": len(files[file]),
                "repetition": repetition,
                **figures,
                "load": round(os.getloadavg()[0], 2),
            }


def our_page(pose: dict[str, Any]) -> str:
    """The address, on that server, of our viewer with scene.splatz from a pose."""
    numbers = [*pose["position"], *pose["target"], *pose["up"], pose["fovYDegrees"]]
    return f"/index.html?src=scene.splatz&ui=none&background=%23000#camera={','.join(f'{x:.6g}' for x in numbers)}"


def waiting(rows: Sequence[Row]) -> list[str]:
    """The section about it."""
    measured = [row for row in rows if row["kind"] == "web_waiting"]
    lines = []
    for scene, format in dict.fromkeys((row["scene"], row["format"]) for row in measured):
        group = [row for row in measured if (row["scene"], row["format"]) == (scene, format)]
        first = [row["s_to_15_db"] for row in group]
        bar = met(statistics.median(first), MOST_S) if format == "splatz" else ""
        times = (spread([row[key] for row in group], 2) for key in ("s_to_22_db", "s_to_30_db", "final_s"))
        lines.append((f"{scene}, .{format}", f"{group[0]['bytes']:,}", spread(first, 2), bar, *times))
    heads = ("file", "bytes", "15 dB, s", f"at most {MOST_S}", "22 dB, s", "30 dB, s", "last picture, s")
    return [
        "## How long a visitor waits",
        "",
        "`scripts/bench web --parts waiting`: seconds from the first byte over a 10 Mbit/s link, with page, viewer",
        "and decoder loaded, until the picture reaches and keeps that dB against the page's own final one. .splatz",
        "in our viewer, SOG (written by splatzip) in PlayCanvas, SPZ 3 in Spark. Chromium on software WebGL 2 at",
        "400x300, which shares its processors with everything else: a GPU is faster with all three.",
        "",
        *table(heads, lines),
    ]


def _watched(browser: Any, address: str, link: Link) -> dict[str, Any]:
    tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    tab.add_init_script(_WATCH)
    tab.goto(address)
    tab.wait_for_timeout(4000)  # everything but the scene
    link.is_open.set()
    last = (0, time.time())
    while time.time() - last[1] < _STILL_S or link.free_at > time.time() - _STILL_S:
        tab.wait_for_timeout(500)
        count = tab.evaluate("window.seen.length")
        if count != last[0]:
            last = (count, time.time())
    seen = [(at / 1000, text) for at, text in tab.evaluate("window.seen")]
    start = link.first_byte
    assert start is not None
    frames = [(at, np.frombuffer(b64decode(text), np.uint8).reshape(75, 100, 4)[..., :3] / 255.0) for at, text in seen]
    final = frames[-1][1]
    row: dict[str, Any] = {"final_s": round(frames[-1][0] - start, 2)}
    for level in LEVELS_DB:
        # From then on for good: a picture may get worse before it gets better.
        below = [at for at, picture in frames if _psnr(picture, final) < level and at > start]
        reached = min((at for at, _ in frames if at > (max(below) if below else start)), default=frames[-1][0])
        row[f"s_to_{level}_db"] = round(reached - start, 2)
        row[f"bytes_to_{level}_db"] = link.sent_by(reached)
    return row


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = float(np.mean((a - b) ** 2))
    return 99.0 if error == 0 else -10 * float(np.log10(error))


def pose_of(scene: Scene) -> dict[str, Any]:
    """Where every page looks from."""
    camera = splatzip.orbit_views(scene).cameras[3]
    rotation = camera.world_to_camera[:3, :3]
    return {
        "position": camera.position.tolist(),
        "target": (camera.position + rotation[2] * np.linalg.norm(camera.position)).tolist(),
        "up": (-rotation[1]).tolist(),
        "fovYDegrees": float(np.degrees(2 * np.arctan(camera.height / 2 / camera.fy))),
    }


@contextmanager
def serving(files: dict[str, bytes], pose: dict[str, Any]) -> Iterator[tuple[Link, str]]:
    """The link and the address of a server of files, once the link is open, and of a page for each format."""
    link = Link(files)
    sources = {"sog.html": _PLAYCANVAS, "ply.html": _PLAYCANVAS.replace(".sog", ".ply"), "spz.html": _SPZ}
    pages = {name: source.replace("POSE", json.dumps(pose)) for name, source in sources.items()}
    scripts = _engines()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            name = self.path.split("?")[0].lstrip("/")
            if name in files:
                self.send_scene(files[name])
                return
            if name in pages:
                content, kind = pages[name].encode(), "text/html"
            elif name in scripts or name.startswith("addons/"):
                path = scripts.get(name) or MODULES / "three/examples/jsm" / name.removeprefix("addons/")
                content, kind = path.read_bytes(), "text/javascript"
            elif name in bundle.FILES:
                kinds = {"js": "text/javascript", "html": "text/html", "wasm": "application/wasm"}
                content, kind = bundle.content(name), kinds[name.rpartition(".")[2]]
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def send_scene(self, content: bytes) -> None:
            link.is_open.wait(60)
            start, stop = 0, len(content)
            if asked := self.headers.get("Range", ""):
                first, _, last = asked.removeprefix("bytes=").partition("-")
                start, stop = int(first), min(int(last) + 1, stop) if last else stop
            self.send_response(206 if asked else 200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(stop - start))
            self.send_header("ETag", '"1"')
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
            self.end_headers()
            for at in range(start, stop, _BLOCK):
                piece = content[at : min(at + _BLOCK, stop)]
                link.pace(len(piece))
                self.wfile.write(piece)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a browser that leaves is no error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield link, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _engines() -> dict[str, Path]:
    """The peers' scripts by the names that pages use, installed when they are not there yet."""
    found = {name: MODULES / path for name, path in _SCRIPTS.items()}
    if not all(path.exists() for path in found.values()):
        FOLDER.mkdir(exist_ok=True)
        install = ["npm", "install", "--no-fund", "--no-audit", "--loglevel=error", "--prefix", str(FOLDER), *ENGINES]
        subprocess.run(install, check=True)
    return found


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium, which draws in software."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_DRAWING)
        yield browser
        browser.close()
