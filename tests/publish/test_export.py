"""One offline page and a site to upload: what they hold, and what they refuse."""

from __future__ import annotations

import base64
import errno
import json
import os
import re
import shutil

import pytest

import splatzip
from splatzip import SceneMeta
from splatzip.errors import BackendError, FormatError


def held(page: str, name: str) -> bytes:
    """The bytes in a script element of the page that no browser runs."""
    found = re.search(f'<script type="text/plain" id="splatzip-{name}">([^<]*)</script>', page)
    assert found is not None
    return base64.b64decode(found[1])


def settings(page: str) -> dict[str, object]:
    found = re.search('<script type="application/json" id="splatzip-settings">(.*?)</script>', page)
    assert found is not None
    return json.loads(found[1])


def test_one_page_holds_scene_decoder_and_client(shelf, splatz, client):
    splatzip.export_html(shelf / "one.splatz", shelf / "out.html")
    page = (shelf / "out.html").read_text("utf-8")
    assert held(page, "scene") == splatz
    assert held(page, "worker") == (client / "worker.js").read_bytes()
    assert held(page, "decoder") == b"\0asm"
    assert "<title>Nine &lt;hundred&gt;</title>" in page
    assert not re.search(r'(src|href)="', page)
    assert page.index("Content-Security-Policy") < page.index("<script")
    assert "splatzip-waits" not in page  # it has no viewer.js that could be missing


def test_no_script_of_the_page_ends_before_its_end(shelf):
    splatzip.export_html(shelf / "one.splatz", shelf / "out.html")
    page = (shelf / "out.html").read_text("utf-8")
    assert page.count("</script>") == page.count("<script ")
    assert "<!--" not in page


def test_a_site_lies_in_one_folder_and_names_its_scene(shelf, splatz, client):
    source = shelf / "more of it" / "två & three.splatz"
    splatzip.export_web(source, shelf / "site")
    files = {file.name: file.read_bytes() for file in (shelf / "site").iterdir()}
    name = str(settings(files["index.html"].decode())["src"]).removeprefix("./")
    assert files.pop(name) == splatz
    assert re.fullmatch(r"[\w.-]+\.splatz", name, re.ASCII)
    assert files.keys() == {"index.html", "viewer.js", "worker.js", "decoder.wasm"}
    assert files["viewer.js"] == (client / "viewer.js").read_bytes()


def test_a_scene_in_another_format_is_compressed_first(shelf, scene):
    splatzip.export_html(shelf / "later.ply", shelf / "out.html")
    data = held((shelf / "out.html").read_text("utf-8"), "scene")
    assert splatzip.info(data)["splats"] == len(scene)


def test_a_scene_too_large_for_one_page_is_refused_with_the_way_out(shelf, monkeypatch):
    monkeypatch.setattr("splatzip.publish.export.MAX_OFFLINE_BYTES", 1000)
    with pytest.raises(FormatError, match="too many for one page; use export-web"):
        splatzip.export_html(shelf / "one.splatz", shelf / "out.html")
    assert not (shelf / "out.html").exists()


def test_without_a_built_client_the_error_says_what_builds_it(shelf, client):
    (client / "worker.js").unlink()
    with pytest.raises(BackendError, match=r"lacks worker\.js; run scripts/build-web"):
        splatzip.export_web(shelf / "one.splatz", shelf / "site")


def test_a_scene_whose_name_is_no_text_is_exported(shelf, splatz):
    name = shelf / os.fsdecode(b"b\xe4r.splatz")
    name.write_bytes(splatzip.compress(splatzip.load(shelf / "one.splatz").edited(meta=SceneMeta()), preset="fast"))
    splatzip.export_html(name, shelf / "out.html")
    assert "<title>b?r</title>" in (shelf / "out.html").read_text("utf-8")
    splatzip.export_web(name, shelf / "site")
    assert "<title>b?r</title>" in (shelf / "site" / "index.html").read_text("utf-8")


def test_a_full_disk_is_said_of_what_is_written(shelf, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(target))

    before = set(shelf.iterdir())
    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(shutil, "copyfile", full)
    for export, target in ((splatzip.export_html, shelf / "out.html"), (splatzip.export_web, shelf / "site")):
        with pytest.raises(OSError, match="No space left") as refusal:
            export(shelf / "one.splatz", target)
        assert (refusal.value.filename, refusal.value.filename2) == (str(target), None)
    assert set(shelf.iterdir()) == before


def test_nothing_half_made_stays_behind_an_error(shelf, client):
    before = set(shelf.iterdir())
    (client / "index.html").write_text("no marks")
    for export in (splatzip.export_html, splatzip.export_web):
        with pytest.raises(ValueError, match="not enough values"):
            export(shelf / "one.splatz", shelf / "out")
    assert set(shelf.iterdir()) == before
