"""The report page: one self-contained HTML file, made of plain numbers and pictures.

    comparisons, scenes, pictures -> [data as JSON] -> page/page.html with its style and script inside

The page contacts no other host (its Content-Security-Policy forbids it) and is the same for the same input.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from splatzip.report.comparison import Comparison, ViewComparison
from splatzip.report.heat import STOPS
from splatzip.report.histograms import histograms
from splatzip.report.pictures import TakePictures, picture_entries
from splatzip.scene import Scene

_BUDGET_BYTES = 18_000_000  # of pictures: a page that a mail server may still take
_COLOPHON = (
    "dB are means over views of each view's PSNR. KB and MB are 1,000 and 1,000,000 bytes. Keys: 1 to 4 choose how to "
    "compare, F flips, J and K step through the views, Shift and arrows pan a zoomed picture."
)
_SCRIPTS = ("elements.js", "charts.js", "viewer.js", "main.js")  # in this order, one module


def page(
    comparisons: Sequence[Comparison],
    *,
    ref: Scene,
    tests: Sequence[Scene],
    take_pictures: TakePictures,
    ref_name: str,
    ref_bytes: int | None = None,
    background: Sequence[float] = (0.0, 0.0, 0.0),
    facts: Sequence[Mapping[str, Any] | None] = (),
    budget_bytes: int = _BUDGET_BYTES,
) -> str:
    """Make the page.

    Args:
        comparisons: of one source with each tested scene, over the same views.
        ref, tests: the scenes, in the order of the comparisons: for the histograms of their attributes.
        take_pictures: called with the index of each view that is shown.
        ref_name: what the page calls the source.
        ref_bytes: of the source's file.
        background: (3,) colour behind the scenes.
        facts: of each tested scene that is a .splatz what `splatzip.info` says of it, None for the others.
        budget_bytes: for all pictures together.
    """
    entries, full_levels, note = picture_entries(comparisons, take_pictures, budget_bytes=budget_bytes)
    known = [*facts, *[None] * (len(tests) - len(facts))]
    data = {
        "seen_from": comparisons[0].seen_from or f"{len(comparisons[0].views)} views",
        "background": _background(background),
        "ref": {
            "name": ref_name,
            "bytes": ref_bytes,
            "float_bytes": comparisons[0].ref_float_bytes,
            "splats": len(ref),
            "sh_degree": ref.sh_degree,
        },
        "tests": [_file(*file) for file in zip(comparisons, tests, known, strict=True)],
        "shown": entries,
        "shown_note": note,
        "error": {"full_levels": full_levels, "colours": STOPS},
        "histograms": [
            {
                "title": one.title,
                "unit": one.unit,
                "low": one.low,
                "high": one.high,
                "log": one.log,
                "ref": one.counts[0].tolist(),
                "tests": [counts.tolist() for counts in one.counts[1:]],
            }
            for one in histograms([ref, *tests])
        ],
        "colophon": _COLOPHON,
    }
    return _filled(data)


def _background(color: Sequence[float]) -> str:
    named: dict[tuple[float, ...], str] = {(0.0, 0.0, 0.0): "black", (1.0, 1.0, 1.0): "white"}
    known = named.get(tuple(map(float, color)))
    return f"{known} background" if known else f"background {' '.join(f'{value:g}' for value in color)}"


def _file(comparison: Comparison, scene: Scene, facts: Mapping[str, Any] | None) -> dict[str, Any]:
    attributes = {name: row["bytes"] for name, row in facts["attributes"].items()} if facts else None
    return {
        "name": comparison.name,
        "bytes": comparison.bytes,
        "ratio": comparison.ratio,
        "splats": len(scene),
        "attributes": attributes,
        **_quality(comparison),
        "views": [{"name": view.name, **_quality(view)} for view in comparison.views],
    }


def _quality(found: Comparison | ViewComparison) -> dict[str, Any]:
    photo = None if found.photo is None else found.photo.to_json()
    return {"psnr": found.psnr, "ssim": found.ssim, "photo": photo}


def _filled(data: Mapping[str, Any]) -> str:
    parts = files("splatzip.report") / "page"
    # "<" as an escape: no name can end the script element that holds the data.
    text = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    page = (parts / "page.html").read_text("utf-8")
    script = "\n".join((parts / name).read_text("utf-8") for name in _SCRIPTS)
    style = (parts / "style.css").read_text("utf-8")
    for mark, content in (("{{style}}", style), ("{{script}}", script), ("{{data}}", text)):
        before, after = page.split(mark)
        page = f"{before}{content}{after}"
    return page
