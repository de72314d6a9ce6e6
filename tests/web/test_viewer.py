"""A scene as a visitor sees it: while it comes, when it is there, and when something goes wrong."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import splatzip
from splatzip.container import open_file
from splatzip.publish import bundle

pytestmark = pytest.mark.browser

BLACK = "background=%23000&ui=none"
# Words about a problem stand over the picture, without buttons, too.
NO_WORDS = "document.querySelector('splat-zip').shadowRoot.querySelector('.problem').style.visibility = 'hidden'"


def psnr(drawn: np.ndarray, rendered: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((drawn.astype(np.float64) - np.clip(rendered, 0, 1)) ** 2)))


def comes_to_show(viewer, scene, cameras, least: float) -> None:
    """From each camera, as soon as splats are sorted: within so many dB of the CPU renderer's picture."""
    for camera in cameras:
        rendered = splatzip.render(scene, camera).color
        found: list[float] = []

        def is_shown(rendered=rendered, found=found) -> bool:
            found.append(psnr(viewer.picture_now(), rendered))
            return found[-1] > least

        viewer.look(camera)
        viewer.until(is_shown, words=lambda found=found: f"{found} dB")


def test_the_whole_scene_is_what_the_cpu_renderer_draws(server, opened, splatz, cameras):
    viewer = opened(f"{server.address}/?src=scene.splatz&{BLACK}")
    state = viewer.wait("state.phase === 'complete'")
    assert state["progress"]["splats"] == state["progress"]["totalSplats"] == 20_000
    assert state["progress"]["bytes"] == len(splatz)
    assert (state["problem"], state["damage"], state["isLimited"]) == (None, [], False)
    comes_to_show(viewer, splatzip.decompress(splatz), cameras, 38)
    assert viewer.complaints == []
    assert {url.split("/")[2] for url in viewer.requests if not url.startswith("blob:")} == {server.address[7:]}


# From its next sort on, the worker that sorts hears nothing until `sort()`.
HOLD_SORTING = """() => {
    const held = [], post = Worker.prototype.postMessage;
    let sorter = null;
    Worker.prototype.postMessage = function (message, transfer) {
        if (message.command === 'sort') sorter = this;
        if (sorter === this) held.push(() => post.call(this, message, transfer));
        else post.call(this, message, transfer);
    };
    window.held = held;
    window.sort = () => { Worker.prototype.postMessage = post; held.forEach((each) => each()); };
}"""
TWO_FRAMES = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


@pytest.mark.parametrize("comes", ["", "while it comes"])
def test_a_camera_that_moves_while_splats_are_sorted_is_sorted_for_too(server, opened, splatz, cameras, comes):
    server.gate = len(splatz) // 2 if comes else len(splatz)
    viewer = opened(f"{server.address}/?src=scene.splatz&{BLACK}")
    viewer.wait(f"state.progress.bytes >= {server.gate}")
    viewer.picture(cameras[0])
    viewer.tab.evaluate(HOLD_SORTING)
    viewer.look(cameras[2])
    viewer.until(lambda: viewer.tab.evaluate("held.length > 0"), words=lambda: "nothing was to be sorted")
    server.open_gate()
    viewer.wait("state.phase === 'complete'")
    viewer.tab.evaluate(TWO_FRAMES)
    viewer.look(cameras[1])
    viewer.tab.evaluate(TWO_FRAMES)
    viewer.tab.evaluate("sort()")
    shown = splatzip.render(splatzip.decompress(splatz), cameras[1]).color
    viewer.until(lambda: psnr(viewer.picture_now(), shown) > 38)


def test_an_upright_picture_shows_as_much_of_the_width_as_a_wide_one_of_the_height(server, opened, splatz, cameras):
    wide = cameras[1]
    long, short = wide.width, wide.height
    upright = replace(wide, width=short, height=long, cx=short / 2, cy=long / 2)
    viewer = opened(f"{server.address}/?src=scene.splatz&{BLACK}", width=short, height=long)
    viewer.wait("state.phase === 'complete'")
    whole = splatzip.decompress(splatz)
    comes_to_show(viewer, whole, [upright], 38)
    # The scene as it was framed: all of it, with nothing cut at the sides.
    viewer.tab.evaluate("document.querySelector('splat-zip').viewer.controls.reset()")
    shown = viewer.still_picture().max(axis=2) > 0.05
    columns = np.flatnonzero(shown.mean(axis=0) > 0.01)
    assert 0.5 * short < len(columns) < 0.97 * short
    assert not shown[:, [0, -1]].any()
    # Turned on its side, the screen shows the same from the same camera.
    before = viewer.tab.evaluate("document.querySelector('splat-zip').viewer.controls.pose")
    viewer.tab.set_viewport_size({"width": long, "height": short})
    assert viewer.tab.evaluate("document.querySelector('splat-zip').viewer.controls.pose") == before
    comes_to_show(viewer, whole, [wide], 38)


def test_pictures_get_better_as_bytes_come_and_show_what_has_come(server, opened, splatz, cameras):
    whole = splatzip.decompress(splatz)
    camera = cameras[0]
    server.gate = 2048
    viewer = opened(f"{server.address}/?src=scene.splatz&{BLACK}")
    found = []
    for gate in range(len(splatz) // 16, len(splatz), len(splatz) // 16):
        server.open_gate(gate)
        viewer.wait(f"state.progress.bytes >= {gate}")
        if viewer.state()["progress"]["tiers"] >= 1:
            break
    first = gate
    for gate in (first, max(first, len(splatz) // 2), len(splatz)):
        server.open_gate(gate)
        viewer.wait(f"state.progress.bytes >= {gate}")
        if gate < len(splatz):
            comes_to_show(viewer, splatzip.decompress(splatz[:gate], strict=False), [camera], 35)
        found.append(psnr(viewer.picture(camera), splatzip.render(whole, camera).color))
    assert found == sorted(found)
    assert found[-1] > 38


def test_a_connection_that_breaks_goes_on_where_it_broke(server, opened, splatz):
    server.cuts = [len(splatz) // 4]
    server.may_break.clear()
    viewer = opened(f"{server.address}/?src=scene.splatz")
    viewer.wait(f"state.progress.bytes >= {len(splatz) // 4}")
    server.may_break.set()
    state = viewer.wait("state.phase === 'complete'")
    assert state["progress"]["splats"] == 20_000
    assert server.sent == len(splatz)
    assert len(server.asked) >= 2


def test_what_came_stays_when_the_connection_is_gone_and_trying_again_fetches_the_rest(server, opened, splatz):
    server.cuts = [len(splatz) // 4, 0, 0, 0, 0, 0]
    server.may_break.clear()
    viewer = opened(f"{server.address}/?src=scene.splatz", width=800, height=500)
    viewer.wait(f"state.progress.bytes >= {len(splatz) // 4}")
    server.may_break.set()
    assert re.search(r"connection was lost after \S+ \w+ of \S+ \w+", viewer.words())
    assert viewer.state()["progress"]["bytes"] == len(splatz) // 4
    server.cuts = []
    viewer.tab.get_by_role("button", name="Try again").click()
    state = viewer.wait("state.phase === 'complete'")
    assert state["progress"]["splats"] == 20_000
    assert server.sent == len(splatz)
    assert not viewer.tab.locator("splat-zip .problem").is_visible()


def test_wherever_a_connection_is_cut_the_picture_of_what_came_stays_and_nothing_is_fetched_twice(
    server, opened, splatz, cameras
):
    """Anywhere in header, root, tables, directories and chunks."""
    draw = np.random.default_rng(13)
    places = [1, 40, 300, *sorted(draw.integers(1000, len(splatz), 6).tolist())]
    gone = [0, 0, 0, 0]  # as often as it is tried again by itself
    again = "document.querySelector('splat-zip').viewer.load()"
    server.cuts = [places[0], *gone]
    server.may_break.clear()
    viewer = opened(f"{server.address}/?src=scene.splatz&{BLACK}")
    viewer.tab.evaluate(NO_WORDS)
    for number, place in enumerate(places):
        viewer.wait(f"state.progress.bytes >= {place}")
        server.may_break.set()
        state = viewer.wait("state.phase === 'stopped'")
        assert "connection was lost after" in state["problem"]["title"]
        assert state["progress"]["bytes"] == server.sent == place
        if number % 3 == 2 and number > 2:
            came = splatzip.decompress(splatz[:place], strict=False)
            viewer.wait(f"state.progress.splats === {len(came)}")  # decoded, too
            comes_to_show(viewer, came, cameras[:1], 35)
        server.may_break.clear()
        server.cuts = [places[number + 1] - place, *gone] if number + 1 < len(places) else []
        viewer.tab.evaluate(f"void {again}")
    state = viewer.wait("state.phase === 'complete'")
    assert (state["progress"]["splats"], state["damage"]) == (20_000, [])
    assert server.sent == len(splatz)


def test_a_canvas_that_the_browser_took_away_shows_the_scene_again(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz")
    page.wait("state.phase === 'complete'")
    before, asked = page.still_picture(), len(server.asked)
    page.tab.evaluate(
        """async () => {
            const canvas = document.querySelector('splat-zip').shadowRoot.querySelector('canvas');
            const loss = canvas.getContext('webgl2').getExtension('WEBGL_lose_context');
            loss.loseContext();
            await new Promise((resolve) => setTimeout(resolve, 300));
            loss.restoreContext();
        }"""
    )
    page.until(lambda: len(server.asked) > asked, words=lambda: str(page.state()))
    page.wait("state.phase === 'complete'")
    assert before.std() > 0.05
    assert np.abs(page.still_picture() - before).mean() < 0.01


def test_a_hidden_tab_fetches_nothing_until_it_is_looked_at_again(server, opened, splatz):
    def hide(is_hidden: str) -> None:
        viewer.tab.evaluate(f"Object.defineProperty(document, 'hidden', {{ value: {is_hidden}, configurable: true }})")
        viewer.tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    server.gate = len(splatz) // 4
    viewer = opened(f"{server.address}/?src=scene.splatz")
    viewer.wait(f"state.progress.bytes >= {len(splatz) // 4}")
    hide("true")
    server.open_gate()
    viewer.tab.wait_for_timeout(500)
    assert viewer.state()["progress"]["bytes"] < len(splatz)
    asked = len(server.asked)
    hide("false")
    assert viewer.wait("state.phase === 'complete'")["progress"]["splats"] == 20_000
    assert len(server.asked) == asked + 1
    assert int(server.asked[-1][6:].partition("-")[0]) >= len(splatz) // 4


def test_a_server_without_ranges_sends_one_stream(server, opened, splatz):
    server.ranges = False
    viewer = opened(f"{server.address}/?src=scene.splatz")
    state = viewer.wait("state.phase === 'complete'")
    assert state["progress"]["splats"] == 20_000
    assert len(server.asked) == 1


def test_without_ranges_a_cut_is_read_over(server, opened, splatz):
    server.ranges = False
    server.cuts = [len(splatz) // 2]
    viewer = opened(f"{server.address}/?src=scene.splatz")
    assert viewer.wait("state.phase === 'complete'")["progress"]["splats"] == 20_000


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ([404], "The server cannot find scene.splatz (404)."),
        ([403], "The server refuses access to scene.splatz (403)."),
        ([500] * 9, "The server failed (500)."),
    ],
)
def test_an_answer_that_is_no_file_is_said_in_words(server, opened, statuses, said):
    server.statuses = statuses
    viewer = opened(f"{server.address}/?src=scene.splatz")
    assert said in viewer.words()
    assert viewer.state()["phase"] == "stopped"


def test_a_wrong_content_length_is_no_end(server, opened):
    server.length_error = 1000
    viewer = opened(f"{server.address}/?src=scene.splatz")
    assert viewer.wait("state.phase === 'complete'")["progress"]["splats"] == 20_000


def test_a_file_that_was_not_uploaded_whole_is_called_that_and_shown_as_far_as_it_goes(server, opened, splatz):
    server.files["scene.splatz"] = splatz[: len(splatz) // 2]
    viewer = opened(f"{server.address}/?src=scene.splatz")
    assert "was not uploaded completely" in viewer.words()


def test_a_file_of_another_kind_is_called_that(server, opened):
    server.files["scene.splatz"] = b"<!doctype html><title>no</title>" * 100
    viewer = opened(f"{server.address}/?src=scene.splatz")
    assert "This is not a .splatz file." in viewer.words()


def test_a_damaged_tile_is_said_and_the_rest_is_shown(server, opened, splatz):
    bad = bytearray(splatz)
    bad[-200] ^= 1  # in the last chunk
    server.files["scene.splatz"] = bytes(bad)
    viewer = opened(f"{server.address}/?src=scene.splatz")
    assert "damaged" in viewer.words()
    assert viewer.state()["damage"] != []
    viewer.tab.get_by_role("button", name="Close").click()
    assert not viewer.tab.locator("splat-zip .problem").is_visible()


def test_without_a_tile_of_the_geometry_the_picture_is_that_of_the_others(server, opened, splatz, cameras):
    runs = [run for run in open_file(splatz).runs if (run.entry.tier, run.entry.layer) == (1, 0)]
    chunk = runs[0].chunks[0]
    at = chunk.offset + chunk.size // 2
    server.files["scene.splatz"] = bad = splatz[:at] + bytes([splatz[at] ^ 1]) + splatz[at + 1 :]
    viewer = opened(f"{server.address}/?src=scene.splatz&{BLACK}")
    state = viewer.wait("state.phase === 'complete'")
    assert len(state["damage"]) == 1
    assert f"tile {chunk.tile} tier 1 layer 0" in state["damage"][0]
    viewer.tab.evaluate(NO_WORDS)
    rest = splatzip.decompress(bad, strict=False)
    assert state["progress"]["splats"] == len(rest) < 20_000
    comes_to_show(viewer, rest, cameras[:2], 35)


def test_without_a_scene_the_page_says_so(server, opened):
    assert "No scene was named." in opened(f"{server.address}/").words()


def test_an_address_sets_nothing_but_settings_and_no_other_scene_than_the_pages_own(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz&onclick=alert(1)&style=display:none&id=x&controls=fly")
    names = page.tab.evaluate("document.querySelector('splat-zip').getAttributeNames()")
    assert sorted(names) == ["controls", "link", "role", "src"]
    index = (bundle.FOLDER / "index.html").read_text()
    server.pages["own.html"] = index.replace(">{}<", '>{"src": "scene.splatz"}<')
    own = opened(f"{server.address}/own.html?src=other.splatz&ui=none")
    assert own.wait("state.phase === 'complete'")["progress"]["splats"] == 20_000


def test_a_budget_stops_at_a_tier_and_says_so(server, opened):
    viewer = opened(f"{server.address}/?src=scene.splatz&max-splats=1", width=800, height=500)
    state = viewer.wait("state.phase === 'complete'")
    tiers = state["progress"]["totalTiers"]
    assert state["progress"]["tiers"] == 1
    if tiers > 1:
        assert state["isLimited"]
        assert "the most this device can show" in viewer.tab.locator("splat-zip .status").inner_text()
