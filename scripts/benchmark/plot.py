"""Curves side by side as an SVG: ratio to the right, in logarithms, and dB lost upwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT, _LEFT, _TOP, _BELOW = 440, 300, 56, 30, 62  # of a panel's frame, and around it
_RATIOS = (5, 10, 20, 50, 100, 200, 400)
_LOSSES = (-0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LETTER, _BETWEEN, _LINE = 7, 30, 20  # width of a letter of the legend, of what is between two names; a line's height


@dataclass(frozen=True)
class Series:
    """Points (ratio, dB lost) of one colour; joined: in their order, by a line."""

    name: str
    color: str
    points: Sequence[tuple[float, float]]
    joined: bool


@dataclass(frozen=True)
class Panel:
    """A frame of axes with its series; what lies outside is cut off."""

    title: str
    series: Sequence[Series]


def picture(panels: Sequence[Panel]) -> str:
    """The SVG; the first panel's series name the colours."""
    step = _LEFT + _WIDTH + 24
    width, below = step * len(panels), _TOP + _HEIGHT + _BELOW
    legend, lines = _legend(panels[0].series, width, below)
    height = below + _LINE * lines
    font = 'font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {font}>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<clipPath id="frame"><rect width="{_WIDTH}" height="{_HEIGHT}"/></clipPath>',
    ]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate({number * step + _LEFT},{_TOP})">', *_axes(panel.title)]
        parts += ['<g clip-path="url(#frame)">', *(mark for series in panel.series for mark in _marks(series))]
        parts += ["</g></g>"]
    return "\n".join([*parts, *legend, "</svg>", ""])


def _legend(named: Sequence[Series], width: int, y: int) -> tuple[list[str], int]:
    """What the colours are, from `y` downwards, and on how many lines."""
    parts, x, lines = [], _LEFT, 1
    for series in named:
        wide = _LETTER * len(series.name) + _BETWEEN
        if x + wide > width:
            x, y, lines = _LEFT, y + _LINE, lines + 1
        parts.append(f'<circle cx="{x}" cy="{y - 4}" r="4" fill="{series.color}"/>')
        parts.append(f'<text x="{x + 9}" y="{y}">{escape(series.name)}</text>')
        x += wide
    return parts, lines


def _axes(title: str) -> list[str]:
    middle = f'x="{_WIDTH / 2:g}" text-anchor="middle"'
    upright = f'transform="translate(-36,{_HEIGHT / 2:g}) rotate(-90)" text-anchor="middle"'
    lines = [
        f'<text {middle} y="-10" font-weight="bold">{escape(title)}</text>',
        f'<text {middle} y="{_HEIGHT + 38}">ratio</text>',
        f"<text {upright}>dB lost against photos</text>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#000"/>',
    ]
    for ratio in _RATIOS:
        x, _ = _place(ratio, 0)
        lines.append(f'<path d="M{x},0V{_HEIGHT}" stroke="#e5e7eb"/>')
        lines.append(f'<text x="{x}" y="{_HEIGHT + 18}" text-anchor="middle">{ratio}</text>')
    for loss in _LOSSES:
        _, y = _place(_RATIOS[0], loss)
        lines.append(f'<path d="M0,{y}H{_WIDTH}" stroke="#e5e7eb"/>')
        lines.append(f'<text x="-8" y="{y + 4}" text-anchor="end">{loss:g}</text>')
    return lines


def _marks(series: Series) -> list[str]:
    places = [_place(ratio, loss) for ratio, loss in series.points]
    marks = [f'<circle cx="{x}" cy="{y}" r="4" fill="{series.color}"/>' for x, y in places]
    if series.joined and places:
        path = " ".join(f"{x},{y}" for x, y in places)
        marks.append(f'<polyline points="{path}" fill="none" stroke="{series.color}" stroke-width="1.5"/>')
    return marks


def _place(ratio: float, loss: float) -> tuple[float, float]:
    low, high = math.log(_RATIOS[0] * 0.9), math.log(_RATIOS[-1] * 1.3)
    across = (math.log(ratio) - low) / (high - low)
    up = (loss - _LOSSES[0] + 0.02) / (_LOSSES[-1] - _LOSSES[0] + 0.04)
    return round(across * _WIDTH, 1), round((1 - up) * _HEIGHT, 1)
