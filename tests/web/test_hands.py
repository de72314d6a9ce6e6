"""Mouse, keyboard, links and screens."""

from __future__ import annotations

import base64

import numpy as np
import pytest

import splatzip

pytestmark = pytest.mark.browser

POSE = "(() => document.querySelector('splat-zip').viewer.controls.pose)()"


@pytest.fixture
def viewer(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz", width=800, height=500)
    page.wait("state.phase === 'complete'")
    return page


def position(viewer) -> np.ndarray:
    return np.array(viewer.tab.evaluate(POSE)["position"])


def target(viewer) -> np.ndarray:
    return np.array(viewer.tab.evaluate(POSE)["target"])


def drag(viewer, dx: int, dy: int, **options: str) -> None:
    mouse = viewer.tab.mouse
    mouse.move(400, 250)
    mouse.down(**options)
    mouse.move(400 + dx, 250 + dy, steps=4)
    mouse.up(**options)


def test_the_scene_is_framed(viewer, scene):
    middle = np.median(scene.positions, axis=0)
    away = np.linalg.norm(position(viewer) - middle)
    assert np.linalg.norm(target(viewer) - middle) < 0.5
    assert 1 < away < 6


def test_dragging_turns_and_keeps_the_distance(viewer):
    before = position(viewer)
    drag(viewer, 120, 0)
    after = position(viewer)
    turned = (before - target(viewer)) @ (after - target(viewer))
    assert np.linalg.norm(after - target(viewer)) == pytest.approx(np.linalg.norm(before - target(viewer)))
    assert turned < 0.9 * np.sum((before - target(viewer)) ** 2)


def test_what_is_dragged_with_the_right_button_follows_the_pointer(viewer):
    before = target(viewer)
    drag(viewer, 100, 0, button="right")
    assert np.linalg.norm(target(viewer) - before) > 0.1


def test_the_wheel_comes_nearer(viewer):
    before = np.linalg.norm(position(viewer) - target(viewer))
    viewer.tab.mouse.move(400, 250)
    viewer.tab.mouse.wheel(0, -200)
    viewer.tab.wait_for_timeout(200)
    assert np.linalg.norm(position(viewer) - target(viewer)) < 0.9 * before


def test_everything_can_be_done_from_the_keyboard(viewer):
    tab = viewer.tab
    start = position(viewer)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.querySelector('splat-zip').shadowRoot.activeElement.tagName") == "CANVAS"
    for key in ("ArrowLeft", "Equal", "KeyW", "KeyE"):
        before = position(viewer)
        tab.keyboard.press(key)
        assert np.linalg.norm(position(viewer) - before) > 1e-3, key
    tab.keyboard.press("f")
    assert viewer.state()["mode"] == "fly"
    tab.keyboard.press("r")
    assert position(viewer) == pytest.approx(start)
    tab.keyboard.press("h")
    assert tab.get_by_role("dialog", name="Keys").is_visible()
    tab.keyboard.press("Tab")
    names = set()
    for _ in range(8):
        tab.keyboard.press("Tab")
        active = "document.querySelector('splat-zip').shadowRoot.activeElement"
        names.add(tab.evaluate(f"{active}?.getAttribute('aria-label')"))
    assert {"Back to the start (R)", "Orbit or fly (F)", "Copy a link to this view (L)", "Keys (H)"} <= names


def test_the_address_leads_back_to_the_view(viewer, server, opened):
    drag(viewer, 90, 40)
    viewer.tab.wait_for_function("location.href === document.querySelector('splat-zip').viewer.link")
    again = opened(viewer.tab.url, width=800, height=500)
    again.wait("state.phase === 'complete'")
    np.testing.assert_allclose(position(again), position(viewer), rtol=1e-3, atol=1e-3)
    assert np.abs(again.still_picture() - viewer.still_picture()).mean() < 0.01


def test_two_fingers_pinch(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz", has_touch=True)
    page.wait("state.phase === 'complete'")
    before = np.linalg.norm(position(page) - target(page))
    touch = page.tab.context.new_cdp_session(page.tab)
    for kind, spread in (("touchStart", 30), ("touchMove", 50), ("touchMove", 90), ("touchEnd", None)):
        points = (
            [] if spread is None else [{"x": 200 - spread, "y": 150, "id": 1}, {"x": 200 + spread, "y": 150, "id": 2}]
        )
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert np.linalg.norm(position(page) - target(page)) < 0.6 * before


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_words_can_be_read_on_dark_and_on_light(server, opened, scheme):
    server.statuses = [404]
    page = opened(f"{server.address}/?src=scene.splatz", color_scheme=scheme)
    page.words()
    ink, paper = page.tab.locator("splat-zip .problem h2").evaluate(
        """(title) => [getComputedStyle(title).color, getComputedStyle(title.parentElement).backgroundColor]
            .map((text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number))"""
    )
    light = [sum(weight * (level / 255) ** 2.2 for weight, level in zip((0.21, 0.72, 0.07), color, strict=True))
             for color in (ink, paper)]  # fmt: skip
    assert (max(light) + 0.05) / (min(light) + 0.05) > 4.5


def test_the_element_stands_in_a_page_of_its_own_making(server, opened):
    server.pages["embedding.html"] = (
        '<!doctype html><script type="module" src="/viewer.js"></script><h1>Mine</h1>'
        '<splat-zip src="scene.splatz" style="width:300px;height:200px" ui="none"></splat-zip>'
        '<iframe src="/?src=scene.splatz" width="300" height="200"></iframe>'
    )
    page = opened(f"{server.address}/embedding.html", width=800, height=600)
    page.wait("state.phase === 'complete'")
    assert page.tab.locator("splat-zip").bounding_box()["height"] == 200
    page.tab.frames[1].wait_for_function(
        "document.querySelector('splat-zip')?.viewer.store.state.phase === 'complete'", timeout=60_000
    )
    page.tab.evaluate("document.querySelector('splat-zip').remove()")


def test_the_module_loads_arrays_for_other_engines(server, opened, splatz):
    server.pages["bare.html"] = "<!doctype html><title>bare</title>"
    page = opened(f"{server.address}/bare.html")
    found = page.tab.evaluate(
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


def test_the_module_gives_engines_that_read_ply_one_in_memory(server, opened, splatz, tmp_path):
    server.pages["bare.html"] = "<!doctype html><title>bare</title>"
    page = opened(f"{server.address}/bare.html")
    text = page.tab.evaluate(
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


def test_the_module_makes_meshes_of_a_spark_that_the_page_has(server, opened):
    server.pages["bare.html"] = "<!doctype html><title>bare</title>"
    page = opened(f"{server.address}/bare.html")
    found = page.tab.evaluate(
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


def test_a_hidden_page_draws_nothing(viewer):
    tab = viewer.tab
    tab.evaluate(
        """() => {
            window.frames_drawn = 0;
            const { viewer } = document.querySelector('splat-zip');
            viewer.onComplete = () => window.frames_drawn++;
            Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
            document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    tab.wait_for_timeout(300)
    before = tab.evaluate("frames_drawn")
    tab.evaluate("document.querySelector('splat-zip').viewer.controls.reset()")
    drag(viewer, 50, 0)
    tab.wait_for_timeout(300)
    assert tab.evaluate("frames_drawn") == before
