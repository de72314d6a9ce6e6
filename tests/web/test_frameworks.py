"""The element as frameworks handle it: made by scripts, moved, told of things in any order, rendered on servers."""

from __future__ import annotations

import io
import json
import shutil
import subprocess

import pytest
from PIL import Image

from splatzip.publish import bundle

pytestmark = pytest.mark.browser

START = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/viewer.js"></script>'
ELEMENT = "document.querySelector('splat-zip')"
POSE = f"{ELEMENT}.viewer.controls.pose"


def element(name: str = "scene.splatz") -> str:
    return f'<splat-zip src="{name}" ui="none" style="display:block;width:200px;height:150px"></splat-zip>'


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_where_a_server_renders_pages_the_module_can_be_imported():
    module = json.dumps((bundle.FOLDER / "viewer.js").as_uri())
    code = f"import({module}).then((web) => (web.findPartsIn('/its/folder/'), console.log(typeof web.load)))"
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("function\n", "")


def test_a_list_that_is_sorted_anew_loads_and_draws_its_scenes_on(server, opened):
    server.pages["list.html"] = START + f"<main>{element() * 2}</main>"
    page = opened(f"{server.address}/list.html")
    page.wait("state.phase === 'complete'")
    page.until(lambda: page.tab.evaluate(f"{ELEMENT}.nextElementSibling.viewer.store.state.phase") == "complete")
    asked = len(server.asked)
    kept = page.tab.evaluate(
        """() => {
            const [one, two] = document.querySelectorAll('splat-zip');
            const viewers = [two.viewer, one.viewer];
            one.parentElement.insertBefore(two, one);
            return [...document.querySelectorAll('splat-zip')].map((each, at) => each.viewer === viewers[at]);
        }"""
    )
    assert kept == [True, True]
    page.tab.evaluate(f"{ELEMENT}.background = '#f00'")

    def corner() -> tuple[int, ...]:
        picture = Image.open(io.BytesIO(page.tab.locator("splat-zip").first.screenshot())).convert("RGB")
        return tuple(picture.getpixel((0, 0)))

    page.until(lambda: corner() == (255, 0, 0), words=lambda: str(corner()))
    assert (len(server.asked), page.complaints) == (asked, [])


def test_what_is_taken_away_while_it_loads_gives_back_its_worker_and_its_connection(server, opened):
    server.gate = 20_000
    server.pages["one.html"] = START + element()
    page = opened(f"{server.address}/one.html")
    page.wait("state.progress.bytes > 0")
    ended = []
    page.tab.on("requestfailed", lambda request: ended.append(request.url))
    page.tab.evaluate(f"{ELEMENT}.remove()")
    page.until(lambda: ended and not page.tab.workers, words=lambda: f"{ended}, {page.tab.workers}")
    assert ended == [f"{server.address}/scene.splatz"]


def test_no_event_comes_while_a_script_still_sets_and_inserts_or_of_what_is_over_then(server, opened):
    server.pages["bare.html"] = START
    page = opened(f"{server.address}/bare.html")
    page.tab.wait_for_function("!!customElements.get('splat-zip')")
    heard = page.tab.evaluate(
        """() => new Promise((resolve) => {
            let isBusy = true;
            const heard = [];
            const element = document.createElement('splat-zip');
            element.addEventListener('splatzip-state', ({ detail }) => {
                heard.push([isBusy, detail.phase, detail === element.state]);
                if (detail.phase === 'stopped') resolve(heard);
            });
            document.body.append(element);
            element.setAttribute('src', 'missing.splatz');
            isBusy = false;
        })"""
    )
    assert [heard[0], heard[-1]] == [[False, "loading", True], [False, "stopped", True]]
    assert all(is_current and not is_busy for is_busy, _, is_current in heard)
    assert page.tab.evaluate(f"(() => {{ const gone = {ELEMENT}; gone.remove(); return gone.state }})()") is None


def test_a_page_hears_that_nothing_can_be_drawn(server, opened):
    listener = "addEventListener('splatzip-state', ({ detail }) => { window.heard = detail })"
    server.pages["heard.html"] = f"{START}<script>{listener}</script>{element()}"
    lacking = "HTMLCanvasElement.prototype.getContext = () => null"
    page = opened(f"{server.address}/heard.html", lacking=lacking)
    page.tab.wait_for_function("window.heard")
    assert page.tab.evaluate("[heard.phase, heard.problem.title]") == [
        "stopped",
        "This browser cannot show scenes: it has no WebGL 2.",
    ]


def test_settings_are_properties_too_whenever_they_are_set(server, opened):
    server.pages["own.html"] = (
        f'<!doctype html><link rel="icon" href="data:,">{element("missing.splatz")}'
        f"<script>Object.assign({ELEMENT}, {{ src: 'scene.splatz', maxSplats: 5000, link: true }})</script>"
        '<script type="module" src="/viewer.js"></script>'
    )
    page = opened(f"{server.address}/own.html")
    state = page.wait("state.phase === 'complete'")
    assert state["isLimited"]
    assert page.tab.evaluate(f"[{ELEMENT}.getAttribute('max-splats'), {ELEMENT}.getAttribute('link')]") == ["5000", ""]
    page.tab.evaluate(f"Object.assign({ELEMENT}, {{ maxSplats: null, link: false, src: 'missing.splatz' }})")
    assert page.tab.evaluate(f"{ELEMENT}.getAttributeNames()") == ["src", "ui", "style"]
    assert page.tab.evaluate(f"{ELEMENT}.src") == "missing.splatz"
    page.wait("state.phase === 'stopped'")


def test_another_way_up_turns_the_scene_and_loads_nothing_again(server, opened):
    server.gate = 20_000
    server.pages["one.html"] = START + element()
    page = opened(f"{server.address}/one.html")
    page.wait("state.progress.totalSplats !== null")
    page.tab.evaluate(f"{ELEMENT}.up = 'z'")  # while it opens
    assert page.tab.evaluate(POSE)["up"] == [0, 0, 1]
    server.open_gate()
    page.wait("state.phase === 'complete'")
    asked = len(server.asked)
    framed = page.tab.evaluate(POSE)
    assert framed["up"] == [0, 0, 1]
    fresh = opened(f"{server.address}/?src=scene.splatz&up=z&ui=none", width=200, height=150)
    fresh.wait("state.phase === 'complete'")
    assert fresh.tab.evaluate(POSE) == framed
    asked = len(server.asked)
    page.tab.evaluate(f"{ELEMENT}.look({{ ...{POSE}, position: [3, 1, 2] }})")
    for up, axis in (("-x", [-1, 0, 0]), (None, [0, -1, 0])):
        page.tab.evaluate(f"(up) => {{ {ELEMENT}.up = up }}", up)
        pose = page.tab.evaluate(POSE)
        assert (pose["up"], pose["target"]) == (axis, framed["target"])
    assert (page.state()["phase"], len(server.asked)) == ("complete", asked)


@pytest.mark.parametrize(
    ("link", "said"),
    [("", 'To keep that: up="z".'), (" link", 'A copied link keeps that, and up="z".')],
)
def test_who_turns_a_scene_is_told_how_to_keep_that(server, opened, link, said):
    server.pages["own.html"] = START + element().replace(' ui="none"', link)
    page = opened(f"{server.address}/own.html")
    page.wait("state.phase === 'complete'")
    page.tab.get_by_role("button", name="Change which way is up (U)").click()
    page.tab.locator("splat-zip .says.shown").wait_for()
    assert page.tab.locator("splat-zip .says").inner_text() == f"z is up now. {said}"  # stays when it is hidden again
