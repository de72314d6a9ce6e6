"""What each way of choosing splats costs at equal counts: removal alone, nothing repaired, nothing coded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import splatzip
from benchmark.markdown import table
from benchmark.record import Row
from benchmark.scenes import ROOT, BenchScene
from splatzip import Camera, Scene, Views
from splatzip.prune import distinctiveness, most_weight, removal, significance
from splatzip.prune.order import Removal
from splatzip.quality import compare
from splatzip.views import orbit_views

PRUNING_RECORDS = ROOT / "benchmarks" / "pruning.jsonl"
PRUNING_SCENES = ("snowmiku", "chair")
KEEPS = (0.5, 0.4, 0.3, 0.2)

_LEFT_OUT = """\
Prototyped and left out (dB lost on photos, after 250 steps of repair unless stated):

- *Merging* pruned splats into remaining near-duplicates, by moments, where they overlap and share a colour: snowmiku at
  30 % 0.26 -> 0.25 (a quarter of the pruned splats merged) or 0.22 (half; dB against the source 40.56 -> 40.27); chair
  at 40 % 0.39 -> 0.47 or 0.67. Before repair 0.87 -> 0.81 or 0.72, and 1.69 -> 2.02 or 2.69.
- *Removal towards the source*: a score that accounts for what earlier rounds already changed, |r - d|^2 - |r|^2 with
  0.4 of the difference as r (all of it oscillates). Before repair it is the best score: snowmiku at 20 % 2.15 ->
  1.73, chair at 40 % 1.95 -> 1.39. It gains only what repair would have gained: 0.67 -> 0.66 and 0.44 -> 0.40, but
  snowmiku at 30 % 0.26 -> 0.33.
- *Repair between cuts*, two or three cuts with as many steps in total (400): snowmiku at 20 % 0.52 -> 0.57 and 0.55,
  chair at 40 % 0.34 -> 0.36 and 0.42.
- *Smaller rounds*, 10 % instead of 20 %: snowmiku at 30 % 0.26 -> 0.23, chair at 40 % 0.39 -> 0.38, for 1.8 times the
  time. Available as an option.
""".splitlines()

Chooser = Callable[[Scene, Sequence[Camera]], Removal]
SCORES: dict[str, Chooser] = {
    "exact removal, in rounds": lambda s, c: removal.order(s, c, removal.Options(keep=min(KEEPS))),
    "exact removal, one look": lambda s, c: removal.order(s, c, removal.Options(keep=1.0)),
    "significance": significance.order,
    "distinctiveness": distinctiveness.order,
    "sum of weights": lambda s, c: distinctiveness.order(s, c, distinctiveness.Options(distance_power=0.0)),
    "most weight": most_weight.order,
}


def measure_pruning(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """Choose from pseudo-views with each score, cut, and look from test views and around."""
    assert scene.cameras is not None
    views = splatzip.pseudo_views(source)
    judges = {"test": Views.load(scene.cameras, split="test"), "orbit": orbit_views(source)}
    for name, choose in SCORES.items():
        start = time.process_time()
        order = choose(source, views.cameras)
        cpu = time.process_time() - start
        for keep in KEEPS:
            rows = order.keeping(keep)
            left = source.take(rows)
            found = {which: compare(source, left, judge) for which, judge in judges.items()}
            lost = [view.photo.lost for view in found["test"].views if view.photo is not None]
            yield {
                "score": name,
                "keep": keep,
                "splats": len(rows),
                "cpu_s": round(cpu, 2),
                "lost_db": round(sum(lost) / len(lost), 4),
                "lost_db_worst": round(max(lost), 4),
                **{f"{which}_db": round(comparison.psnr, 3) for which, comparison in found.items()},
            }


def pruning(rows: Sequence[Row]) -> list[str]:
    """The section of the table."""
    recorded = [row for row in rows if row["kind"] == "pruning"]
    lines = [
        (scene, score, f"{group[0]['cpu_s']:.1f}", *(_cell(row) for row in group))
        for scene in dict.fromkeys(row["scene"] for row in recorded)
        for score in SCORES
        if (group := [row for row in recorded if (row["scene"], row["score"]) == (scene, score)])
    ]
    return [
        "## Fewer splats",
        "",
        "`scripts/bench prune`: splats chosen from 88 pseudo-views of the scene alone; no repair, no coding. dB lost",
        "against the photos of the test split, to which nothing was fitted, mean (worst view), and dB against the",
        "source from the 12 orbit views, by the share kept. CPU s: of the whole order, for all shares.",
        "",
        *table(("scene", "score", "CPU s", *(f"{100 * keep:g} %" for keep in KEEPS)), lines),
        *_LEFT_OUT,
    ]


def _cell(row: Row) -> str:
    return f"{row['lost_db']:.2f} ({row['lost_db_worst']:.1f}), {row['orbit_db']:.1f}"
