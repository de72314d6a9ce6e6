"""The table of foreign formats, and the choice of one by content first and extension second."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from splatzip.errors import FormatError
from splatzip.scene.axes import OURS

HEAD_BYTES = 1 << 16


@dataclass(frozen=True)
class Format:
    """One foreign format.

    Attributes:
        key: the name of its file in this folder, and of `QuantizedSource.format`.
        suffixes: how names end that ask for it; the longest match wins.
        folder: a folder that exists is of this format, too.
        versions: its versions that can be chosen from when it is written; empty: there is no choice.
        axes: what its files are in unless they say otherwise (`scene.axes`).
    """

    key: str
    title: str
    suffixes: tuple[str, ...]
    writes: bool = True
    folder: bool = False
    versions: tuple[int, ...] = ()
    axes: str = OURS

    @property
    def module(self) -> ModuleType:
        """The file of this format, imported when it is first needed."""
        return importlib.import_module(f"splatzip.formats.{self.key}")


# Content is tried in this order: formats with a magic number first, the bare record formats last.
FORMATS: tuple[Format, ...] = (
    Format("spz", "Niantic SPZ", (".spz",), versions=(2, 3, 4), axes="RUB"),
    Format("usd", "OpenUSD with ParticleField3DGaussianSplat", (".usd", ".usda", ".usdc", ".usdz"), axes="RUB"),
    Format("sog", "PlayCanvas SOG", (".sog", "meta.json"), folder=True),
    Format("gltf", "glTF with KHR_gaussian_splatting", (".glb", ".gltf"), axes="RUB"),
    Format("compressed_ply", "PlayCanvas compressed PLY", (".compressed.ply",)),
    Format("ply", "3DGS PLY", (".ply",)),
    Format("ksplat", "ksplat (mkkellogg)", (".ksplat",), writes=False),
    Format("splat", ".splat (antimatter15)", (".splat",)),
)


def format_of_content(path: Path) -> Format:
    """The format of an existing file or folder.

    Raises: FormatError if nothing recognises it.
    """
    if path.is_dir():
        head = b""
    else:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if not head:
            raise FormatError(f"{path}: the file is empty")
    for candidate in FORMATS:
        if candidate.module.sniff(head, path):
            return candidate
    if path.is_dir():
        raise FormatError(f"{path}: a folder without meta.json, so not a SOG; name the scenes in it")
    raise FormatError(f"{path}: not a scene format that splatzip knows ({', '.join(f.title for f in FORMATS)})")


def format_title(path: str | Path) -> str | None:
    """What the foreign format of an existing file or folder is called; None if nothing recognises it."""
    try:
        return format_of_content(Path(path)).title
    except FormatError:
        return None


def files_beside(path: str | Path) -> list[Path]:
    """What `save` writes besides the file that is named: the bytes of a .gltf, the images of a SOG's meta.json."""
    path = Path(path)
    if path.name.lower().endswith(".gltf"):
        from splatzip.formats.gltf_container import bytes_of

        return [bytes_of(path)]
    if path.name == "meta.json":
        from splatzip.formats.sog_write import FILES

        return [path.with_name(name) for names in FILES.values() for name in names]
    return []


def format_of_name(path: Path) -> Format:
    """The format that a file, or an existing folder, to be written asks for by its name.

    Raises: FormatError if the suffix is unknown or the format can only be read.
    """
    name = path.name.lower()
    matches = [(len(s), f) for f in FORMATS for s in f.suffixes if name.endswith(s)]
    if not matches and path.is_dir():
        matches = [(0, f) for f in FORMATS if f.folder]
    if not matches:
        known = " ".join(sorted(s for f in FORMATS if f.writes for s in f.suffixes))
        raise FormatError(f"{path}: no format has this extension; known: {known}")
    chosen = max(matches, key=lambda match: match[0])[1]
    if not chosen.writes:
        raise FormatError(f"{path}: {chosen.title} can be read but not written; choose another extension")
    return chosen
