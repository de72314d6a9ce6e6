"""The element in pages of other people: beside another one, under their policies, on their screens, with their code."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import splatzip
from splatzip.publish import bundle

pytestmark = pytest.mark.browser

START = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/viewer.js"></script>'
CANVAS = "document.querySelector('splat-zip').shadowRoot.querySelector('canvas')"
POSE = "document.querySelector('splat-zip').viewer.controls.pose"


def test_two_scenes_in_one_page_are_both_drawn(server, opened):
    one = '<splat-zip src="scene.splatz" background="#000" ui="none" style="width:300px;height:200px"></splat-zip>'
    server.pages["two.html"] = START + 2 * one
    page = opened(f"{server.address}/two.html", width=320, height=420)
    elements = page.tab.locator("splat-zip")

    def drawn(which: int) -> bool:
        picture = Image.open(io.BytesIO(elements.nth(which).screenshot())).convert("RGB")
        return bool(np.asarray(picture).std() > 10)

    page.until(lambda: drawn(0) and drawn(1), words=lambda: f"{drawn(0)}, {drawn(1)}; {page.complaints}")
    assert page.complaints == []


def test_a_page_says_where_the_parts_are_before_its_elements_look_for_them(server, opened):
    for name in ("worker.js", "decoder.wasm"):
        server.files[f"parts/{name}"] = (bundle.FOLDER / name).read_bytes()
    server.pages["assets/viewer.js"] = (bundle.FOLDER / "viewer.js").read_text("utf-8")
    server.pages["own.html"] = (
        '<!doctype html><link rel="icon" href="data:,"><script type="module">'
        "import { findPartsIn } from '/assets/viewer.js'; findPartsIn('/parts/')</script>"
        '<splat-zip src="scene.splatz" style="height:200px"></splat-zip>'
    )
    page = opened(f"{server.address}/own.html")
    assert page.wait("state.phase !== 'loading' && state.phase !== 'starting'")["problem"] is None
    assert page.complaints == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("decoder.wasm", b"<!doctype html><title>my app</title>", "decoder.wasm is no WebAssembly"),
        ("worker.js", b"<!doctype html><title>my app</title>", "worker.js did not start"),
    ],
)
def test_a_web_page_in_place_of_a_part_is_said_with_where_it_must_be(server, opened, name, content, said):
    server.files[name] = content
    words = opened(f"{server.address}/?src=scene.splatz").words()
    assert said in words
    assert "must lie beside viewer.js" in words


def test_a_part_that_cannot_be_fetched_is_said_without_blaming_what_is_not_known(server, opened):
    page = opened(f"{server.address}/")
    page.tab.route("**/worker.js", lambda route: route.abort())
    page.tab.evaluate("document.querySelector('splat-zip').setAttribute('src', 'scene.splatz')")
    page.wait("state.problem?.title.includes('part of the viewer')")
    words = page.words()
    assert "worker.js cannot be fetched: there is no connection, or it must lie beside viewer.js" in words
    assert "undefined" not in words


def test_scenes_that_come_and_go_take_no_canvas_away_from_one_that_stays(server, opened):
    server.pages["own.html"] = START + '<splat-zip src="scene.splatz" style="height:150px"></splat-zip>'
    page = opened(f"{server.address}/own.html")
    page.wait("state.phase === 'complete'")
    page.tab.evaluate(
        """() => {
            for (let i = 0; i < 20; i++) {
                const other = document.createElement('splat-zip');
                other.setAttribute('src', 'missing.splatz');
                document.body.append(other);
                other.remove();
            }
        }"""
    )
    page.until(lambda: page.tab.evaluate(f"{CANVAS}.getContext('webgl2').isContextLost()") is False)
    page.until(lambda: page.picture_now().std() > 0.02)
    assert (page.state()["phase"], page.state()["problem"], page.complaints) == ("complete", None, [])


STARTED = """const Plain = Worker;
window.Worker = class extends Plain {
    constructor(address, options) {
        super(address, options);
        const tell = () => { window.started = true };
        if (String(address).endsWith('worker.js')) this.addEventListener('message', tell);
    }
}"""


@pytest.mark.parametrize(("name", "seconds", "attempts"), [("decoder.wasm", 20, 4), ("worker.js", 60, 1)])
def test_a_part_of_the_viewer_that_never_comes_is_said_and_can_be_tried_again(
    server, opened, splatz, name, seconds, attempts
):
    page = opened(f"{server.address}/")
    stalled = []
    page.tab.route(f"**/{name}", lambda route: stalled.append(route))  # and nothing more
    page.tab.add_init_script(STARTED)
    page.tab.clock.install()
    page.tab.goto(f"{server.address}/?src=scene.splatz")
    page.wait(f"state.progress.bytes === {len(splatz)}")  # else that might be what has not come
    page.until(lambda: name == "worker.js" or page.tab.evaluate("window.started"))
    for attempt in range(attempts):
        page.until(lambda attempt=attempt: len(stalled) > attempt)
        page.tab.clock.fast_forward(1000 * seconds)
    assert f"{name} has not come" in page.words()
    page.tab.unroute(f"**/{name}")
    page.tab.clock.resume()
    page.tab.get_by_role("button", name="Try again").click()
    assert page.wait("state.phase === 'complete'")["problem"] is None
    assert stalled


def test_a_value_that_an_attribute_cannot_have_is_said_once(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz&controls=walk&ui=none")
    page.wait("state.phase === 'complete'")
    doubt = '<splat-zip>: controls="walk" is not known; it may be orbit or fly'
    assert page.complaints == [doubt]
    page.tab.evaluate("document.querySelector('splat-zip').setAttribute('background', '#fff')")
    page.tab.evaluate("document.querySelector('splat-zip').setAttribute('up', 'skyward')")
    assert page.complaints[1:] == ['<splat-zip>: up="skyward" is not known; it may be -y, z, y, -z, x, -x']


def test_a_connection_that_fails_for_the_decoder_is_tried_again(server, opened):
    page = opened(f"{server.address}/")
    failures = []

    def fail_once(route):
        failures.append(route)
        route.abort() if len(failures) == 1 else route.continue_()

    page.tab.route("**/decoder.wasm", fail_once)
    page.tab.goto(f"{server.address}/?src=scene.splatz")
    assert page.wait("state.phase === 'complete'")["problem"] is None
    assert len(failures) == 2


POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"


def test_a_policy_without_inline_styles_leaves_everything_where_it_belongs(server, opened):
    server.headers["Content-Security-Policy"] = f"{POLICY}; worker-src 'self' blob:"
    page = opened(f"{server.address}/?src=scene.splatz", width=800, height=500)
    page.wait("state.phase === 'complete'")
    assert page.tab.locator("splat-zip").bounding_box() == {"x": 0, "y": 0, "width": 800, "height": 500}
    assert page.tab.locator("splat-zip canvas").bounding_box()["height"] == 500
    assert page.tab.locator("#splatzip-waits").count() == 0
    buttons = page.tab.locator("splat-zip .buttons").bounding_box()
    assert buttons["x"] > 400
    assert 430 < buttons["y"] < 490


def test_a_policy_that_lets_no_splats_be_sorted_is_said_in_words(server, opened):
    server.headers["Content-Security-Policy"] = POLICY
    assert "worker-src 'self' blob:" in opened(f"{server.address}/?src=scene.splatz").words()


def test_bytes_that_were_handed_over_stay_the_callers(server, opened, splatz):
    server.pages["bare.html"] = '<!doctype html><link rel="icon" href="data:,">'
    page = opened(f"{server.address}/bare.html")
    found = page.tab.evaluate(
        """async () => {
            const { load } = await import('/viewer.js');
            const bytes = new Uint8Array(await (await fetch('/scene.splatz')).arrayBuffer());
            const counts = [];
            for (let i = 0; i < 2; i++) counts.push((await load(bytes)).end.count);
            return [...counts, bytes.length];
        }"""
    )
    assert found == [20_000, 20_000, len(splatz)]
    assert page.complaints == []


def test_one_page_from_disk_shows_its_scene_again_when_the_canvas_was_taken_away(tmp_path, splatz, opened):
    (tmp_path / "chair.splatz").write_bytes(splatz)
    splatzip.export_html(tmp_path / "chair.splatz", tmp_path / "chair.html")
    page = opened((tmp_path / "chair.html").as_uri(), offline=True)
    page.wait("state.phase === 'complete'")
    page.tab.evaluate(f"window.loss = {CANVAS}.getContext('webgl2').getExtension('WEBGL_lose_context')")
    page.tab.evaluate("loss.loseContext()")
    assert "The browser stopped drawing this scene." in page.words()
    page.tab.evaluate("loss.restoreContext()")
    state = page.wait("state.phase === 'complete' || state.problem?.title.includes('file')")
    assert (state["problem"], state["progress"]["splats"]) == (None, 20_000)


def test_another_screen_has_other_pixels(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz")
    page.wait("state.phase === 'complete'")
    sizes = f"(() => {{ const {{ width, clientWidth }} = {CANVAS}; return width / clientWidth }})()"
    page.until(lambda: page.tab.evaluate(sizes) == 1)
    screen = {"width": 400, "height": 300, "deviceScaleFactor": 1.5, "mobile": False}
    page.tab.context.new_cdp_session(page.tab).send("Emulation.setDeviceMetricsOverride", screen)
    page.until(lambda: page.tab.evaluate(sizes) == 1.5, words=lambda: str(page.tab.evaluate(sizes)))


def test_a_canvas_of_another_size_is_drawn_before_anybody_sees_it(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz&background=fff&ui=none")
    page.wait("state.phase === 'complete'")
    page.still_picture()
    found = page.tab.evaluate(
        f"""() => new Promise((resolve) => {{
            const canvas = {CANVAS}, paper = new OffscreenCanvas(1, 1).getContext('2d');
            // Behind whatever changed the canvas, and before that is shown.
            new MutationObserver(() => {{
                paper.drawImage(canvas, 0, 0, 1, 1, 0, 0, 1, 1);
                resolve([canvas.width, ...paper.getImageData(0, 0, 1, 1).data]);
            }}).observe(canvas, {{ attributes: true, attributeFilter: ['width'] }});
            Object.assign(document.querySelector('splat-zip').style, {{ right: 'auto', width: '350px' }});
        }})"""
    )
    assert found == [350, 255, 255, 255, 255]


def test_in_a_small_element_words_and_buttons_are_whole(server, opened):
    server.statuses = [404]
    page = opened(f"{server.address}/?src=scene.splatz", width=160, height=200)
    page.words()
    store = "document.querySelector('splat-zip').viewer.store"
    page.tab.evaluate(f"{store}.set({{ progress: {{ ...{store}.state.progress, splats: 1 }} }})")  # words stand beside
    assert page.tab.locator("splat-zip .problem").bounding_box()["y"] >= 0
    for button in page.tab.locator("splat-zip .buttons button").all():
        box = button.bounding_box()
        assert box["x"] + box["width"] <= 160


def test_words_are_whole_in_a_page_that_writes_from_right_to_left_and_has_set_much_for_its_own(server, opened):
    server.pages["own.html"] = START.replace("<!doctype html>", '<!doctype html><html dir="rtl" lang="ar">') + (
        "<style>body { letter-spacing: .3em; word-spacing: 1em; white-space: pre; text-transform: uppercase }</style>"
        '<splat-zip src="scene.splatz" style="width:390px;height:300px"></splat-zip>'
    )
    page = opened(f"{server.address}/own.html")
    page.wait("state.phase === 'complete'")
    page.tab.get_by_role("button", name="Controls (H)").click()
    help_, whole = page.tab.get_by_role("dialog", name="Controls"), page.tab.locator("splat-zip").bounding_box()
    box = help_.bounding_box()
    assert box["x"] >= whole["x"]
    assert box["x"] + box["width"] <= whole["x"] + whole["width"]
    assert help_.evaluate("(dialog) => dialog.scrollWidth - dialog.clientWidth") == 0
    assert "Wheel, pinch, + and -" in help_.inner_text()  # as it looks: also in which case
    order = help_.evaluate(
        "(dialog) => [...dialog.querySelectorAll('h2, button')].map((e) => e.getBoundingClientRect().x)"
    )
    assert order == sorted(order)
    assert help_.get_attribute("lang") == "en"


def test_what_a_router_keeps_in_the_history_stays_there(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz")
    page.wait("state.phase === 'complete'")
    page.tab.evaluate("history.replaceState({ key: 'a router' }, '')")
    page.tab.evaluate(f"document.querySelector('splat-zip').look({{ ...{POSE}, fovDegrees: 40 }})")
    page.until(lambda: "camera" in page.tab.evaluate("location.href"))
    assert page.tab.evaluate("history.state") == {"key": "a router"}


def test_another_background_or_way_to_move_loads_nothing_again(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz&ui=none")
    page.wait("state.phase === 'complete'")
    asked = len(server.asked)
    set_to = "([name, value]) => document.querySelector('splat-zip').setAttribute(name, value)"
    page.tab.evaluate(set_to, ["controls", "fly"])
    page.tab.evaluate(set_to, ["background", "#f00"])
    assert page.state()["mode"] == "fly"
    page.until(lambda: page.picture_now()[0, 0].tolist() == [1, 0, 0], words=lambda: str(page.picture_now()[0, 0]))
    assert (page.state()["phase"], len(server.asked)) == ("complete", asked)
    page.tab.evaluate("document.querySelector('splat-zip').removeAttribute('ui')")
    assert page.tab.locator("splat-zip .buttons").count() == 1


def test_a_look_that_lacks_something_is_refused_in_words_and_changes_nothing(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz")
    page.wait("state.phase === 'complete'")
    before = page.tab.evaluate(POSE)
    look = "(pose) => { try { document.querySelector('splat-zip').look(pose) } catch (error) { return error.message } }"
    for lacking in ({"up": None}, {"fovDegrees": "wide"}, {"target": [0, 0]}):
        assert "all four are needed" in page.tab.evaluate(look, before | lacking)
    assert page.tab.evaluate(POSE) == before


def test_plus_and_minus_zoom_wherever_a_keyboard_has_them(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz&ui=none")
    page.wait("state.phase === 'complete'")
    assert page.tab.evaluate(f"{CANVAS}.ariaLabel") == "Scene"  # without words nothing explains the keys
    press = f"""([key, code]) => {{
        const pose = () => {POSE};
        const away = () => Math.hypot(...pose().position.map((x, axis) => x - pose().target[axis]));
        const before = away();
        for (const type of ['keydown', 'keyup']) {CANVAS}.dispatchEvent(new KeyboardEvent(type, {{ key, code }}));
        return Math.sign(away() - before);
    }}"""
    assert page.tab.evaluate(press, ["+", "BracketRight"]) == -1  # German
    assert page.tab.evaluate(press, ["-", "Slash"]) == 1
