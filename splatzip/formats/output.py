"""What every writer needs: a target that appears complete or not at all, and messages for what it cannot hold."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from splatzip.scene import SceneMeta


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A binary file that becomes `path` when the block ends well, and vanishes when it does not.

    The bytes go to a file beside the target, so that the last step is a rename inside one folder: whoever looks
    at `path` sees the old file or the whole new one. A link stays, and what it names is written.

    Raises: FileExistsError for a pipe or a device.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise FileExistsError(errno.EEXIST, "a pipe or a device, which is not replaced; name a file", str(path))
    real = Path(os.path.realpath(path)) if path.is_symlink() else path
    part = _part_of(real)
    try:
        with _named(path, part):
            with part.open("xb") as file:
                yield file
            os.replace(part, real)
    except BaseException:  # also Ctrl-C: nothing half-written stays
        with suppress(OSError):  # a read-only disk refuses this, too, and the first refusal says more
            part.unlink()
        raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """The same for a folder that does not exist yet."""
    part = _part_of(path)
    try:
        with _named(path, part):
            part.mkdir(parents=True)
            yield part
            os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _part_of(path: Path) -> Path:
    # Names have at most 255 bytes, of which a character takes up to 4: what is a name stays one.
    return path.with_name(f".{path.name[:60]}.{os.urandom(4).hex()}.part")


@contextmanager
def _named(path: Path, part: Path) -> Iterator[None]:
    """An OSError about no file, as of a full disk, or about the temporary one is about the target."""
    try:
        yield
    except OSError as error:
        about = [str(name) for name in (error.filename, error.filename2) if name is not None]
        if error.errno is None or (about and not any(name.startswith(str(part)) for name in about)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def lost_meta(meta: SceneMeta, title: str, *, holds: frozenset[str] = frozenset()) -> list[str]:
    """One line for each fact beside the splats that a format has no place for.

    Args:
        title: the format's name, for the line.
        holds: names of the `SceneMeta` fields that the format does hold.
    """
    # `axes` only remembers what the source declared; every writer converts to its own convention.
    return [f"{name}: {title} has no place for it" for name in meta.stored() if name not in holds | {"axes"}]
