"""The section about rendering."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmark.markdown import met, spread, table
from benchmark.record import Row
from benchmark.render import PASSES

Bar = float | tuple[float, str]


def _most(bar: Bar, rows: Sequence[Row]) -> float:
    """Milliseconds with two threads."""
    if isinstance(bar, float):
        return bar
    factor, other = bar
    return factor * statistics.median(row["wall_ms"] for row in rows if row["pass"] == other and row["threads"] == 2)


def _said(bar: Bar) -> str:
    return f"{bar:.0f}" if isinstance(bar, float) else f"{bar[0]} x {bar[1]}"


def rendering(rows: Sequence[Row]) -> list[str]:
    """Milliseconds a picture, by pass and threads."""
    lines = []
    for name, (_, bar) in PASSES.items():
        for threads in sorted({row["threads"] for row in rows if row["pass"] == name}):
            group = [row for row in rows if (row["pass"], row["threads"]) == (name, threads)]
            wall = [row["wall_ms"] for row in group]
            most = _most(bar, rows) if threads == 2 else None
            lines.append(
                (
                    name,
                    str(threads),
                    spread(wall, 1),
                    spread([row["cpu_ms"] for row in group], 1),
                    _said(bar) if most else "",
                    met(statistics.median(wall), most) if most else "",
                )
            )
    heads = ("pass", "threads", "wall ms", "CPU ms", "at most", "met")
    return [
        "## Rendering",
        "",
        "`scripts/bench render`: snowmiku with some splats repeated to 200,000, SH 3, 800x600, extent 3sigma, on the",
        "CPU; milliseconds per picture, mean over the 13 test views; the scene is prepared once. CPU ms: of all",
        "threads. The targets are for two idle cores. Everything: weights, removal, curvature of every attribute,",
        "directions.",
        "",
        *table(heads, lines),
    ]
