"""The decoder for browsers, in node on one core: stored splats a second, with all that a page does but drawing."""

from __future__ import annotations

import gzip
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import splatzip
from benchmark.markdown import met, spread, table
from benchmark.record import Row
from benchmark.scenes import ROOT, BenchScene
from splatzip import Scene

WEB = ROOT / "splatzip" / "web"
SCRIPT = Path(__file__).with_name("web_decode.mjs")
LEAST = 2.0  # million stored splats a second at SH 3
WARM_UP = 10  # repetitions until every function is compiled for speed


def measure_decoding(scene: BenchScene, source: Scene, *, repetitions: int) -> Iterator[dict[str, Any]]:
    """Rows of each preset's file: the first run, which compiles the module, and repetitions behind a warm-up."""
    presets = ("lossless",) if scene.quantized else ("balanced", "fast")
    module = (WEB / "decoder.wasm").read_bytes()
    for preset in presets:
        file = splatzip.compress(source, preset=preset)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.splatz"
            path.write_bytes(file)
            answer = _on_one_core(path, WARM_UP + repetitions)
        for number, run in enumerate(answer["runs"]):
            if 0 < number <= WARM_UP:
                continue
            yield {
                "what": "decoding",
                "preset": preset,
                "sh_degree": source.sh_degree,
                "bytes": len(file),
                "repetition": number and number - WARM_UP,  # 0: the first of all
                "warm_up": WARM_UP,
                "splats": run["splats"],
                "wall_s": round(run["wall_s"], 5),
                "cpu_s": round(run["cpu_s"], 5),
                "memory_bytes": answer["memory_bytes"],
                "module_bytes": len(module),
                "module_gzip_bytes": len(gzip.compress(module, mtime=0)),
                "node": _node(),
                "load": round(os.getloadavg()[0], 2),
            }


def _on_one_core(path: Path, repetitions: int) -> dict[str, Any]:
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(
        ["node", SCRIPT, WEB, path, str(repetitions)],
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _node() -> str:
    return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def decoding(rows: Sequence[Row]) -> list[str]:
    """The section about it."""
    measured = [row for row in rows if row["kind"] == "web_decoding"]
    lines = []
    for scene, preset in dict.fromkeys((row["scene"], row["preset"]) for row in measured):
        group = [row for row in measured if (row["scene"], row["preset"]) == (scene, preset)]
        first, runs = group[0], group[1:]
        speeds = [row["splats"] / row["wall_s"] / 1e6 for row in runs]
        speed = statistics.median(speeds)
        bar = met(-speed, -LEAST) if first["sh_degree"] == 3 and preset != "lossless" else ""
        lines.append(
            (
                f"{scene}, {preset}",
                f"{first['splats']:,}",
                spread(speeds, 2),
                bar,
                spread([row["splats"] / row["cpu_s"] / 1e6 for row in runs], 2),
                f"{first['splats'] / first['wall_s'] / 1e6:.2f}",
                f"{first['memory_bytes'] / 1e6:.1f}",
            )
        )
    heads = ("file", "splats", "M splats/s", f"at least {LEAST:.0f}", "CPU", "first run", "module's memory, MB")
    if not measured:
        return []
    sizes = measured[0]
    return [
        "## Decoding in a browser",
        "",
        f"`scripts/bench web --parts decoding`: splatzip/web in node {sizes['node']} on one core, files in pieces of",
        "64 KB; million stored splats per second, from bytes to typed arrays, including checksums and copies. CPU: by",
        "CPU time of all threads, in case other work held the core. First run: with compiling the module, before the",
        f"engine has optimised anything. The module has {sizes['module_bytes'] / 1e3:.0f} KB, "
        f"{sizes['module_gzip_bytes'] / 1e3:.0f} KB gzipped.",
        "",
        *table(heads, lines),
    ]
