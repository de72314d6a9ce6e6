"""The pictures of a report page: which views are shown, and how they fit into its size.

Differences between two good files are fainter than the artefacts of JPEG or lossy WebP, so pictures are lossless as
long as all of them fit; otherwise all are coded alike, so that none is favoured. Error maps are always made from the
pictures as rendered.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from splatzip.report.comparison import Comparison
from splatzip.report.heat import colours, error_codes, full_scale

_MOST_VIEWS = 15
_MOST_PIXELS = 100_000_000  # of all pictures together, as they wait to be coded
_Code = NDArray[np.uint8]


@dataclass(frozen=True)
class ViewPictures:
    """What is to be seen from one camera: (H, W, 3) float32, shown clipped to 0..1.

    Attributes:
        ref: the source.
        tests: every tested scene, in the order of the comparisons.
        photo: of the same size; None without one.
    """

    ref: NDArray[np.float32]
    tests: Sequence[NDArray[np.float32]]
    photo: NDArray[np.float32] | None = None


TakePictures = Callable[[int], ViewPictures]


@dataclass(frozen=True)
class _Rung:
    """A way to code pictures; the ladder goes from the best to the smallest."""

    said: str
    options: dict[str, Any]
    shrink: int = 1


# Without loss `method` and `quality` are effort: the least is four times as fast as the usual, for 12 % more bytes.
_LADDER = (
    _Rung("Pictures are stored losslessly.", {"lossless": True, "method": 0, "quality": 0}),
    _Rung("Pictures are lossy WebP of quality 95.", {"quality": 95, "method": 2}),
    _Rung("Pictures are lossy WebP of quality 85.", {"quality": 85, "method": 2}),
    _Rung("Pictures are lossy WebP of quality 85 at half size.", {"quality": 85, "method": 2}, 2),
    _Rung("Pictures are lossy WebP of quality 75 at a quarter of the size.", {"quality": 75, "method": 2}, 4),
    _Rung("Pictures are lossy WebP of quality 70 at an eighth of the size.", {"quality": 70, "method": 2}, 8),
)


def chosen_views(comparisons: Sequence[Comparison], most: int) -> tuple[list[int], str]:
    """Which views are shown, by their mean PSNR over the comparisons, and a sentence that says so.

    Returns: indices, worst first: all if they are at most `most`; else the worst, those about the median, the best.
    """
    psnr = np.mean([[view.psnr for view in comparison.views] for comparison in comparisons], axis=0)
    order = [int(i) for i in np.argsort(psnr, kind="stable")]
    total = len(order)
    if total <= most:
        return order, "" if total == 1 else f"All {total} views are shown, worst first."
    third = most // 3
    worst = most - 2 * third
    middle = min(max((total - third) // 2, worst), total - 2 * third)
    chosen = order[:worst] + order[middle : middle + third] + order[total - third :]
    return (
        chosen,
        f"{most} of {total} views are shown: the {worst} worst, {third} around the median and the {third} best.",
    )


def picture_entries(
    comparisons: Sequence[Comparison], take: TakePictures, *, budget_bytes: int
) -> tuple[list[dict[str, Any]], float, str]:
    """The shown views for the page's data.

    Args:
        take: called with the index of a view.
        budget_bytes: for all pictures together, before base64 makes them a third larger.
    Returns: entries {view, width, height, ref, photo, tests, errors} with data URIs; the error, in levels of 255, that
        the lightest colour of error maps stands for; a note on what is shown and how.
    """
    views, note = chosen_views(comparisons, _MOST_VIEWS)
    first = _codes_of(take(views[0]))
    most = max(3, _MOST_PIXELS // sum(picture.shape[0] * picture.shape[1] for picture in first))
    if most < len(views):
        views, note = chosen_views(comparisons, most)
    taken = [first, *(_codes_of(take(view)) for view in views[1:])]
    tests = len(comparisons)
    counts = np.sum([np.bincount(codes.ravel(), minlength=256) for row in taken for codes in row[-tests:]], axis=0)
    full = full_scale(counts)
    pictures = [[*row[:-tests], *(colours(codes, full) for codes in row[-tests:])] for row in taken]
    uris, said = _within(pictures, budget_bytes)
    entries = []
    for view, row, uri in zip(views, pictures, uris, strict=True):
        height, width = row[0].shape[:2]
        ref, *photos = uri[: len(uri) - 2 * tests]
        shown = {"view": view, "width": width, "height": height, "ref": ref, "photo": photos[0] if photos else None}
        entries.append({**shown, "tests": uri[-2 * tests : -tests], "errors": uri[-tests:]})
    return entries, full, f"{note} {said}".strip()


def _codes_of(view: ViewPictures) -> list[_Code]:
    """Source, photo if there is one, every test, the error of every test: one list, a byte a number."""
    ref, *tests = (np.clip(picture, 0, 1) for picture in (view.ref, *view.tests))
    photos = [] if view.photo is None else [view.photo]
    errors = [error_codes(ref, test) for test in tests]
    return [*(np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8) for picture in (ref, *photos, *tests)), *errors]


def _within(rows: Sequence[Sequence[_Code]], budget_bytes: int) -> tuple[list[list[str]], str]:
    """Data URIs of all pictures, on the first rung where they fit (on the last, if they fit nowhere)."""
    total = sum(map(len, rows))
    for rung in _LADDER:
        uris: list[list[str]] = []
        done = size = 0
        for row in rows:
            coded = [_webp(picture, rung) for picture in row]
            uris.append([f"data:image/webp;base64,{base64.b64encode(one).decode()}" for one in coded])
            done, size = done + len(coded), size + sum(map(len, coded))
            if size * total > 1.3 * budget_bytes * done:  # never mind the rest: it will not be so much smaller
                break
        if (done == total and size <= budget_bytes) or rung is _LADDER[-1]:
            break
    return uris, rung.said


def _webp(picture: _Code, rung: _Rung) -> bytes:
    image = Image.fromarray(picture)
    if rung.shrink > 1:
        image = image.reduce(rung.shrink)
    file = io.BytesIO()
    image.save(file, "WEBP", **rung.options)
    return file.getvalue()
