"""Large scenes: copies of one side by side, compressed by `balanced`, each in a process of its own: memory and time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from benchmark.markdown import met, table
from benchmark.record import Row, code_revision, put_row, read_rows
from benchmark.scenes import ROOT, BenchScene
from splatzip import Scene

SCALE_RECORDS = ROOT / "benchmarks" / "scale.jsonl"
SCALE_SCENES = ("snowmiku",)
COPIES = {1: None, 7: 3e9, 33: 12e9}  # and bytes of memory at most: 1 M splats, 5 M splats


def measure_scale(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """Measure what was not measured of this code yet, the largest last."""
    known = {"scene": scene.name, "revision": code_revision(), "scene_sha256": scene.sha256}
    done = {row["copies"] for row in read_rows(SCALE_RECORDS) if known.items() <= row.items()}
    for copies in COPIES:
        if copies in done:
            continue
        command = [sys.executable, "-m", "benchmark.encode_memory", str(scene.file), str(copies)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        row = {**known, "copies": copies, **json.loads(said)}
        put_row("scale", scene, row, key={"scene": scene.name, "copies": copies}, path=SCALE_RECORDS)
        yield row


def scale(rows: Sequence[Row]) -> list[str]:
    """The section of the table."""
    lines = []
    for row in sorted((row for row in rows if row["kind"] == "scale"), key=lambda row: row["copies"]):
        most = COPIES[row["copies"]]
        lines.append([
            f"{row['scene']} x {row['copies']}", f"{row['splats']:,}",
            f"{row['stored_splats']:,} ({100 * row['stored_splats'] / row['splats']:.0f} %)", f"{row['bytes']:,}",
            f"{row['said_db']:.2f}", f"{row['wall_s']:.0f}", f"{row['cpu_s']:.0f}",
            f"{1e6 * row['cpu_s'] / row['splats']:.0f}", f"{row['peak_bytes'] / 1e9:.2f} GB",
            "" if most is None else f"{most / 1e9:g} GB", "" if most is None else met(row["peak_bytes"], most),
        ])  # fmt: skip
    if not lines:
        return []
    heads = ("scene", "splats", "splats kept", "bytes", "dB said", "wall s", "CPU s", "CPU s a million", "peak memory",
             "at most", "met")  # fmt: skip
    return [
        "## Large scenes",
        "",
        "`scripts/bench scale`: `balanced` on copies of a scene side by side. Memory: resident, above the",
        "interpreter's own, including the scene itself.",
        "",
        *table(heads, lines),
    ]
