"""The scenes that a verb reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from splatzip.cli.console import named, warning_lines

if TYPE_CHECKING:
    from splatzip import Scene


def load_and_warn(source: Path, *, repair: bool) -> Scene:
    """Load a scene; say on stderr which rows repair dropped and which parts of the file we do not carry."""
    from splatzip import load

    with named(source):
        scene: Scene = load(source, repair=repair)
    warn_of_dropped(source, scene.meta.dropped)
    warning_lines(f"{source}: not carried: {what}" for what in scene.meta.ignored)
    return scene


def warn_of_dropped(source: Path | str, dropped: Mapping[str, int]) -> None:
    """Say on stderr which rows repair dropped."""
    warning_lines(f"{source}: dropped {count} rows: {why}" for why, count in dropped.items())
