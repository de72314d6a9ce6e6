"""How the arrays of a quantized source, or of a float scene, become components of codec COLUMNS (FORMAT.md 7.5).

A component is a run of bits of one number per splat. Three components are the coordinates that splats are sorted by;
the rest is coded in the order of this table: scales, opacity, colour, rotation, then (layer 1) SH.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import UnsupportedFeatureError
from splatzip.kernels.columns import ColumnInput, Integers

# First stream of each attribute. Part of the format: `info` counts bytes by it.
SCALE, ROTATION, COLOR, OPACITY, OTHER, SH = 0, 4, 8, 12, 13, 16
FLOAT_RAW_BITS = 20
PALETTE_TABLES = 2  # id of the palette's TABLES chunk
MOST_GROUPS = 32


@dataclass(frozen=True)
class Component:
    """Bits [shift, shift + bits) of column `column` of array `array`.

    `fold` makes the number rise with what it stands for: "float" bits of IEEE numbers (sign and magnitude), "sign"
    one sign bit above a magnitude, "" nothing to do.
    """

    array: str
    column: int
    shift: int
    bits: int
    column_input: ColumnInput
    fold: str = ""


@dataclass(frozen=True)
class Layout:
    """The components of a scene; from bit `prefix_shift` on, coordinate 0 holds a chunk's or bucket's number."""

    coordinates: tuple[Component, Component, Component]
    components: tuple[Component, ...]
    prefix_shift: int | None = None


def fold(values: Integers, component: Component) -> Integers:
    """Numbers that rise with what they stand for."""
    if not component.fold:
        return values
    sign = np.uint32(1 << (component.bits - 1))
    mask = np.uint32((1 << component.bits) - 1)
    return np.where(values & sign, ~values & mask, values | sign).astype(np.uint32)


def take(arrays: Mapping[str, NDArray[Any]], component: Component) -> Integers:
    """The component's numbers, (N,) uint32."""
    words = arrays[component.array][:, component.column].astype(np.uint32)
    if component.shift or component.bits < 8 * arrays[component.array].dtype.itemsize:
        words = (words >> np.uint32(component.shift)) & np.uint32((1 << component.bits) - 1)
    return fold(words, component)


def _simple(
    array: str, columns: Sequence[int], bits: int, first: int, fold: str = "", raw_bits: int = 0
) -> list[Component]:
    """Whole columns, of layer 0."""
    return [
        Component(array, c, 0, bits, ColumnInput(0, first + k, raw_bits=raw_bits), fold) for k, c in enumerate(columns)
    ]


def _coordinates(array: str, bits: int, fold: str = "") -> tuple[Component, Component, Component]:
    x, y, z = (Component(array, axis, 0, bits, ColumnInput(0, 0), fold) for axis in range(3))
    return x, y, z


def _words(array: str, fields: Sequence[tuple[int, int]], first: int, fold: Sequence[str] = ()) -> list[Component]:
    """Fields (shift, bits) of 32-bit words."""
    return [
        Component(array, 0, shift, bits, ColumnInput(0, first + k), fold[k] if fold else "")
        for k, (shift, bits) in enumerate(fields)
    ]


def green_first(coefficients: int, *, channel_major: bool = False) -> list[int]:
    """Columns of SH by coefficient, green before red before blue."""
    if channel_major:
        return [c * coefficients + k for k in range(coefficients) for c in (1, 0, 2)]
    return [3 * k + c for k in range(coefficients) for c in (1, 0, 2)]


def _sh(array: str, coefficients: int, bits: int, *, channel_major: bool = False, shared: bool = False,
        fold: str = "", raw_bits: int = 0) -> list[Component]:  # fmt: skip
    columns = green_first(coefficients, channel_major=channel_major)
    groups = sh_groups(coefficients, shared=shared)
    return [
        Component(array, c, 0, bits, ColumnInput(1, SH + g, shared, raw_bits), fold)
        for c, g in zip(columns, groups, strict=True)
    ]


def sh_groups(coefficients: int, *, shared: bool, groups: int = MOST_GROUPS - SH) -> list[int]:
    """The group of each of 3 B components: one for each SH degree if contexts are shared, else evenly."""
    if shared:
        degree = [d for d in (1, 2, 3, 4) for _ in range(2 * d + 1)][:coefficients]
        return [d - 1 for d in degree for _ in range(3)]
    count = 3 * coefficients
    size = -(-count // groups) if count else 1
    return [k // size for k in range(count)]


def _spz(version: int, shapes: Mapping[str, tuple[int, str]]) -> Layout:
    coordinates = _coordinates("positions", 16, "float") if version == 1 else _coordinates("positions", 32)
    rotation = (
        _words("rotations", [(30, 2), (20, 10), (10, 10), (0, 10)], ROTATION, ["", "sign", "sign", "sign"])
        if version >= 3
        else _simple("rotations", [0, 1, 2], 8, ROTATION)
    )
    components = [
        *_simple("scales", [0, 1, 2], 8, SCALE),
        *_simple("alphas", [0], 8, OPACITY),
        *_simple("colors", [1, 0, 2], 8, COLOR),
        *rotation,
        *_sh("sh", shapes["sh"][0] // 3, 8, shared=True),
    ]
    return Layout(coordinates, tuple(components))


def _sog(version: int, shapes: Mapping[str, tuple[int, str]]) -> Layout:
    components = [
        *_simple("scales", [0, 1, 2], 8, SCALE),
        *_simple("colors", [3], 8, OPACITY),
        *_simple("colors", [0, 1, 2], 8, COLOR),
        *_simple("rotations", [3, 0, 1, 2], 8, ROTATION),
        *(
            [Component("labels", 0, 8 * (1 - k), 8, ColumnInput(1, SH + k)) for k in (0, 1)]
            if "labels" in shapes
            else []
        ),
    ]
    return Layout(_coordinates("positions", 16), tuple(components))


def _compressed_ply(version: int, shapes: Mapping[str, tuple[int, str]]) -> Layout:
    x, y, z = (
        Component("position", 0, shift, bits, ColumnInput(0, 0)) for shift, bits in ((21, 11), (11, 10), (0, 11))
    )
    components = [
        *_words("scale", [(21, 11), (11, 10), (0, 11)], SCALE),
        *_words("color", [(0, 8)], OPACITY),
        *_words("color", [(16, 8), (24, 8), (8, 8)], COLOR),
        *_words("rotation", [(30, 2), (20, 10), (10, 10), (0, 10)], ROTATION),
        *(_sh("sh", shapes["sh"][0] // 3, 8, channel_major=True) if "sh" in shapes else []),
    ]
    return Layout((x, y, z), tuple(components), prefix_shift=11)


def _splat(version: int, shapes: Mapping[str, tuple[int, str]]) -> Layout:
    components = [
        *_simple("scales", [0, 1, 2], 32, SCALE, "float", raw_bits=FLOAT_RAW_BITS),
        *_simple("colors", [3], 8, OPACITY),
        *_simple("colors", [1, 0, 2], 8, COLOR),
        *_simple("rotations", [0, 1, 2, 3], 8, ROTATION),
    ]
    return Layout(_coordinates("positions", 32, "float"), tuple(components))


def _ksplat(version: int, shapes: Mapping[str, tuple[int, str]]) -> Layout:
    wide = shapes["positions"][1] == "uint32"
    bits = 32 if wide else 16
    raw = FLOAT_RAW_BITS if wide else 0
    sh_bits = 8 * np.dtype(shapes["sh"][1]).itemsize if "sh" in shapes else 8
    sh_raw = {32: FLOAT_RAW_BITS, 16: 4, 8: 0}[sh_bits]
    sh_fold = "" if sh_bits == 8 else "float"
    # Level 0 holds floats, the other levels 16-bit steps inside a bucket: its number goes above the coordinate.
    buckets = _simple("buckets", [0], 32, OTHER) if wide else []
    components = [
        *_simple("scales", [0, 1, 2], bits, SCALE, "float", raw_bits=raw),
        *_simple("colors", [3], 8, OPACITY),
        *_simple("colors", [1, 0, 2], 8, COLOR),
        *_simple("rotations", [0, 1, 2, 3], bits, ROTATION, "float", raw_bits=raw),
        *buckets,
        *(_sh("sh", shapes["sh"][0] // 3, sh_bits, fold=sh_fold, raw_bits=sh_raw) if "sh" in shapes else []),
    ]
    coordinates = _coordinates("positions", bits, "float" if wide else "")
    return Layout(coordinates, tuple(components), prefix_shift=None if wide else 16)


def _float32(version: int, shapes: Mapping[str, tuple[int, str]]) -> Layout:
    if version != 1:
        raise UnsupportedFeatureError(f"version {version} of the bits of a float scene is not known")
    coefficients = shapes["sh"][0] // 3 - 1
    rest = [
        Component(c.array, c.column + 3, c.shift, c.bits, c.column_input, c.fold)
        for c in _sh("sh", coefficients, 32, fold="float", raw_bits=FLOAT_RAW_BITS)
    ]
    components = [
        *_simple("log_scales", [0, 1, 2], 32, SCALE, "float", raw_bits=FLOAT_RAW_BITS),
        *_simple("opacity_logits", [0], 32, OPACITY, "float", raw_bits=FLOAT_RAW_BITS),
        *_simple("sh", [1, 0, 2], 32, COLOR, "float", raw_bits=FLOAT_RAW_BITS),
        *_simple("rotations", [0, 1, 2, 3], 32, ROTATION, "float", raw_bits=FLOAT_RAW_BITS),
        *rest,
    ]
    return Layout(_coordinates("positions", 32, "float"), tuple(components))


LAYOUTS = {
    "spz": _spz,
    "sog": _sog,
    "compressed_ply": _compressed_ply,
    "splat": _splat,
    "ksplat": _ksplat,
    "float32": _float32,
}


def layout_of(format: str, version: int, shapes: Mapping[str, tuple[int, str]]) -> Layout:
    """The components of a source.

    Args:
        format, version: as in `QuantizedSource`; "float32" is a float scene.
        shapes: columns and dtype name of each array of codes.
    Raises: UnsupportedFeatureError for a format that this version does not know.
    """
    if format not in LAYOUTS:
        raise UnsupportedFeatureError(f"the source format {format!r} is not known; a newer splatzip may read it")
    return LAYOUTS[format](version, shapes)


def palette_inputs(coefficients: int) -> list[ColumnInput]:
    """Components of a SOG palette in coding order (`green_first`): three of them are the coordinates."""
    count = 3 * coefficients
    groups = sh_groups(coefficients, shared=False, groups=MOST_GROUPS)
    return [ColumnInput(0, groups[k], axis=k // 3 if k % 3 == 0 and k < 9 else -1) for k in range(count)]
