"""Plots as HTML and SVG: bytes by attribute, attributes before and after, rate-distortion curves.

Lines and text take the colour of the page's text, series those of its style sheet, so that they are readable on light
and on dark; text outside the curves is HTML, which does not shrink with a narrow window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from splatzip import Scene, histograms
from splatzip_viewer.facts import short_name, size_text

# Of page.css; the first is the source's, or the only one.
_SERIES = ("var(--series-1)", "var(--series-2)", "var(--series-3)")
_WIDTH, _HEIGHT = 420, 236
_WORDS = {"sh": "SH", "color": "colour"}  # what attributes are called on the page


def bytes_chart(facts: Mapping[str, Any]) -> str:
    """Bars: the bytes of a .splatz by attribute, and by tier and layer.

    Args:
        facts: what `splatzip.info` says.
    """
    by_attribute = {name: row["bytes"] for name, row in facts["attributes"].items()}
    parts = {_part_name(part): part["bytes"] for part in facts.get("parts", [])}
    largest_first = dict(sorted(by_attribute.items(), key=lambda item: -item[1]))
    return _bars("Bytes by attribute", largest_first) + (_bars("Bytes by tier", parts) if parts else "")


def _part_name(part: Mapping[str, Any]) -> str:
    return f"tier {part['tier']}, {'SH' if part['layer'] else 'geometry and colour'}"


def _bars(title: str, values: Mapping[str, int]) -> str:
    total = sum(values.values()) or 1
    most = max(values.values(), default=1) or 1
    rows = (
        f"<tr><th>{escape(_WORDS.get(name, name))}</th>"
        f'<td><i style="width:{100 * value / most:.1f}%"></i></td>'
        f"<td>{size_text(value)}, {100 * value / total:.1f} %</td></tr>"
        for name, value in values.items()
    )
    return _figure(title, f'<table class="bars">{"".join(rows)}</table>')


def histogram_charts(scenes: Sequence[tuple[str, Scene]]) -> str:
    """One small plot a quantity, all scenes in it.

    Args:
        scenes: name and scene each; two at most.
    """
    plots = []
    for one in histograms([scene for _, scene in scenes]):
        shares = [counts / max(1, counts.sum()) for counts in one.counts]
        most = max(float(share.max()) for share in shares) or 1.0
        lines = []
        for share, colour in zip(shares, _SERIES, strict=False):
            x = np.linspace(0, 200, len(share) + 1)
            corners = [f"M0 64L{x[0]:.1f} {64 - 60 * share[0] / most:.1f}"]
            corners += [
                f"H{right:.1f}V{64 - 60 * height / most:.1f}"
                for right, height in zip(x[1:], [*share[1:], 0.0], strict=True)
            ]
            lines.append(f'<path d="{"".join(corners)}" style="fill:{colour};stroke:{colour}" fill-opacity=".18"/>')
        axis = '<path d="M0 64H200" stroke="currentColor" stroke-opacity=".4"/>'
        low, high = (f"{10**value:.3g}" if one.log else f"{value:.3g}" for value in (one.low, one.high))
        ends = f'<p class="ends"><span>{low}</span><span>{high}</span></p>'
        title = f"{one.title}, {one.unit}" if one.unit else one.title
        plots.append(_figure(title, _svg(title, 200, 66, "".join(lines) + axis) + ends))
    names = [short_name(name) for name, _ in scenes]
    return f'{_legend(names)}<div class="histograms">{"".join(plots)}</div>'


def curve_chart(points: Sequence[Mapping[str, Any]]) -> str:
    """dB over bytes, a line a preset.

    Args:
        points: bytes, psnr, preset and label each, in any order.
    """
    if not points:
        return ""
    sizes, qualities = [point["bytes"] for point in points], [point["psnr"] for point in points]
    left, right = np.log10(min(sizes)) - 0.06, np.log10(max(sizes)) + 0.06
    low, high = np.floor(min(qualities) - 1), np.ceil(max(qualities) + 1)

    def place(size: float, quality: float) -> tuple[float, float]:
        x = 44 + (_WIDTH - 64) * (np.log10(size) - left) / (right - left)
        return float(x), float(_HEIGHT - 26 - (_HEIGHT - 36) * (quality - low) / (high - low))

    shapes = []
    for quality in np.arange(low, high + 1, max(1, round((high - low) / 6))):
        y = place(10**left, quality)[1]
        shapes.append(f'<path d="M44 {y:.1f}H{_WIDTH - 20}" stroke="currentColor" stroke-opacity=".15"/>')
        shapes.append(f'<text x="38" y="{y + 4:.1f}" text-anchor="end">{quality:.0f} dB</text>')
    for size in _ticks(left, right):
        x = place(size, low)[0]
        shapes.append(f'<path d="M{x:.1f} {_HEIGHT - 26}v4" stroke="currentColor"/>')
        shapes.append(f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{size_text(size)}</text>')
    presets = list(dict.fromkeys(point["preset"] for point in points))
    for preset, colour in zip(presets, _SERIES, strict=False):
        mine = sorted((point for point in points if point["preset"] == preset), key=lambda point: point["bytes"])
        at = [place(point["bytes"], point["psnr"]) for point in mine]
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        shapes.append(f'<path d="M{line}" fill="none" style="stroke:{colour}" stroke-width="2"/>')
        for (x, y), point in zip(at, mine, strict=True):
            words = escape(f"{point['label']}: {size_text(point['bytes'])}, {point['psnr']:.2f} dB")
            shapes.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" style="fill:{colour}"><title>{words}</title></circle>'
            )
    return _figure(
        "Rate and distortion", _legend(presets) + _svg("Rate and distortion", _WIDTH, _HEIGHT, "".join(shapes))
    )


def _ticks(left: float, right: float) -> list[float]:
    """Round sizes between two powers of ten, some way apart: 1, 2, 5, or finer ones where these are too few."""
    powers = range(int(np.floor(left)), int(np.ceil(right)) + 1)
    apart: list[float] = []
    for rounds in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        apart = []
        for size in (step * 10.0**power for power in powers for step in rounds):
            is_far = not apart or np.log10(size / apart[-1]) > 0.13 * (right - left)
            if left <= np.log10(size) <= right and is_far:
                apart.append(size)
        if len(apart) > 2:
            break
    return apart


def _legend(names: Sequence[str]) -> str:
    keys = (
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for name, colour in zip(names, _SERIES, strict=False)
    )
    return f'<p class="legend">{"".join(keys)}</p>'


def _figure(title: str, content: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption>{content}</figure>"


def _svg(title: str, width: int, height: int, shapes: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" font-size="11" '
        f'fill="currentColor">{shapes}</svg>'
    )
