"""Load and save: paths on one side, scenes on the other. Thin: every format is a file of its own."""

from __future__ import annotations

from pathlib import Path

from splatzip.container.layout import MAGIC
from splatzip.encode import Progress, encode
from splatzip.errors import FormatError, SplatzipError
from splatzip.formats.output import atomic_write
from splatzip.formats.registry import format_of_content, format_of_name
from splatzip.profile import Profile
from splatzip.scene import Scene

SUFFIX = ".splatz"


def load(path: str | Path, *, repair: bool = False) -> Scene:
    """Read a scene in any format, recognised by content first and extension second.

    Args:
        path: a file, or a folder (SOG).
        repair: drop rows that are not valid (NaN, Inf, zero quaternion); counted in `scene.meta.dropped`.
    Raises: FormatError, SceneError, OSError.
    """
    path = Path(path)
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                from splatzip.decode import decompress

                return decompress(path)
    return format_of_content(path).module.read(path, repair=repair)  # type: ignore[no-any-return]


def save(scene: Scene, path: str | Path, *, version: int | None = None) -> list[str]:
    """Write a scene in the format that the extension names.

    Args:
        path: a file; an existing folder, or its meta.json, becomes SOG. A .splatz gets the default preset: `compress`
            has the others.
        version: of the format, where there is a choice (SPZ: 3 or 4); None: the newest.
    Returns: what the format cannot hold and was therefore lost, one line each; empty if nothing was.
    Raises: FormatError, OSError.
    """
    path = Path(path)
    if path.name.lower().endswith(SUFFIX) and not path.is_dir():
        if version is not None:
            raise FormatError(f"{path}: a .splatz has no version to choose")
        with atomic_write(path) as file:
            file.write(compress(scene))
        return []
    chosen = format_of_name(path)
    if version is None:
        return chosen.module.write(scene, path)  # type: ignore[no-any-return]
    if version not in chosen.versions:
        choice = f"choose {' or '.join(map(str, chosen.versions))}" if chosen.versions else "there is no choice"
        raise FormatError(f"{path}: version {version} of {chosen.title} cannot be written; {choice}")
    return chosen.module.write(scene, path, version=version)  # type: ignore[no-any-return]


def compress(
    scene: Scene | str | Path,
    *,
    preset: str | None = None,
    profile: Profile | None = None,
    quality: float | None = None,
    threads: int = 0,
    repair: bool = False,
    progress: Progress | None = None,
) -> bytes:
    """Compress a scene into a .splatz file.

    Args:
        scene: a scene, or the path of one in any format.
        preset: "lossless", "near-lossless" or "fast". None: lossless for a scene that came quantized, else fast;
            fast, too, when there is a quality to aim at.
        profile: all options instead of a preset.
        quality: dB against the source to aim at, 30 to 65; an estimate unless verified.
        threads: 0 for every core; the bytes do not depend on it.
        repair: when `scene` is a path: drop rows that are not valid.
        progress: called with the share done and a word for the step.
    Returns: the file's bytes.
    Raises: SplatzipError, OSError.
    """
    if not isinstance(scene, Scene):
        scene = load(scene, repair=repair)
    if profile is not None:
        if preset is not None or quality is not None:
            raise SplatzipError("give a profile, or a preset and a quality, not both")
        return encode(scene, profile, threads=threads, progress=progress)
    if preset is None:
        preset = "lossless" if scene.source is not None and quality is None else "fast"
    return encode(scene, Profile.preset_named(preset, quality=quality), threads=threads, progress=progress)
