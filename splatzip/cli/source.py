"""The scenes that a verb reads."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from splatzip.cli.console import named, warning_lines

if TYPE_CHECKING:
    from splatzip import Scene

PATIENCE_SECONDS = 2.0


def whole(source: Path) -> Path | bytes:
    """A .splatz to read: its path, or the bytes of a pipe, such as <(curl ADDRESS), which can be read but once."""
    if source.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder; name a .splatz file in it", str(source))
    if not source.is_fifo():
        return source
    from threading import Timer

    waiting = Timer(PATIENCE_SECONDS, lambda: warning_lines([f"{source}: a pipe; waiting for what is written into it"]))
    waiting.daemon = True
    waiting.start()
    try:
        with source.open("rb") as pipe:
            first = pipe.read(1)
            waiting.cancel()
            return first + pipe.read()
    finally:
        waiting.cancel()


def load_and_warn(source: Path, *, repair: bool, axes: str | None = None) -> Scene:
    """Load a scene; say on stderr which rows repair dropped and which parts of the file we do not carry."""
    from splatzip import load

    with named(source):
        scene: Scene = load(source, repair=repair, axes=axes)
    warn_of_dropped(source, scene.meta.dropped)
    warning_lines(f"{source}: not carried: {what}" for what in scene.meta.ignored)
    return scene


def warn_of_dropped(source: Path | str, dropped: Mapping[str, int]) -> None:
    """Say on stderr which rows repair dropped."""
    warning_lines(f"{source}: dropped {count} rows: {why}" for why, count in dropped.items())


def warn_of_losses_that_add_up(source: Path) -> None:
    """Say on stderr that a .splatz which lost something is compressed again."""
    from splatzip import SplatzipError, info

    if not source.is_file():
        return
    with suppress(SplatzipError):  # in another format
        preset = info(source)["settings"].get("preset")
        if preset != "lossless":
            warning_lines([f"{source}: compressed before ({preset}), so losses add up; the source gives a better file"])
