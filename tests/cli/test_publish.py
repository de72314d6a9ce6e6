"""`serve`, `export-html` and `export-web` as commands: what they print, and how they end."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request

import pytest


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_server_says_where_it_is_and_leaves_nothing_behind(start, scene_ply, tmp_path, number, code):
    made = tmp_path / "tmp"
    made.mkdir()
    with start("serve", scene_ply, "--port", "0", TMPDIR=str(made)) as server:
        said = server.stdout.readline()
        address = said.split(" is at ")[1].split()[0]
        with urllib.request.urlopen(f"{address}files/scene.splatz") as answer:
            assert answer.read(6) == b"SPLATZ"
        assert os.listdir(made) != []
        server.send_signal(number)
        _, errors = server.communicate(timeout=30)
    assert (server.returncode, errors) == (code, "")
    assert os.listdir(made) == []


def test_a_port_that_is_taken_is_named(run, scene_ply):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("serve", scene_ply, "--port", port)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: port {port} of 127.0.0.1 is not available")
    assert "--port" in result.stderr


def test_an_export_says_what_it_wrote_and_keeps_what_is_there(run, scene_ply, tmp_path):
    result = run("export-html", scene_ply, "page.html")
    assert result.returncode == 0
    size = (tmp_path / "page.html").stat().st_size
    assert result.stdout == f"page.html: {size:,} bytes; open it in a browser\n"
    again = run("export-html", scene_ply, "page.html")
    assert (again.returncode, "--force" in again.stderr) == (2, True)
    assert run("export-html", scene_ply, "page.html", "--force", "--quiet").stdout == ""
    site = run("export-web", scene_ply, "site")
    assert site.stdout.endswith("bytes; upload all of it\n")
    assert {"index.html", "scene.splatz", "viewer.js", "worker.js", "decoder.wasm"} == set(
        os.listdir(tmp_path / "site")
    )
    again = run("export-web", scene_ply, "site")
    assert (again.returncode, again.stderr) == (2, "error: site: already exists; name another folder\n")


def test_a_page_is_called_a_page(run, scene_ply):
    result = run("export-html", scene_ply, "page.txt")
    assert (result.returncode, "expected OUT.html" in result.stderr) == (2, True)


@pytest.mark.parametrize(("verb", "out"), [("export-html", "page.html"), ("export-web", "site")])
def test_json_is_the_summary_of_an_export(run, scene_ply, tmp_path, verb, out):
    result = run(verb, "scene.ply", out, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    said = json.loads(result.stdout)
    files = [file for file in (tmp_path / out, *(tmp_path / out).glob("*")) if file.is_file()]
    assert said.pop("seconds")["export"] > 0
    assert said == {
        "input": "scene.ply",
        "input_bytes": scene_ply.stat().st_size,
        "output": out,
        "output_bytes": sum(file.stat().st_size for file in files),
    }
