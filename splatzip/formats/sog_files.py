"""Where the files of a SOG scene are: a folder, or a zip archive (.sog).

An archive has them at its root. Who zips a folder by hand gets them one folder deeper: read, too.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from splatzip.errors import CorruptError, FormatError, TruncatedError, UnsupportedFeatureError

META = "meta.json"
LOD_META = "lod-meta.json"
MAX_META_BYTES = 1 << 22
# Images are compressed already: an entry that shrinks further than this is a bomb.
MAX_ZIP_RATIO = 64


class SogFiles(Protocol):
    """Reads files by plain name."""

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """The bytes of a file. Raises: FormatError if it is missing or larger than `max_bytes`."""

    def names(self) -> list[str]:
        """Everything in an archive; empty for a folder, where other files are not part of the scene."""


@contextmanager
def open_files(path: Path) -> Iterator[SogFiles]:
    """The files of the scene at `path`: a folder, its meta.json, or a zip archive."""
    if path.is_dir():
        yield _Folder(path, META)
    elif not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                raise TruncatedError(f"{path}: a zip archive whose end is missing; copy the file again")
        yield _Folder(path.parent, path.name)
    else:
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OverflowError, OSError) as error:
            raise CorruptError(f"{path}: a damaged zip archive: {error}") from None
        with archive:
            yield _Archive(path, archive)


class _Folder:
    def __init__(self, path: Path, meta: str) -> None:
        self.path = path
        self.meta = meta  # the one file that may be named differently

    def read(self, name: str, *, max_bytes: int) -> bytes:
        target = self.path / (self.meta if name == META else name)
        if not target.is_file():
            raise FormatError(f"{target}: missing; a SOG folder needs {META} and every image that it names")
        size = target.stat().st_size
        if size > max_bytes:
            raise FormatError(f"{target}: {size} bytes, expected at most {max_bytes}")
        return target.read_bytes()

    def names(self) -> list[str]:
        return []


class _Archive:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self.archive = archive
        self.folder = self._folder()

    def _folder(self) -> str:
        """Where meta.json is: "", or the only folder that has one.

        Raises: FormatError if there is none, or more than one; UnsupportedFeatureError if they are levels of one.
        """
        names = self.archive.namelist()
        if META in names:
            return ""
        if any(name.rpartition("/")[2] == LOD_META for name in names):
            raise UnsupportedFeatureError(f"{self.path}: a streamed SOG in an archive; unpack it and name its folder")
        found = [name.removesuffix(META) for name in names if name.endswith(f"/{META}") and name.count("/") == 1]
        if len(found) == 1:
            return found[0]
        if found:
            raise FormatError(f"{self.path}: {len(found)} SOG scenes in one archive; unpack it and name one")
        others = (".ply", ".spz", ".splat", ".ksplat", ".glb", ".usdz")
        scenes = [name for name in names if name.lower().endswith(others)]
        holds = f" ({scenes[0][-60:]!r} is in it: unpack it first)" if scenes else ""
        raise FormatError(f"{self.path}: a zip archive without {META}, so not a SOG{holds}")

    def read(self, name: str, *, max_bytes: int) -> bytes:
        where = f"{self.path}: {name}"
        try:
            entry = self.archive.getinfo(self.folder + name)
        except KeyError:
            raise FormatError(f"{where}: missing in the archive, where {META} names it") from None
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnsupportedFeatureError(f"{where}: zip compression {entry.compress_type}; only 0 and 8 are used")
        if entry.file_size > min(max_bytes, MAX_ZIP_RATIO * entry.compress_size + (1 << 16)):
            raise FormatError(f"{where}: {entry.file_size} bytes from {entry.compress_size} cannot be right")
        try:
            return self.archive.read(entry)  # checks the CRC
        except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, NotImplementedError) as error:
            raise CorruptError(f"{where}: damaged at byte {entry.header_offset}: {error}") from None
        except RuntimeError:
            raise UnsupportedFeatureError(f"{where}: encrypted; unpack the archive first") from None

    def names(self) -> list[str]:
        files = (name for name in self.archive.namelist() if not (name.endswith("/") or name.startswith("__MACOSX/")))
        return [name.removeprefix(self.folder) for name in files]
