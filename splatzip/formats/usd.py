"""OpenUSD with ParticleField3DGaussianSplat (26.03 and later): .usd, .usda, .usdc and .usdz, read and written.

    file  ->  usd_child (OpenUSD)  ->  prims of splats  ->  moved by what they are below  ->  merged  ->  Scene
    Scene  ->  /World/Splats of float arrays  ->  usd_child  ->  file

Scales and opacities are linear in the file. A stage whose upAxis is Y is right-up-back, one whose upAxis is Z
right-front-up. Every instance of every active, visible prim of splats is read, at the default time, or else the first.
Schema: usdVol of OpenUSD. docs/USD.md has the table.
"""

from __future__ import annotations

import shutil
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from splatzip.container import json_values
from splatzip.errors import CorruptError, FormatError
from splatzip.formats.linear import FLIP, TINY, Linear, linear, moved, scene_of
from splatzip.formats.output import atomic_write
from splatzip.formats.usd_child import messages, rightly_named
from splatzip.formats.usd_stage import LAYERS, POSITIONS, RADIANCE
from splatzip.scene import Scene, SceneMeta
from splatzip.scene.attributes import MAX_SH_DEGREE
from splatzip.scene.axes import turn_of
from splatzip.scene.transform import merged, transformed

TEXT, CRATE, ZIP = b"#usda ", b"PXR-USDC", b"PK\x03\x04"
WRITTEN_SH_DEGREE = 3  # the schema has no end, its validators and renderers do
Z_UP = "RFU"  # the axes of a stage whose upAxis is Z
UNITS = {1e-3: "mm", 0.01: "cm", 1.0: "m", 1e3: "km", 0.0254: "in", 0.3048: "ft"}
MOST_BYTES, MOST_RATIO = 1 << 28, 64  # a small file may instance its splats, but not without end
PACKED, ALIGNMENT, PADDING = "scene.usdc", 64, 0x1986  # part of .usdz: where an entry's bytes start, and how
MOST_PACKED = (1 << 32) - (1 << 16)  # OpenUSD reads no ZIP64


def sniff(head: bytes, path: Path) -> bool:
    """Text or a crate by its first bytes, a package by the name of its first entry."""
    return _suffix(head, path) is not None


def read(path: Path, *, repair: bool = False) -> Scene:
    """Read all splats that the stage shows.

    Raises: FormatError (and its kinds) naming the prim or layer, SceneError naming the row of a value out of range,
        BackendError without usd-core.
    """
    with path.open("rb") as file:
        suffix = _suffix(file.read(1 << 12), path)
    if suffix == ".usdz":
        _check_package(path)
    with rightly_named(path, suffix) as named:
        answers = messages("read", named, path)
        about, _ = next(answers)
        most_bytes, bytes_read = MOST_BYTES + MOST_RATIO * about["file_bytes"], 0
        if about["up"] not in ("Y", "Z"):
            raise FormatError(f"{path}: upAxis is {about['up']!r}, which is neither Y nor Z")
        to_y_up = np.eye(4)
        if about["up"] == "Z":
            to_y_up[:3, :3] = np.diag(FLIP) @ turn_of(Z_UP)
        parts = []
        for prim, arrays in answers:
            name = f"{path}: {prim['path']}"
            scene = _scene(prim, arrays, name, repair)
            bytes_read += scene.float_bytes * len(prim["matrices"])
            if bytes_read > most_bytes:
                raise CorruptError(f"{path}: the same splats are repeated so often that they need {bytes_read} bytes")
            parts += [moved(scene, to_y_up @ np.array(matrix).T, name) for matrix in prim["matrices"]]
    if not parts:
        others = f" (it has {', '.join(about['ignored'][:3])[:200]})" if about["ignored"] else ""
        raise FormatError(f"{path}: no visible ParticleField3DGaussianSplat{others}; nothing else is read as splats")
    scene = merged(parts)
    return scene.edited(meta=_meta(about, scene.meta))


def write(scene: Scene, path: Path) -> list[str]:
    """Write one prim below a default prim: text as .usda, a crate as .usdc and .usd, a package as .usdz.

    Returns: what was lost, one line each.
    Raises: FormatError naming the row, if a scale does not fit float32; BackendError without usd-core.
    """
    lost: list[str] = []
    degree = min(scene.sh_degree, WRITTEN_SH_DEGREE)
    if scene.sh_degree > degree:
        lost.append(f"sh of degree {scene.sh_degree}: readers of USD stop at degree {WRITTEN_SH_DEGREE}")
    meta = scene.meta
    z_up = meta.axes is not None and meta.axes.endswith("U")
    if z_up:
        scene = transformed(scene, rotation=np.diag(FLIP) @ turn_of(Z_UP).T)
    file = linear(scene, degree, lost)
    metres = {unit: number for number, unit in UNITS.items()}.get(meta.units or "m", 1.0)
    beside = {key: value for key, value in meta.stored().items() if key not in ("axes", "title")}
    about = {
        "up": "Z" if z_up else "Y",
        "metres": metres,
        "title": meta.title or "",
        "said": json_values.dumps(beside).decode() if beside else "",
        "origin": (scene.origin * FLIP).tolist(),
        "degree": degree,
    }
    arrays = {
        "positions": file.positions,
        "rotations": file.rotations,
        "scales": np.maximum(file.scales, TINY),
        "opacities": file.opacities,
        "sh": file.sh,
    }
    suffix = path.suffix.lower()
    packed = suffix == ".usdz"
    with atomic_write(path) as target, tempfile.TemporaryDirectory(prefix=".usd-", dir=path.parent) as folder:
        layer = Path(folder) / (PACKED if packed else f"scene{suffix}")
        for _ in messages("write", layer, path, about, arrays):
            pass
        if packed:
            _pack(layer, target, path)
        else:
            with layer.open("rb") as source:
                shutil.copyfileobj(source, target, 1 << 20)
    return lost


def layer_files(path: Path) -> list[Path]:
    """The files that a scene is made of.

    Raises: what `read` raises.
    """
    with path.open("rb") as file:
        suffix = _suffix(file.read(1 << 12), path)
    with rightly_named(path, suffix) as named:
        ((about, _),) = messages("layers", named, path)
    return [Path(file) for file in about["files"]]


def _suffix(head: bytes, path: Path) -> str | None:
    """The extension that OpenUSD wants for such content; None if it is not USD."""
    if head.startswith(TEXT):
        return ".usda"
    if head.startswith(CRATE):
        return ".usdc"
    if head.startswith(ZIP):
        first = head[30 : 30 + int.from_bytes(head[26:28], "little")].lower()
        if path.suffix.lower() == ".usdz" or first.endswith(tuple(layer.encode() for layer in LAYERS)):
            return ".usdz"
    return None


def _check_package(path: Path) -> None:
    """Raises: FormatError (and its kinds) for a package that is cut, damaged or compressed, which OpenUSD may read."""
    try:
        with zipfile.ZipFile(path) as archive:
            packed = [entry.filename for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
            damaged = None if packed else archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, OverflowError, RuntimeError) as error:
        raise CorruptError(f"{path}: a damaged zip archive, or a part of one ({error}); copy the file again") from None
    if packed:
        raise FormatError(f"{path}: {packed[0]!r} is compressed, which no package of USD may be; unpack it first")
    if damaged:
        raise CorruptError(f"{path}: {damaged!r} is damaged, its checksum is another; copy the file again")


def _scene(prim: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], name: str, repair: bool) -> Scene:
    """The scene of a prim in its own space: what it lacks is as the schema says, what is too long is cut.

    Raises: CorruptError for an array that is too short, FormatError for a prim without splats.
    """
    degree = prim["degree"]
    if type(degree) is not int or not 0 <= degree <= MAX_SH_DEGREE:
        raise FormatError(f"{name}: {RADIANCE}Degree is {degree}, 0 to {MAX_SH_DEGREE} are known")
    splats = len(arrays.get(POSITIONS, ()))
    if not splats:
        raise FormatError(f"{name}: no positions, so no splats")
    coefficients = f"{RADIANCE}Coefficients"
    each = (degree + 1) ** 2 if coefficients in arrays else 1

    def values(key: str, default: tuple[float, ...], count: int = 1) -> NDArray[np.float32]:
        given = arrays.get(key)
        if given is None:
            return np.tile(np.array(default, np.float32), (splats * count, 1))
        if len(given) < splats * count:
            per = f", {count} for each of {splats} splats" if count > 1 else f" for {splats} splats"
            raise CorruptError(f"{name}: {key} has {len(given)} elements{per}")
        with np.errstate(over="ignore"):  # a double beyond float32 is the scene's to refuse
            return given[: splats * count].astype(np.float32, copy=False)

    file = Linear(
        positions=values(POSITIONS, ()),
        rotations=values("orientations", (0, 0, 0, 1)),
        scales=values("scales", (1, 1, 1)),
        opacities=values("opacities", (1,))[:, 0],
        sh=values(coefficients, (0, 0, 0), each).reshape(splats, each, 3),
    )
    return scene_of(file, repair=repair, meta=SceneMeta())


def _meta(about: Mapping[str, Any], meta: SceneMeta) -> SceneMeta:
    """What the stage says beside the splats; what is not what it should be counts as absent."""
    try:
        said = json_values.loads(about["said"]) if about["said"] else {}
    except ValueError:
        said = {}
    values = dict(said) if isinstance(said, dict) else {}
    metres, ignored = about.get("metres", 1.0), list(about["ignored"])
    units = next((unit for number, unit in UNITS.items() if np.isclose(metres, number, rtol=1e-6)), None)
    if units is None:
        ignored.append(f"metersPerUnit {metres:g}")
    elif units != "m":  # which everybody writes, knowing it or not
        values["units"] = units
    values["title"] = about["title"] or None
    told = SceneMeta.from_stored(values)
    axes = Z_UP if about["up"] == "Z" else None
    return replace(told, axes=axes, dropped=meta.dropped, ignored=(*meta.ignored, *ignored))


def _pack(layer: Path, target: BinaryIO, path: Path) -> None:
    """A .usdz of one layer: stored, its bytes at a multiple of 64, without a date."""
    if layer.stat().st_size > MOST_PACKED:
        raise FormatError(f"{path}: {layer.stat().st_size} bytes do not fit a .usdz (4 GiB); write a .usdc")
    entry = zipfile.ZipInfo(PACKED)  # of 1980
    gap = -(30 + len(PACKED) + 4) % ALIGNMENT
    entry.extra = struct.pack("<HH", PADDING, gap) + bytes(gap)
    entry.file_size = layer.stat().st_size
    with zipfile.ZipFile(target, "w") as archive, layer.open("rb") as source, archive.open(entry, "w") as packed:
        shutil.copyfileobj(source, packed, 1 << 20)
