"""The file that a verb writes: an existing one is kept unless --force, and a new one is whole or not there.

A link is followed, as everywhere: it stays, and what it names is written. Pipes and devices are never replaced.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from splatzip.cli.console import named, warning_lines

if TYPE_CHECKING:
    from splatzip import Scene


def check_target(target: Path, *, force: bool, way_out: str = "--force replaces it") -> None:
    """Refuse, before any work, a target that exists, or a file that comes with it (unless `force`), or has no folder.

    Args:
        way_out: what to do about one that exists.
    Raises: OSError.
    """
    folder = target.parent.parent if target.name == "meta.json" else target.parent  # a SOG folder is made
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the folder to write to does not exist", str(folder))
    if target.is_dir():
        folder = target
    elif target.is_symlink():
        folder = target.resolve().parent
    elif target.parent.is_dir():
        folder = target.parent
    check_writable(folder)
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise FileExistsError(errno.EEXIST, "a pipe or a device, which is not replaced; name a file", str(target))
    from splatzip import files_beside

    for file in () if force else (target, *files_beside(target)):
        if file.is_dir() and file == target and way_out.startswith("--force"):
            raise IsADirectoryError(errno.EISDIR, "a folder; name a file in it, or meta.json for a SOG", str(file))
        if file.exists():
            raise FileExistsError(errno.EEXIST, f"already exists; {way_out}", str(file))


def check_writable(folder: Path) -> None:
    """Refuse, before any work, a folder that takes no file.

    Raises: OSError.
    """
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY if hasattr(os, "statvfs") else 0
        number = errno.EROFS if read_only else errno.EACCES
        raise OSError(number, f"nothing can be written to this folder: {os.strerror(number)}", str(folder))


def write_whole(target: Path, content: bytes) -> None:
    """Write beside the target, or what it is a link to, then rename: whoever looks sees the old file or the new one."""
    file = Path(os.path.realpath(target)) if target.is_symlink() else target
    part = file.with_name(f".{file.name[:60]}.{os.urandom(4).hex()}.part")  # a long name stays one
    with named(target):
        try:
            part.write_bytes(content)
            os.replace(part, file)
        except BaseException:  # also Ctrl-C
            part.unlink(missing_ok=True)
            raise


def save_and_warn(scene: Scene, target: Path, *, version: int | None = None) -> list[str]:
    """Save in the format that the name asks for; say on stderr, and return, what that format could not hold."""
    from splatzip import save

    with named(target):
        lost: list[str] = save(scene, target, version=version)
    warning_lines(f"{target}: lost {line}" for line in lost)
    return lost
