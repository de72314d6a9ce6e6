"""Load and save: paths on one side, scenes on the other. Thin: every format is a file of its own."""

from __future__ import annotations

from pathlib import Path

from splatzip.formats.registry import format_of_content, format_of_name
from splatzip.scene import Scene


def load(path: str | Path, *, repair: bool = False) -> Scene:
    """Read a scene in any format, recognised by content first and extension second.

    Args:
        path: a file, or a folder (SOG).
        repair: drop rows that are not valid (NaN, Inf, zero quaternion); counted in `scene.meta.dropped`.
    Raises: FormatError, SceneError, OSError.
    """
    path = Path(path)
    return format_of_content(path).module.read(path, repair=repair)  # type: ignore[no-any-return]


def save(scene: Scene, path: str | Path) -> list[str]:
    """Write a scene in the foreign format that the extension names.

    Returns: what the format cannot hold and was therefore lost, one line each; empty if nothing was.
    Raises: FormatError, OSError.
    """
    path = Path(path)
    return format_of_name(path).module.write(scene, path)  # type: ignore[no-any-return]
