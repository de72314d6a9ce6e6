"""The section about rate and distortion: curves as a picture, what is read from them, every point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.curve import size_at
from benchmark.markdown import met, table
from benchmark.plot import Panel, Series, picture
from benchmark.published import POINTS, Point
from benchmark.rd import (
    BALANCED,
    CURVES,
    FAST,
    GIVEN_ALONE,
    PHOTOS_ALONE,
    RECIPE,
    RECIPE_WITH_VIEWS,
    SOG,
    UNPRUNED,
    UNPRUNED_WITH_VIEWS,
    WITH_CURVES,
    WITH_PHOTOS,
    WITH_VIEWS,
)
from benchmark.record import Row
from benchmark.scenes import ROOT

PICTURE = ROOT / "docs" / "images" / "rate-distortion.svg"
LOSSES = (0.1, 0.3, 0.5)  # dB against photos
_PRESETS = (BALANCED, WITH_VIEWS, GIVEN_ALONE, FAST)
_JUDGED_BY_PHOTOS = (WITH_PHOTOS, PHOTOS_ALONE)  # whose pictures are meant to differ from the source's
_PEERS = ("SPZ v4", "L-GSC")
_UNPRUNED = (UNPRUNED_WITH_VIEWS, UNPRUNED)
_UNPRUNED_BARS = {  # dB of the test views, and bits a splat at most
    "snowmiku": {38.0: 36, 40.0: 41, 42.0: 48, 45.5: 64},
    "chair": {42.0: 48, 46.0: 64},
}
_DRAWN = {BALANCED: "#ea580c", WITH_VIEWS: "#b91c1c", GIVEN_ALONE: "#7e22ce", WITH_PHOTOS: "#ca8a04",
          PHOTOS_ALONE: "#0ea5e9", FAST: "#1d4ed8", RECIPE: "#15803d",
          SOG: "#0f766e"}  # fmt: skip
_COLORS = {**_DRAWN, "SPZ v4": "#6b7280", "L-GSC": "#db2777"}
_POINTS = (RECIPE, RECIPE_WITH_VIEWS, SOG)  # of a curve that is none


def rate_and_distortion(rows: Sequence[Row]) -> list[str]:
    """What each curve gives at a loss, and every point of it."""
    rows = [row for row in rows if row["kind"] == "rd"]
    scenes = [name for name in WITH_CURVES if any(row["scene"] == name for row in rows)]
    read = [_read(rows, scene, curve) for scene in scenes for curve in (*_PRESETS, *_JUDGED_BY_PHOTOS)]
    peers = [cells for point in POINTS if point.scene in scenes and (cells := _beside(rows, point))]
    at_losses = [f"{what} at {loss:g} dB lost" for loss in LOSSES for what in ("ratio", "orbit dB")]
    heads = ("scene", "curve and setting", "bytes", "ratio", "splats kept", "lost dB (worst)", "dB (worst)",
             "SSIM (worst)", "orbit dB (worst)", "CPU s", "wall s")  # fmt: skip
    return [
        "## Rate and distortion",
        "",
        "`scripts/bench rd`: files against photos of test views, which no encoder sees. **lost**: PSNR of the source's",
        "renders against the photos minus that of the decoded scene's. **dB**, **SSIM**: against the source's renders",
        "of the same views; **orbit dB**: from 12 views around the scene instead. `balanced` gets only the scene,",
        "`balanced --views` also the cameras of the train split, with `--no-pseudo-views` no other views than these,",
        "with `--photos` also their photos.",
        "Each curve is one preset with one number varied (the fineness of its steps, or `--quality`); a recipe is a",
        "point. SPZ and L-GSC: published measurements (`scripts/benchmark/published.py`); SOG was written here, by",
        "splatzip and by splat-transform (the peer). Seconds are those of a single encode beside other jobs, so wall",
        "seconds say little.",
        "",
        f"![Lost dB over ratio](images/{PICTURE.name})",
        "",
        "Read from the curves, interpolated in log bytes and never extrapolated; **own**: where the preset stops",
        "without a target:",
        "",
        *table(("scene", "curve", *at_losses, "own ratio", "own lost dB"), read),
        "Our bytes over a peer's at the peer's dB:",
        "",
        *table(("scene", "codec", "its bytes", "its dB", *_PRESETS), peers),
        *_unpruned(rows),
        "Every point:",
        "",
        *table(heads, [_shown(row) for scene in scenes for row in _of(rows, scene)]),
        *_elsewhere([row for row in rows if row["scene"] not in scenes]),
    ]


def _unpruned(rows: Sequence[Row]) -> list[str]:
    """Bits a splat with every splat kept."""
    lines = []
    for scene, bars in _UNPRUNED_BARS.items():
        if not any(_curve(rows, scene, curve) for curve in _UNPRUNED):
            continue
        for db, most in bars.items():
            cells = [scene, f"{db:g}", str(most)]
            for curve in _UNPRUNED:
                points = _curve(rows, scene, curve)
                bits = size_at([(row["db"], 8 * row["bytes"] / row["splats"]) for row in points], db)
                if bits is None:
                    cells += ["outside the curve" if points else "", ""]
                    continue
                by_db = sorted((row["db"], row["orbit_db"]) for row in points)
                cells += [f"{bits:.1f}", f"{np.interp(db, *zip(*by_db, strict=True)):.1f}"]
            lines.append([*cells, met(float(cells[3]), most) if cells[3][:1].isdigit() else ""])
    heads = ("scene", "dB", "bits at most", *(cell for curve in _UNPRUNED for cell in (curve, "orbit dB")), "met")
    if not lines:
        return []
    return ["Bits per splat with every splat kept, at the dB of the test views; **met**: with `--views`.", "",
            *table(heads, lines)]  # fmt: skip


def _elsewhere(rows: Sequence[Row]) -> list[str]:
    """Each preset's own point of scenes without photos."""
    heads = ("scene", "preset or recipe", "bytes", "ratio", "over its file", "splats kept", "orbit dB (worst)",
             "SSIM (worst)", "CPU s")  # fmt: skip
    if not rows:
        return []
    place = {curve: number for number, curve in enumerate(CURVES)}
    scenes = list(dict.fromkeys(row["scene"] for row in rows))
    lines = [
        [
            row["scene"],
            row["curve"] if row["own"] else f"{row['curve']}, {row['setting']}",
            f"{row['bytes']:,}",
            f"{row['ratio']:.1f}",
            f"{row['bytes'] / row['source_bytes']:.3f}" if "source_bytes" in row else "",
            f"{row['stored_splats']:,} ({100 * row['stored_splats'] / row['splats']:.0f} %)",
            f"{row['orbit_db']:.2f} ({row['orbit_db_worst']:.1f})",
            f"{row['orbit_ssim']:.4f} ({row['orbit_ssim_worst']:.4f})",
            f"{row['cpu_s']:.1f}",
        ]
        for scene in scenes
        for row in sorted((row for row in rows if row["scene"] == scene), key=lambda row: place[row["curve"]])
    ]
    return [
        "The other scenes have no photos: each preset where it stops without a target, from the 12 orbit views.",
        "`--quality 40` is the encoder's target on its own pseudo-views. **over its file**: bytes over those of the",
        "file or folder that the scene came in.",
        "",
        *table(heads, lines),
    ]


def draw(rows: Sequence[Row]) -> None:
    """Write the picture."""
    rows = [row for row in rows if row["kind"] == "rd"]
    panels = []
    for scene in (name for name in WITH_CURVES if any(row["scene"] == name for row in rows)):
        series = []
        for curve in _DRAWN:
            points = [(row["ratio"], row["lost_db"]) for row in _curve(rows, scene, curve)]
            series.append(Series(curve, _COLORS[curve], points, joined=curve not in _POINTS))
        float_bytes = next(row["ratio"] * row["bytes"] for row in rows if row["scene"] == scene)
        for peer in _PEERS:
            found = [point for point in POINTS if point.scene == scene and point.codec.startswith(peer)]
            at = [(float_bytes / point.size_bytes, point.lost_db) for point in found]
            series.append(Series(peer, _COLORS[peer], at, joined=False))
        panels.append(Panel(scene, series))
    if panels:
        PICTURE.write_text(picture(panels))


def _curve(rows: Sequence[Row], scene: str, curve: str) -> list[Row]:
    found = [row for row in rows if (row["scene"], row["curve"]) == (scene, curve)]
    return sorted(found, key=lambda row: row["place"] or 0)


def _of(rows: Sequence[Row], scene: str) -> list[Row]:
    return [row for curve in CURVES for row in _curve(rows, scene, curve)]


def _read(rows: Sequence[Row], scene: str, curve: str) -> list[str]:
    points = _curve(rows, scene, curve)
    float_bytes = next(row["ratio"] * row["bytes"] for row in rows if row["scene"] == scene)
    cells = [scene, curve]
    for loss in LOSSES:
        size = size_at([(row["lost_db"], row["bytes"]) for row in points], loss)
        if size is None:
            cells += ["outside the curve", ""]
        else:
            by_loss = sorted((row["lost_db"], row["orbit_db"]) for row in points)
            cells += [f"{float_bytes / size:.0f}", f"{np.interp(loss, *zip(*by_loss, strict=True)):.1f}"]
    own = next((row for row in points if row["own"]), None)
    return cells + (["", ""] if own is None else [f"{own['ratio']:.0f}", f"{own['lost_db']:.2f}"])


def _beside(rows: Sequence[Row], point: Point) -> list[str]:
    """Nothing where no curve comes to the point's dB."""
    sizes = [size_at([(row["db"], row["bytes"]) for row in _curve(rows, point.scene, curve)], point.db)
             for curve in _PRESETS]  # fmt: skip
    if not any(sizes):
        return []
    quotients = ["outside the curve" if size is None else f"{size / point.size_bytes:.3f}" for size in sizes]
    return [point.scene, point.codec, f"{point.size_bytes:,}", f"{point.db:.2f}", *quotients]


def _shown(row: Row) -> list[str]:
    return [
        row["scene"],
        f"{row['curve']}, {row['setting']}" + (" (its own)" if row["own"] else ""),
        f"{row['bytes']:,}",
        f"{row['ratio']:.1f}",
        f"{row['stored_splats']:,} ({100 * row['stored_splats'] / row['splats']:.0f} %)",
        f"{row['lost_db']:.2f} ({row['lost_db_worst']:.1f})",
        f"{row['db']:.2f} ({row['db_worst']:.1f})",
        f"{row['ssim']:.4f} ({row['ssim_worst']:.4f})",
        f"{row['orbit_db']:.1f} ({row['orbit_db_worst']:.1f})",
        f"{row['cpu_s']:.1f}",
        f"{row['wall_s']:.1f}",
    ]
