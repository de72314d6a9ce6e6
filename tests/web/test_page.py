"""The page around a scene: words, progress, keyboard focus, light and dark, and pages that embed it."""

from __future__ import annotations

import numpy as np
import pytest

from splatzip.publish import bundle

pytestmark = pytest.mark.browser


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


def test_a_frame_that_is_a_sandbox_shows_the_scene(server, opened):
    server.is_open = True
    server.pages["embedding.html"] = '<!doctype html><iframe sandbox="allow-scripts" src="/?src=scene.splatz"></iframe>'
    page = opened(f"{server.address}/embedding.html")
    page.tab.frames[1].wait_for_function(
        "document.querySelector('splat-zip')?.viewer.store.state.phase === 'complete'", timeout=60_000
    )


def test_the_ring_says_how_many_bytes_and_splats_have_come_and_leaves_when_all_have(server, opened, splatz):
    half = len(splatz) // 2
    server.gate = half
    page = opened(f"{server.address}/?src=scene.splatz", width=800, height=500)
    page.wait(f"state.progress.bytes >= {half} && state.progress.splats > 0")
    status = page.tab.locator("splat-zip .status")
    # All at once, for splats still come. Where they take seconds, as on a slow machine, it says that it waits instead.
    said = status.evaluate("""status => {
        const { store } = document.querySelector('splat-zip').viewer;
        store.set({ isWaiting: false });
        const { ariaValueNow: now, ariaValueText: words, innerText: text } = status;
        return { splats: store.state.progress.splats, text, now, words };
    }""")
    assert f"{-(-half // 1000)} KB of {-(-len(splatz) // 1000)} KB" in said["text"]
    assert f"{said['splats']:,} of 20,000 splats" in said["text"].replace("\n", " ")
    assert int(said["now"]) == pytest.approx(50, abs=1)
    assert said["words"].startswith(said["text"].split("\n")[0])
    around = 2 * np.pi * 10
    left = float(page.tab.locator("splat-zip .done").get_attribute("stroke-dashoffset"))
    assert left == pytest.approx(around * (1 - half / len(splatz)), rel=0.05)
    server.open_gate()
    page.wait("state.phase === 'complete'")
    assert "20,000 splats" in status.inner_text()
    page.tab.locator("splat-zip .status.quiet").wait_for(state="attached")
    assert page.tab.locator("splat-zip .says").inner_text() == "Loaded: 20,000 splats"


def test_a_server_that_is_slow_is_said_to_be_waited_for(server, opened, splatz):
    server.gate = len(splatz) // 2
    page = opened(f"{server.address}/?src=scene.splatz", width=800, height=500)
    page.wait("state.isWaiting")
    assert "Waiting for the server" in page.tab.locator("splat-zip .status").inner_text()
    assert page.state()["progress"]["splats"] > 0
    server.open_gate()
    assert page.wait("state.phase === 'complete'")["isWaiting"] is False


def test_a_file_that_was_missing_or_damaged_can_be_tried_again_once_it_is_there(server, opened, splatz):
    again = lambda: page.tab.get_by_role("button", name="Try again").click()  # noqa: E731
    server.statuses = [404]
    page = opened(f"{server.address}/?src=scene.splatz", width=800, height=500)
    assert "Close" not in page.words()  # nothing is behind it
    assert not page.tab.locator("splat-zip .status").is_visible()
    server.files["scene.splatz"] = splatz[:40] + b"!" + splatz[41:]
    again()
    page.wait("state.problem?.title === 'The file is damaged.'")
    again()
    page.wait("state.phase === 'stopped' && state.problem?.title === 'The file is damaged.'")
    server.files["scene.splatz"] = splatz
    again()
    state = page.wait("state.phase === 'complete'")
    assert (state["problem"], state["progress"]["splats"]) == (None, 20_000)


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ("HTMLCanvasElement.prototype.getContext = () => null", "it has no WebGL 2"),
        ("window.Worker = class { constructor() { throw new Error('no workers here') } }", "no workers here"),
    ],
)
def test_what_a_browser_lacks_is_said_in_words(server, opened, lacking, words):
    page = opened(f"{server.address}/?src=scene.splatz", lacking=lacking)
    assert words in page.words()


@pytest.mark.parametrize(
    "lacking", ["delete self.WebAssembly;", "WebAssembly.validate = () => false; delete WebAssembly.compile;"]
)
def test_a_browser_that_cannot_decode_is_told_from_a_decoder_that_fails(server, opened, lacking):
    """Without WebAssembly, as in Lockdown Mode, or with one from before SIMD."""
    server.files["worker.js"] = lacking.encode() + (bundle.FOLDER / "worker.js").read_bytes()
    assert "it has no WebAssembly with SIMD" in opened(f"{server.address}/?src=scene.splatz").words()


def test_a_file_of_another_site_that_does_not_allow_it_is_said_in_words(server, opened):
    page = opened(f"{server.address}/?src=http://localhost:{server.address.rpartition(':')[2]}/scene.splatz")
    assert "CORS" in page.words()


FOCUSED = """() => {
    const active = document.querySelector('splat-zip').shadowRoot.activeElement;
    if (active === null) return null;
    const { outlineStyle, outlineWidth } = getComputedStyle(active);
    return [active.getAttribute('aria-label') ?? active.textContent, outlineStyle, parseFloat(outlineWidth)];
}"""


def test_focus_goes_from_the_scene_through_the_buttons_and_is_seen_everywhere(server, opened):
    server.pages["embedding.html"] = (
        '<!doctype html><script type="module" src="/viewer.js"></script><a href="#">before</a>'
        '<splat-zip src="scene.splatz" link style="width:600px;height:300px"></splat-zip>'
        '<a href="#" id="after">after</a>'
    )
    page = opened(f"{server.address}/embedding.html", width=800, height=500)
    page.wait("state.phase === 'complete'")
    keyboard = page.tab.keyboard
    keyboard.press("Tab")
    keyboard.press("Tab")
    found = []
    while (focused := page.tab.evaluate(FOCUSED)) is not None:
        found.append(focused)
        keyboard.press("Tab")
        assert len(found) < 20
    assert [name for name, _, _ in found] == [
        "Scene; press H for the controls",
        "Reset the view (R)",
        "Orbit or fly (F)",
        "Change which way is up (U)",
        "Copy a link to this view (L)",
        "Full screen",
        "Controls (H)",
    ]
    assert all(style != "none" and width >= 2 for _, style, width in found)
    assert page.tab.evaluate("document.activeElement.id") == "after"
    for _ in found:
        keyboard.press("Shift+Tab")
    before = page.still_picture()
    page.tab.evaluate("document.querySelector('splat-zip').shadowRoot.activeElement.blur()")
    edge = np.abs(before - page.still_picture())[:, 1]
    assert edge.max(axis=1).mean() > 0.2  # the ring is over the picture, not under it


def test_keys_are_shown_and_left_without_a_mouse(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz", width=800, height=500)
    page.wait("state.phase === 'complete'")
    keyboard, keys = page.tab.keyboard, page.tab.get_by_role("dialog", name="Controls")
    keyboard.press("Tab")
    for leave in ("Escape", "h", "Enter"):
        keyboard.press("h")
        assert keys.is_visible()
        assert page.tab.evaluate(FOCUSED)[0] == "Close"
        keyboard.press(leave)
        assert not keys.is_visible(), leave
        assert page.tab.evaluate(FOCUSED)[0].startswith("Scene")
    for _ in range(2):
        keyboard.press("Tab")
    keyboard.press("Enter")
    assert page.state()["mode"] == "fly"
    assert page.tab.get_by_role("button", name="Orbit or fly (F)").get_attribute("aria-pressed") == "true"


def test_keys_are_for_the_scene_before_anybody_has_clicked_it(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz", width=800, height=500)
    page.wait("state.phase === 'complete'")
    keyboard, pose = page.tab.keyboard, "JSON.stringify(document.querySelector('splat-zip').viewer.controls.pose)"
    for nothing in ("x", "Control+u"):
        keyboard.press(nothing)
        assert page.tab.evaluate("document.activeElement.tagName") == "BODY"
    before = page.tab.evaluate(pose)
    keyboard.down("d")
    assert page.tab.evaluate(FOCUSED)[0].startswith("Scene")
    page.until(lambda: page.tab.evaluate(pose) != before)
    keyboard.up("d")  # of which another hears than of `down`
    page.tab.wait_for_timeout(300)
    before = page.tab.evaluate(pose)
    page.tab.wait_for_timeout(300)
    assert page.tab.evaluate(pose) == before


@pytest.mark.parametrize("size", [(390, 844), (844, 390), (320, 180)])
def test_on_a_touch_screen_the_help_is_about_fingers_and_buttons(server, opened, size):
    page = opened(f"{server.address}/?src=scene.splatz", width=size[0], height=size[1], has_touch=True, is_mobile=True)
    page.wait("state.phase === 'complete'")
    page.tab.get_by_role("button", name="Controls (H)").tap()
    help_ = page.tab.get_by_role("dialog", name="Controls")
    words = help_.inner_text()
    assert "Two fingers" in words
    assert "change which way is up" in words
    assert "Shift" not in words
    assert (
        help_.evaluate("(dialog) => dialog.scrollTop") == 0
    )  # from its beginning, also where it is longer than the page
    help_.get_by_role("button", name="Close").tap()
    assert not help_.is_visible()
    page.tab.locator("splat-zip canvas").focus()
    page.tab.keyboard.press("h")  # a keyboard that belongs to a tablet
    assert "Shift" in help_.inner_text()


def test_paper_shows_the_scene_as_wide_as_it_is_and_no_buttons(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz", width=800, height=500)
    page.wait("state.phase === 'complete'")
    page.tab.emulate_media(media="print")
    canvas = page.tab.locator("splat-zip canvas")
    assert canvas.is_visible()
    # No picture is drawn for paper, which is of another shape: Playwright cannot look at it, either.
    assert canvas.evaluate("(canvas) => getComputedStyle(canvas).objectFit") == "contain"
    assert not page.tab.locator("splat-zip .buttons").is_visible()


def test_an_element_told_of_another_scene_shows_that_one(server, opened, splatz):
    server.files["other.splatz"] = splatz
    page = opened(f"{server.address}/?src=missing.splatz", width=800, height=500)
    assert "The server cannot find missing.splatz" in page.words()
    page.tab.evaluate("document.querySelector('splat-zip').setAttribute('src', 'other.splatz')")
    assert page.wait("state.phase === 'complete'")["progress"]["splats"] == 20_000
    assert not page.tab.locator("splat-zip .problem").is_visible()


def test_a_link_is_copied_or_where_that_is_not_allowed_shown(server, opened):
    page = opened(
        f"{server.address}/?src=scene.splatz", width=800, height=500, permissions=["clipboard-read", "clipboard-write"]
    )
    page.wait("state.phase === 'complete'")
    says = page.tab.locator("splat-zip .says.shown")
    page.tab.keyboard.press("Tab")
    page.tab.keyboard.press("l")
    says.wait_for()
    assert page.tab.locator("splat-zip .says").inner_text() == "Link copied."  # stays when it is hidden again
    link = page.tab.evaluate("document.querySelector('splat-zip').viewer.link")
    assert "#camera=" in link
    assert page.tab.evaluate("navigator.clipboard.readText()") == link
    page.tab.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")  # as on http
    page.tab.get_by_role("button", name="Copy a link to this view (L)").click()
    assert says.inner_text() == link
