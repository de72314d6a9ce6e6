"""The scenes that a verb reads."""

from __future__ import annotations

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
    warning_lines(f"{source}: dropped {count} rows: {why}" for why, count in scene.meta.dropped.items())
    warning_lines(f"{source}: not carried: {what}" for what in scene.meta.ignored)
    return scene
