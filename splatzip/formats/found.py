"""The scenes in a folder: what a person would call one, found by name first and by what it holds second.

A file whose name asks for a format is a scene unless it says that it is something else, such as the point cloud that
training started from: one that is empty, cut or cannot be opened is for `load` to refuse.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from splatzip.formats.ply_header import HEADER_LIMIT_BYTES
from splatzip.formats.registry import FORMATS
from splatzip.formats.sog import sniff as is_sog
from splatzip.formats.sog_files import LOD_META, META
from splatzip.formats.usd_stage import LAYERS

# Of no other PLY: a property of splats, under any prefix, so that what `load` refuses by name is not passed over.
_OF_SPLATS = (b"f_dc_0", b"scale_0", b"rot_0", b"packed_position")
# Of a crate's names only what is new in each is there to be read: LZ4 refers back to the rest.
_OF_SPLATS_IN_USD = (b"Harmon", b"Particle", b"pacitie")
TRAINED, ITERATION = "point_cloud.ply", re.compile(r"iteration_(\d+)")
_SUFFIXES = tuple(suffix for row in FORMATS for suffix in row.suffixes if suffix != META)


def find_scenes(folder: str | Path) -> Iterator[Path]:
    """Every scene in a folder and its subfolders, in the order of names.

    A SOG folder is one scene, and so is the last iteration of a training output: of OUTPUT/point_cloud/iteration_N/
    point_cloud.ply the highest N. Point clouds, meshes and whatever is hidden are left out. Links are followed, but not
    back into a folder that they are in, nor to one that was gone through before: folders that all lead to each other
    would have as many ways through them as there are orders.

    Yields: the scenes; a folder that cannot be listed, too, so that whoever loads it is told why.
    """
    return _scenes_in(Path(folder), frozenset(), set(), linked=False)


def _scenes_in(
    folder: Path, above: frozenset[tuple[int, int]], seen: set[tuple[int, int]], *, linked: bool
) -> Iterator[Path]:
    try:
        status = folder.stat()
        with os.scandir(folder) as listing:
            entries = {entry.name: entry for entry in listing if not entry.name.startswith(".")}
    except OSError:
        yield folder
        return
    here = (status.st_dev, status.st_ino)
    if here in above or (linked and here in seen):
        return
    seen.add(here)
    if LOD_META in entries:  # its levels are parts of it
        yield folder
        return
    if META in entries and is_sog(_head(folder / META), folder / META):
        yield folder
    older = _older_iterations(folder, entries)
    for name in sorted(entries.keys() - older):
        path, entry = folder / name, entries[name]
        if entry.is_dir():
            yield from _scenes_in(path, above | {here}, seen, linked=entry.is_symlink())
        elif name.lower().endswith(_SUFFIXES) and (entry.is_file() or entry.is_symlink()) and _may_hold_splats(path):
            yield path


def _older_iterations(folder: Path, entries: Mapping[str, os.DirEntry[str]]) -> set[str]:
    if Path(os.path.abspath(folder)).name != "point_cloud":
        return set()
    numbered = {name: int(found[1]) for name in entries if (found := ITERATION.fullmatch(name))}
    saved = {name: number for name, number in numbered.items() if os.path.lexists(folder / name / TRAINED)}
    return {name for name, number in saved.items() if number < max(saved.values())}


def _may_hold_splats(path: Path) -> bool:
    name = path.name.lower()
    if name.endswith(".ply"):
        head = _head(path, 1 << 12)  # thousands of files, perhaps over a network
        if b"end_header" not in head:
            head = _head(path)
        whole = head.startswith(b"ply") and b"end_header" in head
        return not whole or any(name in head for name in _OF_SPLATS)
    if name.endswith((".glb", ".gltf")):
        return not _head(path, 1) or _mentions(path, b"KHR_gaussian_splatting")
    if name.endswith(LAYERS):  # a layer that only refers to others is no scene, they are
        return not _head(path, 1) or any(_mentions(path, part) for part in _OF_SPLATS_IN_USD)
    return True


def _head(path: Path, most: int = HEADER_LIMIT_BYTES) -> bytes:
    """The start of a file; nothing of one that cannot be opened, or of a pipe or a device, which may never answer."""
    if not path.is_file():
        return b""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(most)
    except OSError:
        return b""


def _mentions(path: Path, word: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = len(data)
        if data[:4] == b"glTF":  # a .glb: JSON first
            end = 20 + int.from_bytes(data[12:16], "little")
        return data.find(word, 0, end) >= 0
