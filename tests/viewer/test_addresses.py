"""What the viewer answers beside Gradio's own addresses, and what it refuses."""

from __future__ import annotations

import io
import json
import resource
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import splatzip
from splatzip_viewer.addresses import routes
from splatzip_viewer.guards import guards

from .conftest import some_scene

POSE = {"position": [0, 0, -5], "target": [0, 0, 0], "up": [0, -1, 0]}
PICTURE = {"pose": POSE, "width": 60, "height": 40, "quality": 90, "layers": [["ref", "color"], ["test", "color"]]}


@pytest.fixture
def client(sessions):
    async def said(request):
        return PlainTextResponse((await request.body()).decode())

    beside = [Route(f"/{path}", said, methods=["GET", "POST"]) for path in ("config", "login", "gradio_api/queue/join")]
    application = Starlette(routes=[*routes(sessions, 100_000), *beside], middleware=guards("127.0.0.1"))
    return TestClient(application, base_url="http://127.0.0.1:7860")


def test_a_picture_is_a_jpeg_of_its_layers_and_says_what_was_measured(client, session):
    answer = client.post(f"/splatzip/{session.token}/picture", json={**PICTURE, "measure": True})
    assert answer.status_code == 200
    assert Image.open(io.BytesIO(answer.content)).size == (60, 80)
    facts = json.loads(answer.headers["x-splatzip"])
    assert facts["width"] == 60
    assert 15 < facts["psnr"] < 60


def test_requests_that_make_no_sense_are_answered_in_words(client, session):
    address = f"/splatzip/{session.token}/picture"
    assert client.post(address, content=b"{").status_code == 400
    wrong = client.post(address, json={**PICTURE, "layers": [["ref", "magic"]]})
    assert (wrong.status_code, wrong.text) == (422, "unknown layers of a picture, or too many")
    assert client.post(address, content=b" " * 20_000).status_code == 413
    unknown = client.post("/splatzip/nobody/picture", json=PICTURE)
    assert (unknown.status_code, unknown.text) == (422, "this page was closed on the server; load it again")


def test_an_upload_that_the_servers_disk_does_not_take_is_refused_in_words(client, session, ply):
    before = list(session.folder.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        answer = client.put(f"/splatzip/{session.token}/upload/large.ply", content=ply.read_bytes())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (answer.status_code, answer.text) == (507, "the server cannot keep this file: File too large")
    assert list(session.folder.iterdir()) == before


def test_results_are_sent_and_nothing_else_of_the_machine_is(client, session, tmp_path):
    (session.folder / "result.splatz").write_bytes(b"12345")
    address = f"/splatzip/{session.token}/files"
    whole = client.get(f"{address}/result.splatz")
    assert whole.content == b"12345"
    assert "attachment" in whole.headers["content-disposition"]
    assert client.get(f"{address}/result.splatz", headers={"range": "bytes=1-2"}).content == b"23"
    for name in ("..%2f..%2fgiven.ply", "%2e%2e/given.ply", "%2fetc%2fpasswd", "none", ".."):
        assert client.get(f"{address}/{name}").status_code == 404
    assert client.get("/splatzip/nobody/files/result.splatz").status_code == 404


def test_scripts_of_the_view_are_sent_with_their_types_and_no_other_file(client):
    answer = client.get("/splatzip/look/look.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "export function mount" in answer.text
    for name in ("..%2fserve.py", "nothing.js", "%2e%2e%2f__init__.py"):
        assert client.get(f"/splatzip/look/{name}").status_code == 404


def test_a_request_by_another_name_than_this_machines_is_refused(client):
    assert client.get("/splatzip/look/look.js", headers={"host": "evil.example"}).status_code == 400


def test_an_upload_is_opened_under_a_plain_name(client, session, ply):
    address = f"/splatzip/{session.token}/upload/"
    assert client.put(f"{address}..%2f..%2fa.ply", content=ply.read_bytes()).status_code == 404
    answer = client.put(f"{address}..%5c.my%20sc<e>ne.ply", content=ply.read_bytes())
    assert (answer.status_code, answer.text) == (200, "")
    assert session.ref.name == "_.my sc_e_ne.ply"
    assert session.test is None
    assert session.folder in session.ref.path.parents


def test_an_upload_can_be_compared_with_what_is_open(client, session, sessions, coarse):
    ref = session.ref
    assert (
        client.put(f"/splatzip/{session.token}/upload/b.splatz?as=test", content=coarse.read_bytes()).status_code == 200
    )
    assert (session.ref, session.test.name) == (ref, "b.splatz")
    empty = sessions.of_page("empty")
    refused = client.put(f"/splatzip/{empty.token}/upload/b.splatz?as=test", content=coarse.read_bytes())
    assert (refused.status_code, refused.text) == (422, "first open the scene to compare it with")


def test_a_bad_upload_is_refused_by_the_librarys_own_error_and_leaves_nothing(client, session, coarse):
    before, files = session.scenes, sorted(session.folder.rglob("*"))
    for content, words in ((coarse.read_bytes()[:-9], "the file is cut"), (b"\0" * 3000, "not"), (b"", "")):
        answer = client.put(f"/splatzip/{session.token}/upload/bad.splatz", content=content)
        assert answer.status_code == 422
        assert words in answer.text
        assert str(session.folder) not in answer.text
        assert session.scenes == before
        assert sorted(session.folder.rglob("*")) == files


def reaching_for_another_file(folder: Path) -> bytes:
    splatzip.save(some_scene(), folder / "scene.gltf")
    document = json.loads((folder / "scene.gltf").read_bytes())
    document["buffers"][0]["uri"] = "../../given.ply"
    return json.dumps(document).encode()


def naming_another_layer(folder: Path) -> bytes:
    return f"#usda 1.0\n(\n    subLayers = [@{folder}/given.usda@]\n)\n".encode()


def without_end(_: Path) -> bytes:
    properties = "".join(f"property float {name}\n" for name in ("x", "y", "z"))
    return f"ply\nformat binary_little_endian 1.0\nelement vertex 999999999999\n{properties}end_header\n".encode()


def swelling(_: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta.json", b" " * 90_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "made", "words"),
    [
        ("outside.gltf", reaching_for_another_file, "'../../given.ply' is not a file beside the .gltf"),
        ("endless.ply", without_end, "endless.ply: "),
        ("outside.usda", naming_another_layer, "outside.usda: "),
        ("bomb.sog", swelling, "bomb.sog: "),
        ("deep.gltf", lambda _: b'{"asset":' + b"[" * 90_000, "deep.gltf: "),
    ],
)
def test_a_hostile_upload_is_refused_in_words(client, session, tmp_path, name, made, words):
    before = session.scenes
    answer = client.put(f"/splatzip/{session.token}/upload/{name}", content=made(tmp_path))
    assert (answer.status_code, answer.text[: len(name)]) == (422, name)
    assert words in answer.text
    assert session.scenes == before
    assert client.post(f"/splatzip/{session.token}/picture", json=PICTURE).status_code == 200


def test_uploads_that_are_too_much_are_refused_before_they_are_read(client, session):
    address = f"/splatzip/{session.token}/upload/a.ply"
    huge = client.put(address, content=b"x" * 100_001)
    assert huge.status_code == 413
    assert "splatzip view FILE" in huge.text
    lengthless = client.put(address, content=iter([b"x" * 10]))
    assert (lengthless.status_code, lengthless.text) == (411, "an upload must state its length")
    (session.folder / "large").write_bytes(b"x" * 350_000)
    assert client.put(address, content=b"x" * 60_000).status_code == 507
    session.receiving.acquire()
    assert "another upload" in client.put(address, content=b"x").text


@pytest.mark.parametrize(
    "below", ["gradio_api/upload", "gradio_api/file=/etc/passwd", "gradio_api/run/x", "monitoring"]
)
def test_what_the_page_has_no_use_for_is_not_there(client, below):
    assert client.get(f"/{below}").status_code == 404
    assert client.post(f"/{below}", json={}).status_code == 404


def test_choices_get_through_and_names_of_files_do_not(client):
    for path in ("/gradio_api/queue/join", "/login"):
        assert (
            client.post(path, content=b'{"data": ["fast", 3, {"a": [1]}]}').text == '{"data": ["fast", 3, {"a": [1]}]}'
        )
    assert client.post("/login", content=b"username=me").text == "username=me"
    for body in (
        b'{"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]}',
        b'{"data": [[{"value": {"p\\u0061th": "http://else/where"}}]]}',
        b'{"data": [{"path": ',
        b"[" * 100_000,
        b'{"data": "' + b"x" * 300_000 + b'"}',
    ):
        assert client.post("/gradio_api/queue/join", content=body).status_code == 403
    assert client.get("/config").status_code == 200
