"""Load and save: paths on one side, scenes on the other. Thin: every format is a file of its own."""

from __future__ import annotations

from pathlib import Path

from splatzip.container.layout import MAGIC
from splatzip.errors import FormatError, SceneError
from splatzip.formats.output import atomic_write
from splatzip.formats.registry import format_of_content, format_of_name
from splatzip.formats.told_axes import told_axes
from splatzip.scene import Scene
from splatzip.scene.axes import checked_axes

SUFFIX = ".splatz"


def load(path: str | Path, *, repair: bool = False, axes: str | None = None) -> Scene:
    """Read a scene in any format, recognised by content first and extension second.

    Args:
        path: a file, or a folder (SOG).
        repair: drop rows that are not valid (NaN, Inf, zero quaternion); counted in `scene.meta.dropped`.
        axes: where x, y and z of the file point, as letters: "RDF" (right, down, front) as in a PLY, "RUB" (right, up,
            back) as in SPZ and glTF. None: as the file says, or else its format. An SPZ keeps its codes.
    Raises: FormatError, SceneError, OSError.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):  # read twice: for its format, then for its splats
        raise FormatError(f"{path}: a pipe or a device; save it to a file and name that")
    if is_splatz(path):
        from splatzip.decode import decompress

        if axes is not None:
            raise FormatError(f"{path}: a .splatz has no other axes than its own; splatzip transform --rotate turns it")
        return decompress(path)
    if axes is not None:
        checked_axes(axes)  # before the work
    found = format_of_content(path)
    scene: Scene = found.module.read(path, repair=repair)
    return scene if axes is None else told_axes(scene, axes, found.axes)


def save(scene: Scene, path: str | Path, *, version: int | None = None) -> list[str]:
    """Write a scene in the format that the extension names.

    Args:
        path: a file; an existing folder, or its meta.json, becomes SOG. A .splatz keeps every splat
            (lossless for a quantized source, else fast): `compress` has the other presets.
        version: of the format, where there is a choice (SPZ: 2, 3 or 4); None: the newest.
    Returns: what was lost because the format cannot hold it, one line each; empty if nothing was.
    Raises: FormatError, OSError; SceneError if arrays of the scene were changed and a value is no longer valid.
    """
    path = Path(path)
    if not isinstance(scene, Scene):  # above all what compress returns
        raise TypeError(f"save takes a Scene, not {type(scene).__name__}; bytes of a .splatz are written as they are")
    refuse_unfit(scene)
    if path.name.lower().endswith(SUFFIX) and not path.is_dir():
        if version is not None:
            raise FormatError(f"{path}: a .splatz has no version to choose")
        from splatzip.encode import encode_every_splat

        with atomic_write(path) as file:
            file.write(encode_every_splat(scene))
        return []
    chosen = format_of_name(path)
    if version is None:
        return chosen.module.write(scene, path)  # type: ignore[no-any-return]
    if version not in chosen.versions:
        *others, last = map(str, chosen.versions or ("",))
        choice = f"choose {', '.join(others)} or {last}" if others else "there is no choice"
        raise FormatError(f"{path}: version {version} of {chosen.title} cannot be written; {choice}")
    return chosen.module.write(scene, path, version=version)  # type: ignore[no-any-return]


def refuse_unfit(scene: Scene) -> None:
    """Raises: SceneError for a scene that no file can hold, or whose arrays were changed to what none can."""
    if not len(scene):
        raise SceneError("the scene has no splats: there is nothing to write")
    scene.check()


def is_splatz(path: Path) -> bool:
    """Whether it is a .splatz file, by content: a name proves nothing."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
