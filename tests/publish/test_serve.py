"""What the server hands out, with which headers, and what it keeps to itself."""

from __future__ import annotations

import dataclasses
import errno
import html
import http.client
import io
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

import splatzip
from splatzip import Scene, SceneMeta
from splatzip.errors import BackendError, FormatError, TruncatedError
from splatzip.publish import gallery, site


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(address: str, path: str, *, method: str = "GET", **headers: str) -> Answer:
    """One request, its path sent exactly as it is."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    got = connection.getresponse()
    answer = Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
    connection.close()
    return answer


def test_a_scene_is_sent_whole_or_in_ranges_and_never_compressed(shelf, splatz, served):
    with served(shelf) as at:
        whole = ask(at, "/files/one.splatz", Accept_Encoding="gzip, br")
        assert (whole.status, whole.body) == (200, splatz)
        assert "content-encoding" not in whole.headers
        assert whole.headers["content-type"] == "application/octet-stream"
        assert whole.headers["accept-ranges"] == "bytes"
        assert "no-transform" in whole.headers["cache-control"]
        part = ask(at, "/files/one.splatz", Range="bytes=32-99")
        assert (part.status, part.body) == (206, splatz[32:100])
        assert part.headers["content-range"] == f"bytes 32-99/{len(splatz)}"
        beyond = ask(at, "/files/one.splatz", Range=f"bytes={len(splatz)}-")
        assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(splatz)}")
        head = ask(at, "/files/one.splatz", method="HEAD")
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(splatz)))


def test_an_interrupted_download_goes_on_only_if_the_file_is_still_the_same(shelf, splatz, served):
    with served(shelf) as at:
        tag = ask(at, "/files/one.splatz", method="HEAD").headers["etag"]
        rest = ask(at, "/files/one.splatz", Range="bytes=50-", If_Range=tag)
        assert (rest.status, rest.body) == (206, splatz[50:])
        assert ask(at, "/files/one.splatz", If_None_Match=tag).status == 304
        (shelf / "one.splatz").write_bytes(splatz + b"!")
        whole = ask(at, "/files/one.splatz", Range="bytes=50-", If_Range=tag)
        assert (whole.status, whole.body) == (200, splatz + b"!")


def test_pages_of_other_sites_may_read_the_headers_that_resuming_needs(shelf, served):
    with served(shelf) as at:
        answer = ask(at, "/files/one.splatz", Origin="https://example.org", Range="bytes=0-9")
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert {"Content-Range", "Accept-Ranges", "Content-Length", "ETag"} <= exposed
        preflight = ask(
            at, "/files/one.splatz", method="OPTIONS", Origin="https://example.org",
            Access_Control_Request_Method="GET", Access_Control_Request_Headers="range,if-range",
        )  # fmt: skip
        assert preflight.status == 200
        assert "Range" in preflight.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    "path",
    [
        "/files/../secret.splatz",
        "/files/%2e%2e/secret.splatz",
        "/files/..%2fsecret.splatz",
        "/files/more%20of%20it/../../secret.splatz",
        "/files/..%5csecret.splatz",
        "/files//{above}/secret.splatz",
        "/files/%00",
        "/files/" + "a" * 5000,
        "/files/way-out.splatz",
        "/files/way-up/",
        "/files/way-up/secret.splatz",
        "/files/.hidden.splatz",
        "/files/notes.txt",
        "/files/later.ply",
        "/web/../pyproject.toml",
        "/web/%2e%2e/__init__.py",
        "/web/..%2f__init__.py",
        "/nothing",
    ],
)
def test_nothing_else_can_be_reached(shelf, served, path):
    with served(shelf) as at:
        answer = ask(at, path.format(above=shelf.parent))
        assert answer.status == 404
        assert len(answer.body) < 6000


def test_a_link_inside_the_folder_is_followed(shelf, splatz, served):
    with served(shelf) as at:
        assert ask(at, "/files/alias.splatz").body == splatz


def test_nothing_can_be_written(shelf, served):
    with served(shelf) as at:
        for method in ("PUT", "POST", "DELETE"):
            assert ask(at, "/files/one.splatz", method=method).status == 405


def test_the_gallery_shows_scenes_folders_and_what_to_do_about_the_rest(shelf, served):
    with served(shelf) as at:
        home = ask(at, "/")
        assert (home.status, home.headers["location"]) == (307, "/files/")
        page = ask(at, "/files/").text
        assert "Nine &lt;hundred&gt;" in page
        assert "900 splats" in page
        assert 'href="/web/?src=../files/one.splatz"' in page
        assert 'href="more%20of%20it/"' in page
        assert "bad.splatz: the file is cut" in page
        assert "splatzip compress later.ply later.splatz" in page
        for name in ("secret", "hidden", "notes", "way-"):
            assert name not in page
        assert ask(at, "/files/more%20of%20it").headers["location"] == "/files/more%20of%20it/"
        below = ask(at, "/files/more%20of%20it/").text
        assert "src=../files/more%2520of%2520it/tv%25C3%25A5%2520%2526%2520three.splatz" in below


def test_the_gallery_has_a_picture_of_each_scene_from_where_it_is_looked_at(shelf, scene, served):
    seen = np.zeros((1, 3), np.float32)
    one = dict(rotations=[[1, 0, 0, 0]], opacity_logits=[9.0], log_scales=np.full((1, 3), -1.0))
    camera = {"position": [0, 0, -5], "target": [0, 0, 0]}
    red = Scene(seen, sh=[[[1.7, -1.7, -1.7]]], meta=SceneMeta(camera=camera), **one)
    away = SceneMeta(camera={"position": [0, 0, -5], "target": [0, 0, -9]})
    (shelf / "red.splatz").write_bytes(splatzip.compress(red, preset="fast"))
    (shelf / "away.splatz").write_bytes(splatzip.compress(dataclasses.replace(red, meta=away), preset="fast"))
    with served(shelf) as at:
        assert '<img src="/pictures/one.splatz"' in ask(at, "/files/").text
        assert 'src="/pictures/more%20of%20it/tv%C3%A5%20%26%20three.splatz"' in ask(at, "/files/more%20of%20it/").text
        answer = ask(at, "/pictures/red.splatz")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
        pixels = np.asarray(Image.open(io.BytesIO(answer.body)))
        assert pixels.shape == (250, 400, 3)
        middle = pixels[125, 200].astype(int)
        assert middle[0] > 200 > 60 > max(middle[1:])
        assert np.asarray(Image.open(io.BytesIO(ask(at, "/pictures/away.splatz").body))).max() < 40
        assert ask(at, "/pictures/one.splatz").status == 200  # says nothing of where to look from


def test_where_there_is_no_scene_there_is_no_picture(shelf, served):
    with served(shelf) as at:
        for path in ("bad.splatz", "notes.txt", "../secret.splatz", "%2e%2e/secret.splatz", ".hidden.splatz", ""):
            assert ask(at, f"/pictures/{path}").status == 404, path


def test_the_client_comes_with_the_types_that_browsers_insist_on(shelf, served):
    with served(shelf) as at:
        types = {name: ask(at, f"/web/{name}").headers["content-type"] for name in ("", "viewer.js", "decoder.wasm")}
        assert types == {
            "": "text/html; charset=utf-8",
            "viewer.js": "text/javascript",
            "decoder.wasm": "application/wasm",
        }


def test_of_one_file_its_folder_is_not_shown(shelf, splatz, served):
    with served(shelf / "one.splatz") as at:
        assert ask(at, "/").headers["location"] == "/web/?src=../files/one.splatz"
        assert ask(at, "/files/one.splatz").body == splatz
        for path in ("/files/", "/files/alias.splatz", "/files/more%20of%20it/"):
            assert ask(at, path).status == 404


def test_a_scene_in_another_format_is_compressed_first_and_loses_no_splat(shelf, scene, served):
    with served(shelf / "later.ply") as at:
        assert ask(at, "/").headers["location"] == "/web/?src=../files/later.splatz"
        assert splatzip.info(ask(at, "/files/later.splatz").body)["splats"] == len(scene)
    assert not (shelf / "later.splatz").exists()


def test_a_name_that_is_no_text_hides_no_other(shelf, splatz, served):
    strange = shelf / os.fsdecode(b"b\xe4r.splatz")
    strange.write_bytes(splatz)
    with served(shelf) as at:
        page = ask(at, "/files/")
        assert (page.status, 'href="/web/?src=../files/one.splatz"' in page.text) == (200, True)
    with served(strange) as at:
        assert ask(at, "/").headers["location"] == "/web/?src=../files/br.splatz"
        assert splatzip.info(ask(at, "/files/br.splatz").body)["splats"] == 900


def test_what_cannot_be_read_hides_no_other(shelf, splatz, served, monkeypatch):
    (shelf / "locked.splatz").write_bytes(splatz)
    (shelf / "locked folder").mkdir()
    access = os.access  # who tests as root may read everything
    monkeypatch.setattr(os, "access", lambda path, mode: "locked" not in os.fspath(path) and access(path, mode))
    with served(shelf) as at:
        page = ask(at, "/files/")
        assert page.status == 200
        assert "one.splatz" in page.text
        assert "locked" not in page.text
        for path in ("/files/locked.splatz", "/files/locked%20folder/", "/pictures/locked.splatz"):
            assert ask(at, path).status == 404


def test_a_scene_that_goes_while_it_is_looked_at_is_named_without_its_path(shelf, served, monkeypatch):
    def gone(path, *_):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))

    monkeypatch.setattr(gallery, "facts_of", gone)
    monkeypatch.setattr(site, "thumbnail", gone)
    with served(shelf) as at:
        page, picture = ask(at, "/files/"), ask(at, "/pictures/one.splatz")
    assert (page.status, picture.status) == (200, 404)
    assert "<b>one.splatz</b><p class=bad>No such file or directory</p>" in page.text
    assert str(shelf) not in page.text + picture.text


def test_a_name_is_no_command_for_who_copies_its_line(shelf, served):
    (shelf / "$(touch pwned).ply").write_bytes(b"ply")
    (shelf / "-rf.ply").write_bytes(b"ply")
    with served(shelf) as at:
        page = html.unescape(ask(at, "/files/").text)
    assert "splatzip compress '$(touch pwned).ply' '$(touch pwned).splatz'<" in page
    assert "splatzip compress ./-rf.ply ./-rf.splatz<" in page


def test_what_cannot_be_served_is_refused_before_anybody_is_told_an_address(shelf):
    def never(address: str) -> None:
        raise AssertionError(address)

    with pytest.raises(TruncatedError, match=r"bad\.splatz: the file is cut"):
        splatzip.serve(shelf / "bad.splatz", port=0, ready=never)
    with pytest.raises(FormatError, match=r"notes\.txt"):
        splatzip.serve(shelf / "notes.txt", port=0, ready=never)
    with pytest.raises(FileNotFoundError):
        splatzip.serve(shelf / "no.splatz", port=0, ready=never)
    with pytest.raises(FormatError, match="axes are those of one scene, not of a folder"):
        splatzip.serve(shelf, axes="RUB", port=0, ready=never)
    with pytest.raises(BackendError, match=r"1\.2\.3\.4 is no address of this machine; name another with --host"):
        splatzip.serve(shelf, host="1.2.3.4", port=8000, ready=never)
