"""PlayCanvas SOG codes to floats. `formats/sog.py` names the codes and tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip import _core
from splatzip.errors import STATUS, CorruptError, FormatError
from splatzip.kernels.code_arrays import Arrays, Attributes, Header, NativeCall, attributes, code_array

# Part of the format: the numbers of meta.json by version, mins before maxs or the entries of a codebook.
TABLE_SHAPES: dict[int, dict[str, tuple[int, ...]]] = {
    1: {"means": (2, 3), "scales": (2, 3), "sh0": (2, 4), "shN": (2, 1)},
    2: {"means": (2, 3), "scales": (256,), "sh0": (256,), "shN": (256,)},
}
TABLE_NAMES = ("means", "scales", "sh0", "shN")
PALETTE_COLUMNS = (9, 24, 45)


def exact_numbers(values: NDArray[np.float64]) -> NDArray[np.float32] | NDArray[np.uint64]:
    """JSON numbers as a table: float32 where that loses nothing, else the bits of the float64."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    # NaN stands for a JSON null; it has one bit pattern in the wide table.
    return single if np.array_equal(single.astype(np.float64), values) else values.view(np.uint64)


def numbers_of(table: NDArray[Any]) -> NDArray[np.float64]:
    """Inverse of `exact_numbers`."""
    with np.errstate(invalid="ignore"):  # a signalling NaN, which a hostile container may hold, is refused as any NaN
        wide = table.view(np.float64) if table.dtype == np.uint64 else table.astype(np.float64)
    return np.ascontiguousarray(wide)


def sog_call(version: int, codes: Arrays, tables: Arrays, header: Header) -> NativeCall:
    """What the native dequantizer takes, its shapes and header fields checked, wherever the codes lie."""
    if version not in TABLE_SHAPES:
        raise FormatError(f"SOG version {version} is not 1 or 2")
    positions = code_array(codes, "positions", np.uint16, (None, 3))
    n = len(positions)
    has_rest = "labels" in codes
    labels = code_array(codes, "labels", np.uint16, (n, 1)) if has_rest else np.zeros((n, 1), np.uint16)
    palette = code_array(tables, "palette", np.uint8, (None, None)) if has_rest else np.zeros((1, 0), np.uint8)
    if has_rest and palette.shape[1] not in PALETTE_COLUMNS:
        raise FormatError(f"a palette row of the SOG source has {palette.shape[1]} values, expected 9, 24 or 45")
    numbers = [
        _numbers(tables, name, TABLE_SHAPES[version][name]) if has_rest or name != "shN" else np.zeros(256)
        for name in TABLE_NAMES
    ]
    arrays = (
        positions,
        code_array(codes, "rotations", np.uint8, (n, 4)),
        code_array(codes, "scales", np.uint8, (n, 3)),
        code_array(codes, "colors", np.uint8, (n, 4)),
        labels,
        palette,
    )
    return NativeCall("sog", arrays, (version, *numbers), palette.shape[1])


def dequantize_sog(version: int, codes: Arrays, tables: Arrays, header: Header, threads: int = 0) -> Attributes:
    """The five attribute arrays of a SOG source; of `header` nothing is needed.

    Raises: FormatError if an array is missing or has another shape, or a code names what does not exist.
    """
    call = sog_call(version, codes, tables, header)
    status, where, arrays = call(_core, threads)
    if STATUS.get(status) is CorruptError:
        raise CorruptError(
            f"splat {where} of the SOG source has rotation mode {call.codes[1][where, 3]} (252 to 255 exist) "
            f"and SH label {call.codes[4][where, 0]} (the palette has {len(call.codes[5])} rows)"
        )
    if status:
        raise STATUS[status](f"{TABLE_NAMES[where]} of the SOG source: a number is not finite, or too large")
    return attributes(arrays)


def _numbers(tables: Arrays, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    dtype = np.uint64 if name in tables and tables[name].dtype == np.uint64 else np.float32
    return numbers_of(code_array(tables, name, dtype, shape))
