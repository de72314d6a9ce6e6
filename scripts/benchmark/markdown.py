"""Markdown tables, and numbers as they show them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

MISSING = "not measured"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table, the first column aligned left, the others right; a note where it has no rows."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if not lines:
        return [f"*{MISSING}*", ""]
    return ["| " + " | ".join(heads) + " |", "|---|" + "--:|" * (len(heads) - 1), *lines, ""]


def spread(values: Sequence[float], digits: int) -> str:
    """Median and, where it was repeated, range."""
    median = f"{statistics.median(values):.{digits}f}"
    return median if len(values) == 1 else f"{median} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def met(value: float | None, most: float) -> str:
    """Whether a bar was met: nothing is said without a value."""
    return "" if value is None else "yes" if value <= most else "**no**"


def yes(value: bool | None) -> str:
    """A check's outcome; None: it does not apply."""
    return "-" if value is None else "yes" if value else "**no**"
