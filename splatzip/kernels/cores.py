"""How many threads 0 stands for."""

from __future__ import annotations

from splatzip import _core


def core_count() -> int:
    """The cores that this process may use: those of its affinity, no more than its CPU quota (cgroups) is worth."""
    return int(_core.core_count())
