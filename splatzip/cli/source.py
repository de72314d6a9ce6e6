"""The files that a verb reads: every complaint about one names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from splatzip.cli.console import warning_lines

if TYPE_CHECKING:
    from splatzip import Scene


@contextmanager
def named(source: Path) -> Iterator[None]:
    """Errors of the block say which file they are about, where they do not already."""
    from splatzip import SplatzipError

    try:
        yield
    except SplatzipError as error:
        if str(source) in str(error):
            raise
        raise type(error)(f"{source}: {error}") from error


def load_and_warn(source: Path, *, repair: bool) -> Scene:
    """Load a scene; say on stderr which rows repair dropped and which parts of the file we do not carry."""
    from splatzip import load

    with named(source):
        scene: Scene = load(source, repair=repair)
    warning_lines(f"{source}: dropped {count} rows: {why}" for why, count in scene.meta.dropped.items())
    warning_lines(f"{source}: not carried: {what}" for what in scene.meta.ignored)
    return scene
