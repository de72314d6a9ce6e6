"""How a long call tells its caller how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]  # of the share done, 0 to 1, and a word for the step


def silent(share: float, step: str) -> None:
    """Ignores progress."""
