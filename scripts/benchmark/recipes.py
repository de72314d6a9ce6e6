"""Published methods, whole: bytes, what is kept, what is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import splatzip
from benchmark.markdown import table
from benchmark.record import Row
from benchmark.scenes import ROOT, BenchScene
from splatzip import Scene, Views
from splatzip.quality import compare
from splatzip.recipes import RECIPES
from splatzip.views import orbit_views

RECIPES_RECORDS = ROOT / "benchmarks" / "recipes.jsonl"
RECIPES_SCENES = ("snowmiku", "chair")


def measure_recipes(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """Each recipe, without cameras; decoded, and looked at from test views and around."""
    assert scene.cameras is not None
    judges = {"test": Views.load(scene.cameras, split="test"), "orbit": orbit_views(source)}
    for name in RECIPES:
        start = time.process_time()
        coded = splatzip.compress(source, recipe=name)
        cpu = time.process_time() - start
        splatzip.verify(coded)
        decoded = splatzip.decompress(coded)
        found = {which: compare(source, decoded, judge) for which, judge in judges.items()}
        lost = [view.photo.lost for view in found["test"].views if view.photo is not None]
        yield {
            "recipe": name,
            "bytes": len(coded),
            "ratio": source.float_bytes / len(coded),
            "splats": len(source),
            "stored_splats": len(decoded),
            "sh_degree": decoded.sh_degree,
            "cpu_s": round(cpu, 1),
            "lost_db": round(sum(lost) / len(lost), 4),
            "lost_db_worst": round(max(lost), 4),
            **{f"{which}_db": round(comparison.psnr, 3) for which, comparison in found.items()},
        }


def recipes(rows: Sequence[Row]) -> list[str]:
    """The section of the table."""
    lines = [
        (
            row["scene"],
            row["recipe"],
            f"{row['bytes'] / 1e3:,.0f}",
            f"{row['ratio']:.0f}",
            f"{row['stored_splats']:,} ({100 * row['stored_splats'] / row['splats']:.0f} %)",
            str(row["sh_degree"]),
            f"{8 * row['bytes'] / row['stored_splats']:.1f}",
            f"{row['lost_db']:.2f} ({row['lost_db_worst']:.1f})",
            f"{row['test_db']:.1f}",
            f"{row['orbit_db']:.1f}",
            f"{row['cpu_s']:.0f}",
        )
        for row in rows
        if row["kind"] == "recipes"
    ]
    heads = ("scene", "recipe", "KB", "ratio", "splats", "SH", "bits a stored splat", "lost dB (worst view)", "dB",
             "orbit dB", "CPU s")  # fmt: skip
    return [
        "## Recipes",
        "",
        "`scripts/bench recipes`: `splatzip compress --recipe NAME`, no cameras given; RECIPES.md describes how each",
        "differs from its paper. Every file was decoded. **lost**: against the photos of the test split. **dB**:",
        "against the source, test views.",
        "",
        *table(heads, lines),
    ]
