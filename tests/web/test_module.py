"""What `viewer.js` exports for pages with an engine of their own, in a real browser: arrays, PLYs, and real engines."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import splatzip

pytestmark = pytest.mark.browser

PACKAGES = Path(__file__).resolve().parents[2] / "viewer" / "web" / "node_modules"
needs_engines = pytest.mark.skipif(not PACKAGES.is_dir(), reason="needs engines; npm ci in viewer/web")

PLAYCANVAS = """<!doctype html><body style="margin:0"><canvas></canvas><script type="module">
import * as pc from '/playcanvas.mjs';
import { loadEntity } from '/viewer.js';
const { position, target, up, fovDegrees } = POSE;
const turned = ([x, y, z]) => new pc.Vec3(x, -y, -z);
const app = new pc.Application(document.querySelector('canvas'), { graphicsDeviceOptions: { antialias: false } });
app.setCanvasFillMode(pc.FILLMODE_NONE, 400, 300);
app.setCanvasResolution(pc.RESOLUTION_FIXED, 400, 300);
app.start();
const camera = new pc.Entity();
camera.addComponent('camera', { clearColor: new pc.Color(0, 0, 0), fov: fovDegrees, nearClip: 0.01 });
camera.setPosition(turned(position));
camera.lookAt(turned(target), turned(up));
app.root.addChild(camera);
app.root.addChild(await loadEntity(pc, app, '/scene.splatz'));
document.title = 'there';
</script>"""

SPARK = """<!doctype html><body style="margin:0"><canvas></canvas>
<script type="importmap">{"imports": {"three": "/three.module.js", "three/addons/": "/addons/"}}</script>
<script type="module">
import { PerspectiveCamera, Scene, WebGLRenderer } from 'three';
import * as spark from '/spark.mjs';
import { loadMesh } from '/viewer.js';
const { position, target, up, fovDegrees } = POSE;
const turned = ([x, y, z]) => [x, -y, -z];
const renderer = new WebGLRenderer({ canvas: document.querySelector('canvas'), antialias: false });
renderer.setSize(400, 300);
const camera = new PerspectiveCamera(fovDegrees, 4 / 3, 0.01, 1000);
camera.position.set(...turned(position));
camera.up.set(...turned(up));
camera.lookAt(...turned(target));
const scene = new Scene();
scene.add(new spark.SparkRenderer({ renderer }), await loadMesh(spark, '/scene.splatz'));
let frames = 0;
renderer.setAnimationLoop(() => {
  renderer.render(scene, camera);
  if (++frames === 4) document.title = 'there';
});
</script>"""


@pytest.fixture
def bare(server, opened):
    """A page without anything."""
    server.pages["bare.html"] = "<!doctype html><title>bare</title>"
    return opened(f"{server.address}/bare.html")


def test_the_module_loads_arrays_for_other_engines(bare, splatz):
    found = bare.tab.evaluate(
        """async () => {
            const { load } = await import('/viewer.js');
            const tiers = [];
            const { end } = await load('/scene.splatz', { onTier: (tier) => tiers.push(tier) });
            const chunks = tiers.filter((tier) => tier.layer === 0).flatMap((tier) => tier.chunks);
            const sum = chunks.reduce((sum, chunk) => sum + chunk.positions.reduce((a, b) => a + b, 0), 0);
            return { complete: end.complete, count: end.count, layers: tiers.map((tier) => tier.layer), sum };
        }"""
    )
    expected = splatzip.decompress(splatz).positions.astype(np.float64).sum()
    assert (found["complete"], found["count"]) == (True, 20_000)
    assert set(found["layers"]) == {0, 1}
    assert found["sum"] == pytest.approx(expected, rel=1e-6)


def test_the_module_gives_engines_that_read_ply_one_in_memory(bare, splatz, tmp_path):
    text = bare.tab.evaluate(
        """async () => {
            const { loadPly } = await import('/viewer.js');
            const blob = new Blob([await loadPly('/scene.splatz')]);
            const url = await new Promise((resolve) => {
                const reader = new FileReader();
                reader.onload = () => resolve(reader.result);
                reader.readAsDataURL(blob);
            });
            return url.slice(url.indexOf(',') + 1);
        }"""
    )
    (tmp_path / "scene.ply").write_bytes(base64.b64decode(text))
    found, expected = splatzip.load(tmp_path / "scene.ply"), splatzip.decompress(splatz)
    for name, values in expected.arrays().items():
        np.testing.assert_array_equal(getattr(found, name), values, err_msg=name)


def test_the_module_makes_meshes_of_a_spark_that_the_page_has(bare):
    found = bare.tab.evaluate(
        """async () => {
            const { loadMesh } = await import('/viewer.js');
            class SplatMesh {
                initialized = Promise.resolve();
                quaternion = { set: (...numbers) => (this.turn = numbers) };
                constructor(options) { this.options = options; }
            }
            const mesh = await loadMesh({ SplatMesh, SplatFileType: { PLY: 'a ply' } }, '/scene.splatz');
            const start = new TextDecoder().decode(mesh.options.fileBytes.subarray(0, 3));
            return { start, type: mesh.options.fileType, turn: mesh.turn };
        }"""
    )
    assert found == {"start": "ply", "type": "a ply", "turn": [1, 0, 0, 0]}


def test_tiers_come_while_the_file_does_and_nothing_of_them_twice(server, bare, splatz):
    server.gate = len(splatz) // 4
    bare.tab.evaluate(
        """async () => {
            const { load } = await import('/viewer.js');
            window.tiers = [];
            window.told = [];
            window.done = load('/scene.splatz', {
                onTier: ({ tier, layer, of, chunks }) =>
                    tiers.push({ tier, layer, of, rows: chunks.map(({ first, count }) => [first, count]) }),
                onProgress: ({ bytes, splats }) => told.push([bytes, splats]),
            });
        }"""
    )
    deadline_ms = 30_000
    bare.tab.wait_for_function("tiers.length > 0", timeout=deadline_ms)
    early = bare.tab.evaluate("tiers.length")
    server.open_gate()
    bare.tab.evaluate("done")
    tiers, told = bare.tab.evaluate("[tiers, told]")
    assert early < len(tiers) == 2 * tiers[0]["of"]
    rows = [
        row
        for tier in tiers
        if tier["layer"] == 0
        for first, count in tier["rows"]
        for row in range(first, first + count)
    ]
    assert sorted(rows) == list(range(20_000))
    assert told == sorted(told)
    assert told[-1] == [len(splatz), 20_000]


def test_what_goes_wrong_is_thrown_in_words_and_a_signal_stops_it(server, bare):
    server.statuses = [404]
    found = bare.tab.evaluate(
        """async () => {
            const { load, LoadError } = await import('/viewer.js');
            const refused = await load('/scene.splatz').catch((error) => error);
            const stop = AbortSignal.abort();
            const stopped = await load('/scene.splatz', { signal: stop }).catch((error) => error);
            return [refused instanceof LoadError, refused.problem.title, stopped.name];
        }"""
    )
    assert found == [True, "The server cannot find scene.splatz (404).", "AbortError"]


@needs_engines
@pytest.mark.parametrize(("page", "files", "least_db"), [
    (PLAYCANVAS, {"playcanvas.mjs": "playcanvas/build/playcanvas.min.mjs"}, 27),  # ends splats earlier
    (SPARK, {
        "spark.mjs": "@sparkjsdev/spark/dist/spark.module.min.js",
        "three.module.js": "three/build/three.module.js",
        "three.core.js": "three/build/three.core.js",
        "addons/postprocessing/Pass.js": "three/examples/jsm/postprocessing/Pass.js",
    }, 28),
], ids=["playcanvas", "spark"])  # fmt: skip
def test_an_engine_of_the_pages_own_draws_the_scene(server, opened, splatz, cameras, pose_of, page, files, least_db):
    server.pages |= {name: (PACKAGES / path).read_text("utf-8") for name, path in files.items()}
    server.pages["own.html"] = page.replace("POSE", json.dumps(pose_of(cameras[0])))
    viewer = opened(f"{server.address}/own.html")
    viewer.tab.wait_for_function("document.title === 'there'", timeout=90_000)
    rendered = np.clip(splatzip.render(splatzip.decompress(splatz), cameras[0]).color, 0, 1)
    found = []

    def is_shown() -> bool:  # as soon as its worker has sorted the splats
        drawn = np.asarray(Image.open(io.BytesIO(viewer.tab.screenshot())).convert("RGB"), np.float64) / 255
        found.append(-10 * np.log10(np.mean((drawn - rendered) ** 2)))
        return bool(found[-1] > least_db)

    viewer.until(is_shown, words=lambda: f"{found} dB")
