"""Plots as SVG: where the bytes went, what became of the attributes, what one more megabyte buys.

Lines and words take the colour of the page's text, so that they are to be read on light and on dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np

from splatzip import Scene, histograms
from splatzip_viewer.facts import size_text

# Okabe and Ito's, to be told apart by everybody; the first is the source, or the first attribute.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b3a100", "#7f7f7f")
_WIDTH = 480


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
    rows = []
    for number, (name, value) in enumerate(values.items()):
        y, wide = 26 + 22 * number, max(1.0, 180 * value / most)
        rows.append(
            f'<text x="0" y="{y + 12}">{escape(name)}</text>'
            f'<rect x="170" y="{y + 1}" width="{wide:.1f}" height="14" rx="2" fill="{COLOURS[0]}"/>'
            f'<text x="{176 + wide:.1f}" y="{y + 12}">{size_text(value)}, {100 * value / total:.1f} %</text>'
        )
    return _svg(title, 30 + 22 * len(values), "".join(rows))


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
        for share, colour in zip(shares, COLOURS, strict=False):
            x = np.linspace(0, 200, len(share) + 1)
            corners = [f"M0 70L{x[0]:.1f} {70 - 60 * share[0] / most:.1f}"]
            corners += [
                f"H{right:.1f}V{70 - 60 * height / most:.1f}"
                for right, height in zip(x[1:], [*share[1:], 0.0], strict=True)
            ]
            lines.append(f'<path d="{"".join(corners)}" fill="{colour}" fill-opacity=".18" stroke="{colour}"/>')
        low, high = (f"{10**value:.3g}" if one.log else f"{value:.3g}" for value in (one.low, one.high))
        words = (
            f'<text x="0" y="84">{low}</text><text x="200" y="84" text-anchor="end">{high} {escape(one.unit)}</text>'
        )
        axis = '<path d="M0 70H200" stroke="currentColor" stroke-opacity=".4"/>'
        plots.append(_svg(one.title, 90, "".join(lines) + axis + words, width=200, title_y=0))
    return f'{_legend([name for name, _ in scenes])}<div class="histograms">{"".join(plots)}</div>'


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
        return float(x), float(230 - 190 * (quality - low) / (high - low))

    shapes = []
    for quality in np.arange(low, high + 1, max(1, round((high - low) / 6))):
        y = place(10**left, quality)[1]
        shapes.append(f'<path d="M44 {y:.1f}H{_WIDTH - 20}" stroke="currentColor" stroke-opacity=".15"/>')
        shapes.append(f'<text x="38" y="{y + 4:.1f}" text-anchor="end">{quality:.0f} dB</text>')
    for size in _ticks(left, right):
        x = place(size, low)[0]
        shapes.append(f'<path d="M{x:.1f} 230V234" stroke="currentColor"/>')
        shapes.append(f'<text x="{x:.1f}" y="248" text-anchor="middle">{size_text(size)}</text>')
    presets = list(dict.fromkeys(point["preset"] for point in points))
    for preset, colour in zip(presets, COLOURS, strict=False):
        mine = sorted((point for point in points if point["preset"] == preset), key=lambda point: point["bytes"])
        at = [place(point["bytes"], point["psnr"]) for point in mine]
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        shapes.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), point in zip(at, mine, strict=True):
            words = escape(f"{point['label']}: {size_text(point['bytes'])}, {point['psnr']:.2f} dB")
            shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"><title>{words}</title></circle>')
    return _legend(presets) + _svg("Rate and distortion", 256, "".join(shapes))


def _ticks(left: float, right: float) -> list[float]:
    """Round sizes between two powers of ten: 1, 2, 5."""
    powers = range(int(np.floor(left)), int(np.ceil(right)) + 1)
    steps = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    inside = [step for step in steps if left <= np.log10(step) <= right]
    apart = inside[:1] + [
        later for sooner, later in pairwise(inside) if np.log10(later / sooner) > 0.12 * (right - left)
    ]
    return apart


def _legend(names: Sequence[str]) -> str:
    keys = (
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for name, colour in zip(names, COLOURS, strict=False)
    )
    return f'<p class="legend">{"".join(keys)}</p>'


def _svg(title: str, height: int, shapes: str, *, width: int = _WIDTH, title_y: int = 14) -> str:
    heading = f'<text x="0" y="{title_y}" class="title">{escape(title)}</text>' if title_y else ""
    figure = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" font-size="12" '
        f'fill="currentColor">{heading}{shapes}</svg>'
    )
    return figure if title_y else f"<figure><figcaption>{escape(title)}</figcaption>{figure}</figure>"
