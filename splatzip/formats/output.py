"""What every writer needs: a target that appears complete or not at all, and messages for what it cannot hold."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from splatzip.scene import SceneMeta


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A binary file that becomes `path` when the block ends well, and vanishes when it does not.

    The bytes go to a file beside the target, so that the last step is a rename inside one folder: whoever looks
    at `path` sees the old file or the whole new one.
    """
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    try:
        with part.open("xb") as file:
            yield file
        os.replace(part, path)
    except BaseException:  # also Ctrl-C: nothing half-written stays
        part.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """The same for a folder that does not exist yet."""
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    part.mkdir(parents=True)
    try:
        yield part
        os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def lost_meta(meta: SceneMeta, title: str, *, holds: frozenset[str] = frozenset()) -> list[str]:
    """One line for each fact beside the splats that a format has no place for.

    Args:
        title: the format's name, for the line.
        holds: names of the `SceneMeta` fields that the format does hold.
    """
    # `axes` only remembers what the source declared; every writer converts to its own convention.
    return [f"{name}: {title} has no place for it" for name in meta.stored() if name not in holds | {"axes"}]
