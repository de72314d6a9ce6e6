"""The viewer: from the command to the first picture, and pictures while somebody drags and at rest.

    splatzip view SCENE -> starting page with a picture -> page -> session -> poses around the scene -> JPEGs

The client asks as the page does, over HTTP on the same machine, but is no browser: nothing is decoded or shown.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.markdown import met, spread, table
from benchmark.record import ROOT, Row
from benchmark.scenes import BenchScene

VIEWER_RECORDS = ROOT / "benchmarks" / "viewer.jsonl"
VIEWER_SCENES = ("snowmiku",)
QUICK, FULL = (480, 360), (960, 720)
QUICK_PICTURES, FULL_PICTURES = 40, 10  # a repetition
MOST_FIRST_S, LEAST_A_SECOND, MOST_FULL_S = 5.0, 8.0, 0.5
_TICKS = os.sysconf("SC_CLK_TCK")


def measure_viewer(scene: BenchScene, *, repetitions: int) -> Iterator[dict[str, Any]]:
    """A server a repetition."""
    for repetition in range(repetitions):
        command = [str(Path(sys.executable).with_name("splatzip")), "view", str(scene.file), "--port", "0"]
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                found = re.search(r"http://\S+", server.stdout.readline())
                assert found is not None
                row = _row(found[0], server.pid, start)
            finally:
                server.terminate()
        yield {"repetition": repetition, **row, "load": round(os.getloadavg()[0], 2)}


def _row(address: str, pid: int, start: float) -> dict[str, Any]:
    row: dict[str, Any] = {}
    assert _get(f"{address}splatzip/first.jpg")[:2] == b"\xff\xd8"  # what the starting page shows
    row |= {"first_s": round(time.perf_counter() - start, 3), "first_cpu_s": _cpu_s(pid)}
    while _get(f"{address}splatzip/ready") != b"yes":
        time.sleep(0.02)
    row |= {"page_s": round(time.perf_counter() - start, 3), "page_cpu_s": _cpu_s(pid)}
    state = _session(address)
    for name, size, count, quality in (("quick", QUICK, QUICK_PICTURES, 70), ("full", FULL, FULL_PICTURES, 95)):
        bodies = [
            {"pose": pose, "width": size[0], "height": size[1], "layers": [["ref", "color"]], "quality": quality}
            for pose in _around(state["pose"], count + 1)
        ]
        _post(f"{address}splatzip/{state['token']}/picture", bodies.pop())  # warm-up
        wall, cpu = time.perf_counter(), _cpu_s(pid)
        for body in bodies:
            _post(f"{address}splatzip/{state['token']}/picture", body)
        wall, cpu = (time.perf_counter() - wall) / count, (_cpu_s(pid) - cpu) / count
        row |= {f"{name}_size": list(size), f"{name}_ms": round(1e3 * wall, 2), f"{name}_cpu_ms": round(1e3 * cpu, 2)}
    return row


def pictures_a_second(address: str, *, size: tuple[int, int], quality: int, pictures: int) -> float:
    """Of a server at that address, once its page is there; one asked for after the other."""
    while _get(f"{address}splatzip/ready") != b"yes":
        time.sleep(0.02)
    state = _session(address)
    bodies = [
        {"pose": pose, "width": size[0], "height": size[1], "layers": [["ref", "color"]], "quality": quality}
        for pose in _around(state["pose"], pictures + 1)
    ]
    _post(f"{address}splatzip/{state['token']}/picture", bodies.pop())  # warm-up
    begun = time.perf_counter()
    for body in bodies:
        _post(f"{address}splatzip/{state['token']}/picture", body)
    return pictures / (time.perf_counter() - begun)


def _session(address: str) -> dict[str, Any]:
    """What the page's view is told first: it runs the step of Gradio that brings everything up to date."""
    config = json.loads(_get(f"{address}config"))
    (look,) = (one["id"] for one in config["components"] if one["props"].get("elem_id") == "look")
    step = next(one for one in config["dependencies"] if not one["inputs"] and look in one["outputs"][:1])
    who = {"session_hash": "bench"}
    _post(f"{address}gradio_api/queue/join", {"data": [], "fn_index": step["id"], **who})
    with urllib.request.urlopen(f"{address}gradio_api/queue/data?session_hash=bench", timeout=60) as events:
        for line in events:
            said = json.loads(line[5:]) if line.startswith(b"data:") else {}
            if said.get("msg") == "process_completed":
                state: dict[str, Any] = said["output"]["data"][0]
                return state
    raise RuntimeError("the viewer did not say what it shows")


def _around(pose: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """A quarter of a turn about the target, up and the distance as they are."""
    up = np.asarray(pose["up"]) / np.linalg.norm(pose["up"])
    away = np.subtract(pose["position"], pose["target"])
    poses = []
    for angle in np.linspace(0, np.pi / 2, count):
        turned = np.cos(angle) * away + np.sin(angle) * np.cross(up, away) + (1 - np.cos(angle)) * (up @ away) * up
        poses.append({**pose, "position": (pose["target"] + turned).tolist()})
    return poses


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return bytes(answer.read())


def _post(address: str, body: Any) -> bytes:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process, all threads."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


def looking(rows: Sequence[Row]) -> list[str]:
    """The section about the viewer."""
    rows = [row for row in rows if row["kind"] == "viewer"]

    def line(what: str, wall: list[float], cpu: list[float], bar: str, ok: str, digits: int) -> tuple[str, ...]:
        return (what, spread(wall, digits), spread(cpu, digits), bar, ok)

    lines = []
    for scene in dict.fromkeys(row["scene"] for row in rows):
        mine = [row for row in rows if row["scene"] == scene]
        of = {name: [row[name] for row in mine] for name in mine[0] if name.endswith(("_s", "_ms"))}
        rate = [1e3 / ms for ms in of["quick_ms"]]
        full, full_cpu = ([ms / 1e3 for ms in of[name]] for name in ("full_ms", "full_cpu_ms"))
        first, fast_enough = statistics.median(of["first_s"]), statistics.median(rate) >= LEAST_A_SECOND
        lines += [
            line(f"{scene}: command to first picture, s", of["first_s"], of["first_cpu_s"], f"at most {MOST_FIRST_S:g}",
                 met(first, MOST_FIRST_S), 1),
            line(f"{scene}: command to the whole page, s", of["page_s"], of["page_cpu_s"], "", "", 1),
            line(f"{scene}: pictures a second while dragging, {QUICK[0]}x{QUICK[1]}", rate,
                 [1e3 / ms for ms in of["quick_cpu_ms"]], f"at least {LEAST_A_SECOND:g}",
                 "yes" if fast_enough else "**no**", 1),
            line(f"{scene}: a picture at rest, {FULL[0]}x{FULL[1]}, s", full, full_cpu, f"at most {MOST_FULL_S:g}",
                 met(statistics.median(full), MOST_FULL_S), 3),
        ]  # fmt: skip
    return [
        "## Looking at a scene",
        "",
        "`scripts/bench viewer`: `splatzip view` of a scene, requested over HTTP as its page does, by a client on",
        "the same machine; poses span a quarter turn around the target. **CPU**: the server's CPU seconds on all",
        "cores (rates: per CPU second). The targets are for two idle cores.",
        "",
        *table(("what", "wall", "CPU", "bar", "met"), lines),
    ]
