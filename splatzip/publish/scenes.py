"""What may be served: .splatz files and folders below one folder, and nothing else on the machine.

A requested path is not just joined: it is resolved, including symbolic links, and the result must lie below the folder.
Hidden files, files of other kinds and what this process may not read do not exist as far as the network is concerned.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from splatzip.formats.registry import FORMATS
from splatzip.io import SUFFIX

_FOREIGN = tuple(suffix for format in FORMATS for suffix in format.suffixes)


def is_text(name: str) -> bool:
    """Whether a file's name is UTF-8; Python stands half surrogate pairs in for other bytes."""
    return name.encode(errors="ignore").decode() == name


@dataclass(frozen=True)
class Listing:
    """What a folder offers, by name.

    Attributes:
        folders: folders in it.
        scenes: .splatz files.
        foreign: scenes of other formats, which have to be compressed first.
    """

    folders: list[str]
    scenes: list[str]
    foreign: list[str]


@dataclass(frozen=True)
class Shelf:
    """A folder, seen from the network.

    Attributes:
        root: the folder, resolved.
        only: the one file of it that is served; None: all.
    """

    root: Path
    only: str | None = None

    def find(self, below: str) -> Path | None:
        """The file or folder at a path below the root; None for whatever must not be, or is not, there."""
        parts = [part for part in below.split("/") if part]
        if any(part.startswith(".") or "\\" in part or "\0" in part for part in parts):
            return None
        if self.only is not None and parts != [self.only]:
            return None
        try:
            found = self.root.joinpath(*parts).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):  # not there, no permission, a loop of links, too long
            return None
        if not found.is_relative_to(self.root):
            return None
        if not os.access(found, os.R_OK | os.X_OK if found.is_dir() else os.R_OK):
            return None
        is_scene = found.is_file() and found.name.lower().endswith(SUFFIX)
        return found if is_scene or found.is_dir() else None

    def listing(self, folder: Path) -> Listing:
        """What a folder that `find` gave offers.

        Links that lead out of the root are left out, and names that are no text, which no address can hold.
        """
        found = Listing([], [], [])
        below = folder.relative_to(self.root).as_posix()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name.lower()):
            name = entry.name
            if not is_text(name):
                continue
            there = self.find(f"{below if below != '.' else ''}/{name}")
            if there is not None:
                (found.folders if there.is_dir() else found.scenes).append(name)
            elif not name.startswith(".") and name.lower().endswith(_FOREIGN) and entry.is_file():
                found.foreign.append(name)
        return found
