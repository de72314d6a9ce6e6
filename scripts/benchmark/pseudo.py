"""Whether pseudo-views show what true cameras see, and what they make of each splat's importance."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import splatzip
from benchmark.markdown import met, table
from benchmark.record import Row
from benchmark.scenes import ROOT, BenchScene
from splatzip import Scene, Views
from splatzip.raster.score import Scores, score

VIEWS_RECORDS = ROOT / "benchmarks" / "views.jsonl"
SEEN = 1e-3  # blended weight in some pixel
MOST_UNSEEN = 0.005  # of the scene's splats
SEEDS = (0, 1, 2)
# One of each kind: captures, an object, a ground, a city, a person; those that are several files once.
VIEWS_SCENES = ("snowmiku", "chair", "leica", "pod.spz", "biker.spz", "baleine (SOG v1)", "karangkidul (SOG v2)",
                "playbot 3 (SOG v2)")  # fmt: skip


def measure_views(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """Make pseudo-views with several seeds; compare with the true cameras where there are some."""
    true: dict[str, Scores] = {}
    if scene.cameras is not None:
        for split in ("test", "all"):
            true[split] = score(source, Views.load(scene.cameras, split=split).cameras, what={"removal"})
    for seed in SEEDS:
        start, cpu = time.perf_counter(), time.process_time()
        views = splatzip.pseudo_views(source, seed=seed)
        row: dict[str, Any] = {
            "seed": seed,
            "splats": len(source),
            "views": len(views),
            "size": [views.cameras[0].width, views.cameras[0].height],
            "wall_s": round(time.perf_counter() - start, 3),
            "cpu_s": round(time.process_time() - cpu, 3),
        }
        made = score(source, views.cameras, what={"removal"})
        row["visible"] = int(np.count_nonzero(made.most_weight > SEEN))
        yield {**row, **_beside(made, true)} if true else row


def rank_correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Spearman's: the correlation of ranks, where equal values share their mean rank."""
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def pseudo_views(rows: Sequence[Row]) -> list[str]:
    """The section of the table."""
    lines = []
    for row in rows:
        if row["kind"] == "views":
            compared = "unseen" in row  # the scene came with cameras
            unseen = row["unseen"] / row["splats"] if compared else None
            lines.append(
                (
                    row["scene"],
                    str(row["seed"]),
                    f"{row['views']} of {row['size'][0]}x{row['size'][1]}",
                    f"{row['cpu_s']:.1f}",
                    f"{100 * row['visible'] / row['splats']:.1f} %",
                    "" if unseen is None else f"{row['unseen']:,} ({100 * unseen:.2f} %)",
                    met(unseen, MOST_UNSEEN),
                    f"{row['rank_weight']:.3f}" if compared else "",
                    f"{row['rank_removal']:.3f}" if compared else "",
                )
            )
    heads = ("scene", "seed", "views", "CPU s", "visible", "unseen", f"at most {100 * MOST_UNSEEN:g} %",
             "rank of weight", "rank of removal")  # fmt: skip
    return [
        "## Pseudo-views",
        "",
        "`scripts/bench views`: cameras made from the scene alone, for when none are given. **visible**: splats with a",
        f"blended weight above {SEEN:g} in some pixel of some pseudo-view. **unseen**: splats that are visible by that",
        "measure in some true test view but in no pseudo-view, and their share of the scene. **rank**: Spearman's",
        "correlation over all splats between their importance by pseudo-views and by all true cameras: the sum of",
        "blended weights, and the squared change of the picture without the splat.",
        "",
        *table(heads, lines),
    ]


def _beside(made: Scores, true: dict[str, Scores]) -> dict[str, Any]:
    everything, test = true["all"], true["test"]
    assert made.removal is not None
    assert everything.removal is not None
    return {
        "test_sees": int(np.count_nonzero(test.most_weight > SEEN)),
        "unseen": int(np.count_nonzero((test.most_weight > SEEN) & (made.most_weight <= SEEN))),
        "rank_weight": round(rank_correlation(made.weight, everything.weight), 4),
        "rank_removal": round(rank_correlation(made.removal, everything.removal), 4),
    }


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[which]
