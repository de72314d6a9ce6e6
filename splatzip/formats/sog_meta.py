"""`meta.json` of a SOG scene: checked once, split into numbers, file names and the rest.

Version 1 quantizes linearly between `mins` and `maxs` of each attribute. Version 2 looks scales and colours up in
codebooks of 256 numbers; only its positions keep a range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.container import json_values
from splatzip.errors import FormatError, UnsupportedFeatureError, UnsupportedVersionError
from splatzip.kernels.dequantize_sog import TABLE_SHAPES, exact_numbers
from splatzip.scene.attributes import sh_rest_count

SECTIONS = {"means": 2, "scales": 1, "quats": 1, "sh0": 1, "shN": 2}  # how many images each names
KNOWN = {"version", "asset", "count", "antialias", "model", *SECTIONS}
MAX_SPLATS = 16383**2  # one pixel each, the largest WebP
MAX_PALETTE_ROWS = 1 << 16  # labels have 16 bits
FILLED_IN = ("mins", "maxs", "codebook", "files")  # kept elsewhere; a null marks the place in the header
FLOAT_MAX = float(np.finfo(np.float32).max)
MODELS = {"default": False, "antialiased": True}


@dataclass(frozen=True)
class SogMeta:
    """What `meta.json` says.

    Attributes:
        tables: the numbers by section, shaped as `kernels.dequantize_sog.TABLE_SHAPES` has them.
        files: image names by section, plain names without folders.
        coefficients: B of version 2; 0 without SH, and in version 1, where the palette's width tells it.
        palette_rows: of version 2; 0 as above.
        header: everything else, verbatim, with nulls where `FILLED_IN` stood.
    """

    version: int
    count: int
    antialiased: bool
    tables: Mapping[str, NDArray[Any]]
    files: Mapping[str, tuple[str, ...]]
    coefficients: int
    palette_rows: int
    header: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unknown(self) -> list[str]:
        """Top-level fields that nothing here understands."""
        return [name for name in self.header if name not in KNOWN]


def parse_meta(text: bytes, where: str) -> SogMeta:
    """Read and check `meta.json`.

    Args:
        where: the file, for messages.
    Raises: FormatError, naming the field.
    """
    meta = _json_object(text, where)
    if "lodLevels" in meta:
        raise UnsupportedFeatureError(f"{where}: a streamed SOG of several detail levels, which is named lod-meta.json")
    version = meta.get("version", 1)
    if version not in (1, 2) or isinstance(version, bool):
        raise UnsupportedVersionError(f"{where}: SOG version {version!r} is not 1 or 2")
    version = int(version)
    sections = {name: meta[name] for name in SECTIONS if name != "shN" or meta.get(name) is not None}
    for name, section in sections.items():
        if not isinstance(section, dict):
            raise FormatError(f"{where}: field {name!r} is not an object")
    bands = _integer(sections["shN"], "bands", 1, 3, where) if version == 2 and "shN" in sections else 0
    rows = _integer(sections["shN"], "count", 1, MAX_PALETTE_ROWS, where) if bands else 0
    return SogMeta(
        version=version,
        count=_count(meta, version, where),
        antialiased=_antialiased(meta, where),
        tables={
            name: _numbers(sections[name], name, version, where) for name in TABLE_SHAPES[version] if name in sections
        },
        files={name: _file_names(section, name, where) for name, section in sections.items()},
        coefficients=sh_rest_count(bands),
        palette_rows=rows,
        header={name: _emptied(value) if name in SECTIONS else value for name, value in meta.items()},
    )


def _json_object(text: bytes, where: str) -> dict[str, Any]:
    try:
        meta = json_values.loads(text)
    except ValueError as error:
        raise FormatError(f"{where}: not valid JSON: {error}") from None
    if not isinstance(meta, dict):
        raise FormatError(f"{where}: not a JSON object")
    for name in SECTIONS:
        if name != "shN" and name not in meta and "lodLevels" not in meta:
            raise FormatError(f"{where}: field {name!r} is missing; is this the meta.json of a SOG scene?")
    return meta


def _count(meta: Mapping[str, Any], version: int, where: str) -> int:
    if version == 2:
        return _integer(meta, "count", 1, MAX_SPLATS, where)
    shape = meta["means"].get("shape")
    if not isinstance(shape, list) or len(shape) != 2:
        raise FormatError(f"{where}: means.shape is not [splats, 3]")
    return _integer({"means.shape[0]": shape[0]}, "means.shape[0]", 1, MAX_SPLATS, where)


def _integer(fields: Mapping[str, Any], name: str, low: int, high: int, where: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise FormatError(f"{where}: {name} is {str(value)[:40]}, expected an integer from {low} to {high}")
    return value


def _antialiased(meta: Mapping[str, Any], where: str) -> bool:
    model = meta.get("model", "default")
    if model == "2dgs":
        raise UnsupportedFeatureError(f"{where}: a scene of 2D Gaussians (surfels); splatzip holds 3D Gaussians only")
    return meta.get("antialias") is True or (isinstance(model, str) and MODELS.get(model, False))


def _numbers(section: Mapping[str, Any], name: str, version: int, where: str) -> NDArray[Any]:
    """The range or codebook of a section."""
    shape = TABLE_SHAPES[version][name]
    if len(shape) == 1:
        return exact_numbers(_row(section.get("codebook"), shape[0], f"{where}: {name}.codebook", null_first=True))
    return exact_numbers(
        np.stack([_row(section.get(end), shape[1], f"{where}: {name}.{end}") for end in ("mins", "maxs")])
    )


def _row(values: Any, size: int, where: str, *, null_first: bool = False) -> NDArray[np.float64]:
    if size == 1 and not isinstance(values, list):
        values = [values]
    if not isinstance(values, list) or len(values) != size:
        raise FormatError(f"{where} does not hold {size} numbers")
    # Old writers left a null as first entry; the engine extrapolates it (see the dequantizer). NaN stands for it.
    row = [math.nan if null_first and i == 0 and value is None else value for i, value in enumerate(values)]
    for i, value in enumerate(row):
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > FLOAT_MAX:
            raise FormatError(f"{where}[{i}] is {str(value)[:40]}, expected a number that float32 can hold")
    return np.array(row, np.float64)


def _file_names(section: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    files = section.get("files")
    if not isinstance(files, list) or len(files) != SECTIONS[name]:
        raise FormatError(f"{where}: {name}.files does not name {SECTIONS[name]} images")
    for file in files:
        # A name with a folder, a drive or a parent in it would reach outside the scene.
        if not isinstance(file, str) or not file or file.startswith(".") or set(file) & set("/\\:\0"):
            raise FormatError(f"{where}: {name}.files names {str(file)[:60]!r}; only plain file names are allowed")
    return tuple(files)


def _emptied(section: Any) -> Any:
    if not isinstance(section, dict):
        return section
    return {name: None if name in FILLED_IN else value for name, value in section.items()}
