"""What a page takes while it shows a scene: in our viewer, and in its engine without us.

    scene -> .splatz in our viewer | the splats it decodes to as a PLY, or as SOG, in PlayCanvas' own loader
          -> Chromium -> proportional set size of all its processes, before and after

Software WebGL keeps textures in the memory of a process, where they are counted, too.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import splatzip
from benchmark.markdown import met, spread, table
from benchmark.record import Row
from benchmark.scenes import BenchScene
from benchmark.waiting import HEIGHT, WIDTH, browser, our_page, pose_of, serving
from splatzip import Scene

MOST = 1.5  # of what the engine takes for the same splats as a PLY
_LOADED_S = 4.0  # everything but the scene
_SETTLED_S = 6.0  # without more memory, once everything came
_POLL_S = 1.0


def measure_memory(scene: BenchScene, source: Scene, *, repetitions: int) -> Iterator[dict[str, Any]]:
    """A row a repetition and format."""
    preset = "lossless" if scene.quantized else "fast"
    files = {"scene.splatz": splatzip.compress(source, preset=preset)}
    decoded = splatzip.decompress(files["scene.splatz"])
    with TemporaryDirectory() as folder:
        for suffix in (".ply", ".sog"):
            path = Path(folder, f"scene{suffix}")
            splatzip.save(decoded, path)
            files[path.name] = path.read_bytes()
    pose = pose_of(source)
    pages = {"scene.splatz": our_page(pose), "scene.ply": "/ply.html", "scene.sog": "/sog.html"}
    for repetition in range(repetitions):
        for file, path in pages.items():
            yield {
                "what": "memory",
                "preset": preset,
                "format": file.partition(".")[2],
                "bytes": len(files[file]),
                "splats": len(decoded),
                "sh_degree": decoded.sh_degree,
                "repetition": repetition,
                **_grown(files, pose, path),
                "load": round(os.getloadavg()[0], 2),
            }


def memory(rows: Sequence[Row]) -> list[str]:
    """The section about it."""
    measured = [row for row in rows if row["kind"] == "web_memory"]
    lines = []
    for scene, format in dict.fromkeys((row["scene"], row["format"]) for row in measured):
        group = [row for row in measured if (row["scene"], row["format"]) == (scene, format)]
        engine = [row["grown_bytes"] for row in measured if (row["scene"], row["format"]) == (scene, "ply")]
        share = statistics.median(row["grown_bytes"] for row in group) / statistics.median(engine)
        lines.append(
            (
                f"{scene}, .{format}", f"{group[0]['splats']:,}",
                spread([row["grown_bytes"] / 1e6 for row in group], 0),
                f"{statistics.median(row['grown_bytes'] for row in group) / group[0]['splats']:.0f}",
                spread([row["most_bytes"] / 1e6 for row in group], 0),
                f"{share:.2f}", met(share, MOST) if format == "splatz" else "",
            )
        )  # fmt: skip
    heads = ("file", "splats", "MB", "bytes a splat", "most, MB", "of the engine's", f"at most {MOST:g}")
    if not measured:
        return []
    return [
        "## What a page takes",
        "",
        "`scripts/bench web --parts memory`: resident memory of all Chromium processes (shared pages proportionally)",
        "above that of an empty tab, once everything is at rest and garbage was collected, and the peak on the way.",
        ".splatz in our viewer; the decoded splats as a PLY and as SOG (which stays quantized on the GPU) by",
        "PlayCanvas' own loaders in the same engine. Software WebGL 2 at 400x300.",
        "",
        *table(heads, lines),
    ]


def _grown(files: dict[str, bytes], pose: dict[str, Any], path: str) -> dict[str, int]:
    with serving(files, pose) as (link, address), browser() as chromium:
        tab = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        session = tab.context.new_cdp_session(tab)
        tab.wait_for_timeout(1000 * _POLL_S)
        before = most = last = _resident_bytes()
        tab.goto(address + path)
        tab.wait_for_timeout(1000 * _LOADED_S)
        link.is_open.set()
        still = 0.0
        while still < _SETTLED_S or link.is_busy:
            tab.wait_for_timeout(1000 * _POLL_S)
            now = _resident_bytes()
            most, still = max(most, now), 0.0 if abs(now - last) > 1e6 else still + _POLL_S
            last = now
        session.send("HeapProfiler.collectGarbage")
        tab.wait_for_timeout(1000 * _POLL_S)
        return {"grown_bytes": _resident_bytes() - before, "most_bytes": most - before}


def _resident_bytes() -> int:
    """Of all processes below this one."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # gone meanwhile
                continue
    total = 0
    for process in parents:
        above = process
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() and process != os.getpid():
            total += _proportional_bytes(process)
    return total


def _proportional_bytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
