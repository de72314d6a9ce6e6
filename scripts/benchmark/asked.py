"""Sizes that are asked for, an eighth to eight times the preset's own and beyond: kept to, used, in what time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import splatzip
from benchmark.losses import Judges
from benchmark.markdown import table, yes
from benchmark.record import Row, code_revision, put_row, read_rows
from benchmark.scenes import ROOT, BenchScene
from splatzip import Scene

ASKED_RECORDS = ROOT / "benchmarks" / "asked.jsonl"
ASKED_SCENES = ("chair",)
INSIDE = tuple(round(64 ** (step / 9) / 8, 4) for step in range(10))  # of the bytes of the preset's own point
OUTSIDE = (1 / 16, 16.0)
OWN = "its own point"
_LEAST_USED = 0.98


def measure_asked(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """Measure what was not measured of this code yet, and record each row as soon as it is there."""
    known = {"scene": scene.name, "revision": code_revision(), "scene_sha256": scene.sha256}
    done = {row["asked"]: row for row in read_rows(ASKED_RECORDS) if known.items() <= row.items()}
    judges = Judges.of(scene, source)
    for share in (OWN, *INSIDE, *OUTSIDE):
        if share in done:
            continue
        size = None if share == OWN else round(share * done[OWN]["bytes"])
        start = time.process_time()
        coded = splatzip.compress(source, preset="balanced", size=size, best_effort=True)
        cpu = time.process_time() - start
        facts = splatzip.info(coded)
        row = {
            **known,
            "asked": share,
            "size": size,
            "bytes": len(coded),
            "splats": len(source),
            "stored_splats": facts["splats"],
            "said_db": facts["quality"]["psnr_db"],
            **judges.losses(coded, source),
            "cpu_s": round(cpu, 1),
        }
        put_row("asked", scene, row, key={"scene": scene.name, "asked": share}, path=ASKED_RECORDS)
        done[share] = row
        yield row


def asked(rows: Sequence[Row]) -> list[str]:
    """The section of the table."""
    recorded = [row for row in rows if row["kind"] == "asked"]
    lines = []
    for scene in dict.fromkeys(row["scene"] for row in recorded):
        of_scene = [row for row in recorded if row["scene"] == scene]
        own = next(row for row in of_scene if row["asked"] == OWN)
        by_size = sorted((row for row in of_scene if row["size"]), key=lambda row: row["size"])
        lines.append([scene, OWN, "", f"{own['bytes']:,}", "", *_qualities(own), f"{own['cpu_s']:.0f}", "1.00", ""])
        best = (0.0, 0.0)
        for row in by_size:
            times, reached = row["cpu_s"] / own["cpu_s"], (row["said_db"], row["db"])
            used = row["bytes"] >= _LEAST_USED * row["size"] or row["bytes"] == by_size[-1]["bytes"]  # the finest has
            kept = row["bytes"] <= row["size"] and used
            met = kept and times <= (2 if row["asked"] in INSIDE else 4) and reached[0] >= best[0]
            lines.append([
                scene, f"{row['asked']:.3g}", f"{row['size']:,}", f"{row['bytes']:,}",
                f"{100 * row['bytes'] / row['size']:.1f} %", *_qualities(row), f"{row['cpu_s']:.0f}", f"{times:.2f}",
                yes(met),
            ])  # fmt: skip
            best = max(best, reached)
    if not lines:
        return []
    heads = ("scene", "asked, of its own", "bytes asked for", "bytes", "used", "dB said", "dB", "orbit dB", "lost dB",
             "CPU s", "of its own", "met")  # fmt: skip
    return [
        "## Sizes asked for",
        "",
        "`scripts/bench asked`: `balanced --size`. **met**: the size is not exceeded, at least 98 % is used unless",
        "the finest setting is smaller, the dB that the file states is no lower than at smaller sizes, and encoding",
        "takes at most 2 times the CPU seconds of the preset's own point from an eighth to eight times its bytes, 4",
        "times beyond.",
        "",
        *table(heads, lines),
    ]


def _qualities(row: Row) -> list[str]:
    return [f"{row['said_db']:.2f}", f"{row['db']:.2f}", f"{row['orbit_db']:.1f}", f"{row['lost_db']:.2f}"]
