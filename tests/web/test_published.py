"""Scenes as they are published: one page from disk, a site on a plain file server, a folder by `serve`."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

import splatzip
from splatzip.publish.listener import Listener
from splatzip.publish.scenes import Shelf
from splatzip.publish.site import application

pytestmark = pytest.mark.browser


def test_one_page_shows_its_scene_from_disk_and_asks_nobody(tmp_path, splatz, opened):
    (tmp_path / "chair.splatz").write_bytes(splatz)
    splatzip.export_html(tmp_path / "chair.splatz", tmp_path / "chair.html")
    viewer = opened((tmp_path / "chair.html").as_uri(), offline=True)
    assert viewer.wait("state.phase === 'complete'")["progress"]["splats"] == 20_000
    assert viewer.complaints == []
    assert viewer.tab.locator("#splatzip-waits").count() == 0
    assert [url for url in viewer.requests if not url.startswith(("file:", "blob:", "data:"))] == []
    assert sum(url.startswith("file:") for url in viewer.requests) == 1


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_site_shows_its_scene_from_a_file_server_that_knows_nothing(tmp_path, splatz, opened):
    """That of Python: no ranges, no ETag, no CORS."""
    (tmp_path / "chair.splatz").write_bytes(splatz)
    splatzip.export_web(tmp_path / "chair.splatz", tmp_path / "site")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=tmp_path)) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        viewer = opened(f"http://127.0.0.1:{httpd.server_port}/site/")
        state = viewer.wait("state.phase === 'complete'")
        httpd.shutdown()
    assert (state["progress"]["splats"], state["problem"], viewer.complaints) == (20_000, None, [])


STRICT = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"


@pytest.mark.parametrize(
    ("script", "policy"), [("./no.js", None), ("./no.js", STRICT), ("./viewer.bin", None), ("./viewer.js", None)]
)
def test_a_site_whose_script_does_not_run_says_why(tmp_path, splatz, opened, server, script, policy):
    """Missing, sent as another type, or opened from disk; also where a policy refuses the page's own style."""
    (tmp_path / "chair.splatz").write_bytes(splatz)
    splatzip.export_web(tmp_path / "chair.splatz", tmp_path / "site")
    address = (tmp_path / "site" / "index.html").as_uri()
    if script != "./viewer.js":
        server.headers |= {"Content-Security-Policy": policy} if policy else {}
        server.files["viewer.bin"] = (tmp_path / "site" / "viewer.js").read_bytes()  # application/octet-stream
        index = (tmp_path / "site" / "index.html").read_text("utf-8")
        assert index.count("./viewer.js") == 1
        server.pages["site.html"] = index.replace("./viewer.js", script)
        address = f"{server.address}/site.html"
    words = opened(address, width=800, height=500).tab.locator("#splatzip-waits")
    words.wait_for(state="visible", timeout=60_000)
    assert "viewer.js is missing beside this page" in words.inner_text()


@contextmanager
def served(folder):
    """The address of a folder that `serve` serves."""
    with Listener("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=listener.serve, args=[application(Shelf(folder.resolve()))], daemon=True)
        thread.start()
        yield listener.address
        listener.stop()
        thread.join(30)


@pytest.fixture
def folder(tmp_path, splatz):
    (tmp_path / "served" / "a & b").mkdir(parents=True)
    (tmp_path / "served" / "one.splatz").write_bytes(splatz)
    (tmp_path / "served" / "a & b" / "zwei +50%.splatz").write_bytes(splatz)
    return tmp_path / "served"


def test_from_the_gallery_every_scene_can_be_reached_by_keyboard(folder, opened):
    with served(folder) as address:
        page = opened(address)
        tab = page.tab
        assert tab.locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 400
        tab.keyboard.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert (tab.evaluate("document.activeElement.innerText.split('\\n')[0]"), tab.evaluate(outline)) == (
            "one.splatz",
            "solid",
        )
        tab.keyboard.press("Tab")
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/a%20%26%20b/")
        tab.keyboard.press("Tab")
        tab.keyboard.press("Enter")
        tab.wait_for_url(re.compile(r"/web/\?src="))
        assert page.wait("state.phase === 'complete'")["progress"]["splats"] == 20_000
        assert page.complaints == []


def test_a_page_of_another_site_shows_a_served_scene_in_ranges_and_with_the_served_viewer(folder, server, opened):
    with served(folder) as address:
        server.pages["mine.html"] = (
            f'<!doctype html><link rel="icon" href="data:,"><script type="module" src="{address}web/viewer.js">'
            f'</script><splat-zip src="{address}files/one.splatz" style="height:200px"></splat-zip>'
        )
        page = opened(f"{server.address}/mine.html")
        answers = []
        page.tab.on("response", lambda response: answers.append((response.url, response.status)))
        page.tab.reload()
        assert page.wait("state.phase === 'complete'")["progress"]["splats"] == 20_000
        assert {status for url, status in answers if url.endswith("one.splatz")} == {206}
        assert page.complaints == []
