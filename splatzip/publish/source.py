"""The .splatz bytes for a path: the file itself, or compressed on the fly from another format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from splatzip.decode import info
from splatzip.encode import encode_every_splat
from splatzip.errors import SplatzipError, naming
from splatzip.io import is_splatz, load
from splatzip.progress import Progress


def splatz_bytes(path: Path, *, axes: str | None = None, progress: Progress | None = None) -> bytes:
    """Read a .splatz file, or compress a scene without losing splats: exactly where it came quantized, else fast.

    Args:
        axes: where x, y and z of a scene in another format point; None: as it says.
    Raises: FormatError, SceneError, OSError.
    """
    if axes is None and is_splatz(path):
        return path.read_bytes()
    try:
        return encode_every_splat(load(path, axes=axes), progress=progress)
    except SplatzipError as error:
        raise naming(error, path) from error


def facts_of(data: bytes | Path, name: str) -> dict[str, Any]:
    """What `info` says of a file; an error names it."""
    try:
        return info(data)
    except SplatzipError as error:
        raise naming(error, name) from error


def title_of(facts: dict[str, Any], name: str) -> str:
    """The scene's own title, else its file's name, as far as that is text."""
    title = (facts["meta"] or {}).get("title")
    return title if isinstance(title, str) and title.strip() else name.encode(errors="replace").decode()
