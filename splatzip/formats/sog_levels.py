"""A streamed SOG: `lod-meta.json` beside SOG folders, each with a part of one detail level. The finest level is read.

    filenames    ["0_0/meta.json", "1_0/meta.json", ...]
    tree         regions; a leaf's `lods` say for each level, 0 is the finest, which splats of which file are its own
    environment  null, or the file of what is far away, which is not read

A file belongs to one level, all of it. Levels replace each other: together they would be drawn several times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splatzip.container import json_values
from splatzip.errors import CorruptError, FormatError, UnsupportedVersionError
from splatzip.formats.sog_files import LOD_META

MAX_LOD_META_BYTES = 1 << 26
VERSION = 1  # older files name none


@dataclass(frozen=True)
class Finest:
    """The finest level of a streamed SOG.

    Attributes:
        files: their addresses from lod-meta.json's folder, and how many splats each has.
        ignored: what else there is, one line each.
    """

    files: Mapping[str, int]
    ignored: tuple[str, ...]


def levels_file(path: Path) -> Path | None:
    """The lod-meta.json of a streamed SOG; None for any other."""
    if path.is_dir() and not (path / "meta.json").is_file():
        path = path / LOD_META
    return path if path.name == LOD_META and path.is_file() else None


def finest_level(path: Path) -> Finest:
    """What lod-meta.json says.

    Raises: FormatError, naming the field.
    """
    size = path.stat().st_size
    if size > MAX_LOD_META_BYTES:
        raise FormatError(f"{path}: {size} bytes, expected at most {MAX_LOD_META_BYTES}")
    try:
        meta = json_values.loads(path.read_bytes())
    except ValueError as error:
        raise FormatError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(meta, dict) or not isinstance(meta.get("tree"), dict):
        raise FormatError(f"{path}: no object with a field 'tree', so not a streamed SOG")
    if meta.get("version", VERSION) != VERSION:
        raise UnsupportedVersionError(f"{path}: version {str(meta['version'])[:20]} is not {VERSION}")
    names = meta.get("filenames")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FormatError(f"{path}: field 'filenames' is not a list of names")
    levels: dict[int, dict[int, int]] = {}
    nodes = [meta["tree"]]
    while nodes:
        node = nodes.pop()
        if not isinstance(node, dict) or not isinstance(node.get("children", []), list):
            raise FormatError(f"{path}: a node of the tree is not an object with a list of children")
        nodes += reversed(node.get("children", []))
        lods = node.get("lods", {})
        for level, part in lods.items() if isinstance(lods, dict) else ():
            file, count = _part(part, len(names), path)
            files = levels.setdefault(int(level) if re.fullmatch("[0-9]{1,9}", level) else -1, {})
            files[file] = files.get(file, 0) + count
    if not levels or min(levels) < 0:
        raise FormatError(f"{path}: its tree names no detail level")
    finest = {_checked(names[file], path): count for file, count in sorted(levels[min(levels)].items())}
    if len(finest) < len(levels[min(levels)]):
        raise CorruptError(f"{path}: a file of the finest level is named twice")
    ignored = [f"coarser detail levels: {len(levels) - 1}"] if len(levels) > 1 else []
    if meta.get("environment"):
        ignored.append("the environment")
    return Finest(finest, tuple(ignored))


def _part(part: Any, files: int, path: Path) -> tuple[int, int]:
    file, count = (part.get("file"), part.get("count")) if isinstance(part, dict) else (None, None)
    if type(file) is not int or type(count) is not int or not 0 <= file < files or count < 0:
        raise CorruptError(f"{path}: a detail level has {str(count)[:20]} splats of file {str(file)[:20]}, of {files}")
    return file, count


def _checked(name: str, path: Path) -> str:
    # A name with a drive or a parent in it would reach outside the scene.
    if set(name) & set("\\:\0") or any(part in ("", ".", "..") for part in name.split("/")):
        raise FormatError(f"{path}: filenames has {name[:60]!r}; only files below its folder are allowed")
    return name
