"""What the viewer answers beside Gradio's own addresses, and what it refuses."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from splatzip_viewer.addresses import routes
from splatzip_viewer.guards import guards

POSE = {"position": [0, 0, -5], "target": [0, 0, 0], "up": [0, -1, 0]}
PICTURE = {"pose": POSE, "width": 60, "height": 40, "quality": 90, "layers": [["ref", "color"], ["test", "color"]]}


@pytest.fixture
def client(sessions, tmp_path):
    async def upload(request):
        return PlainTextResponse(f"{len(await request.body())} bytes")

    uploads = tmp_path / "uploads"
    uploads.mkdir()
    all_routes = [*routes(sessions), Route("/gradio_api/upload", upload, methods=["POST"])]
    application = Starlette(routes=all_routes, middleware=guards("127.0.0.1", uploads, 1000))
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
    assert (wrong.status_code, wrong.text) == (422, "there are no such layers")
    assert client.post(address, content=b" " * 20_000).status_code == 413
    unknown = client.post("/splatzip/nobody/picture", json=PICTURE)
    assert (unknown.status_code, unknown.text) == (422, "this page was closed on the server; load it again")


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


def test_uploads_that_are_too_much_are_refused_before_they_are_read(client, tmp_path):
    assert client.post("/gradio_api/upload", content=b"x" * 900).text == "900 bytes"
    huge = client.post("/gradio_api/upload", content=b"x" * 50_000)
    assert huge.status_code == 413
    assert "splatzip view FILE" in huge.text
    lengthless = client.post("/gradio_api/upload", content=iter([b"x" * 10]))
    assert (lengthless.status_code, lengthless.text) == (413, "an upload says how long it is")
    (tmp_path / "uploads" / "waiting").write_bytes(b"x" * 1900)
    assert "too many" in client.post("/gradio_api/upload", content=b"x" * 900).text
