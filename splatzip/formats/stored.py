"""The size of a scene on disk: for formats of several files, only the files that belong to it."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

from splatzip.formats import usd
from splatzip.formats.sog_levels import finest_level, levels_file
from splatzip.formats.usd_stage import LAYERS


def stored_bytes(path: str | Path) -> int:
    """Bytes of a scene that `load` can read; of a SOG folder meta.json and its images (of a streamed one, the finest
    level's), of a .gltf its buffers, of a USD stage its other layers, too.

    Raises: OSError if a file is not there.
    """
    path = Path(path)
    levels = levels_file(path)
    if levels is not None:
        return levels.stat().st_size + sum(stored_bytes(levels.parent / name) for name in finest_level(levels).files)
    if path.is_dir():
        path = path / "meta.json"
    parts = {path}
    if path.name == "meta.json":
        sections = [section for section in json.loads(path.read_bytes()).values() if isinstance(section, dict)]
        parts |= {path.with_name(name) for section in sections for name in section.get("files", ())}
    elif path.suffix.lower() in LAYERS:
        parts = set(usd.layer_files(path))
    elif path.suffix.lower() == ".gltf":
        uris = [buffer.get("uri", "data:") for buffer in json.loads(path.read_bytes()).get("buffers", ())]
        parts |= {path.parent / unquote(uri, errors="surrogateescape") for uri in uris if not uri.startswith("data:")}
    return sum(part.stat().st_size for part in parts)
