"""What fewer SH coefficients cost, by the way in which the others go: nothing pruned, nothing coded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import splatzip
from benchmark.markdown import table
from benchmark.record import Row
from benchmark.scenes import ROOT, BenchScene
from splatzip import Scene, Views
from splatzip.distill.regression import Options, distill, truncated
from splatzip.optimize.teacher import teach
from splatzip.quality import compare
from splatzip.raster.score import score
from splatzip.scene.attributes import sh_rest_count
from splatzip.views import orbit_views

DISTILLATION_RECORDS = ROOT / "benchmarks" / "distillation.jsonl"
DISTILLATION_SCENES = ("snowmiku", "chair")
DEGREES = (2, 1)
DEFAULT_WAY = f"regression, floor {Options.floor:g}"

Moments = NDArray[np.float32]
Lower = Callable[[Scene, Moments, int, Views], Scene]


def _by_regression(floor: float) -> Lower:
    return lambda source, moments, degree, views: distill(source, moments, Options(degree=degree, floor=floor)).scene


def _by_price(source: Scene, moments: Moments, degree: int, views: Views) -> Scene:
    return distill(source, moments, Options(coefficients=float(sh_rest_count(degree)))).scene


def _taught(start: Lower) -> Lower:
    return lambda source, moments, degree, views: teach(start(source, moments, degree, views), source, views.cameras)


def _truncated(source: Scene, moments: Moments, degree: int, views: Views) -> Scene:
    return truncated(source, degree)


WAYS: dict[str, Lower] = {
    "truncation": _truncated,
    "truncation, then a teacher": _taught(_truncated),
    DEFAULT_WAY: _by_regression(Options.floor),
    "regression, floor 0.004": _by_regression(0.004),
    "regression, floor 0.4": _by_regression(0.4),
    "regression, then a teacher": _taught(_by_regression(Options.floor)),
    "regression, degrees by price": _by_price,
}


def measure_distillation(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """Score from pseudo-views, lower the degree, and look from test views and around."""
    assert scene.cameras is not None
    views = splatzip.pseudo_views(source)
    moments = score(source, views.cameras, what={"curvature"}).color_curvature
    assert moments is not None
    judges = {"test": Views.load(scene.cameras, split="test"), "orbit": orbit_views(source)}
    for name, lower in WAYS.items():
        for degree in DEGREES:
            start = time.process_time()
            lowered = lower(source, moments, degree, views)
            cpu = time.process_time() - start
            found = {which: compare(source, lowered, judge) for which, judge in judges.items()}
            lost = [view.photo.lost for view in found["test"].views if view.photo is not None]
            yield {
                "way": name,
                "degree": degree,
                "cpu_s": round(cpu, 2),
                "lost_db": round(sum(lost) / len(lost), 4),
                "lost_db_worst": round(max(lost), 4),
                **{f"{which}_db": round(comparison.psnr, 3) for which, comparison in found.items()},
            }


def distillation(rows: Sequence[Row]) -> list[str]:
    """The section of the table."""
    recorded = [row for row in rows if row["kind"] == "distillation"]
    lines = [
        (scene, way, f"{group[0]['cpu_s']:.1f}", *(_cell(row) for row in group))
        for scene in dict.fromkeys(row["scene"] for row in recorded)
        for way in WAYS
        if (group := [row for row in recorded if (row["scene"], row["way"]) == (scene, way)])
    ]
    return [
        "## Fewer SH coefficients",
        "",
        "`scripts/bench distill`: moments and the teacher's renders from 88 pseudo-views of the scene alone; no",
        "pruning, no coding. dB lost against the photos of the test split, mean (worst view); dB against the source",
        "from the test views; the same from the 12 orbit views. By price, splats keep as many coefficients on",
        "average as at that degree. CPU s: to degree 2, without the scores (2 to 5 s).",
        "",
        *table(("scene", "way", "CPU s", *(f"degree {degree}" for degree in DEGREES)), lines),
    ]


def _cell(row: Row) -> str:
    return f"{row['lost_db']:.2f} ({row['lost_db_worst']:.1f}), {row['test_db']:.1f}, {row['orbit_db']:.1f}"
