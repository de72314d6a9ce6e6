"""SPZ codes become floats: the checks of shape around the native dequantizer (FORMAT.md, "Source format spz")."""

from __future__ import annotations

import numpy as np

from splatzip import _core
from splatzip.errors import CorruptError, FormatError
from splatzip.kernels.code_arrays import Arrays, Attributes, Header, NativeCall, attributes, code_array

# The numbers of SPZ's coordinate-system extension are positions in this list, from 1. Part of the format.
AXES = (
    *("LDB", "RDB", "LUB", "RUB", "LDF", "RDF", "LUF", "RUF"),
    *("LFD", "RFD", "LFU", "RFU", "LBD", "RBD", "LBU", "RBU"),
)
DEFAULT_AXES = "RUB"


def spz_call(version: int, codes: Arrays, tables: Arrays, header: Header) -> NativeCall:
    """What the native dequantizer takes, its shapes and header fields checked, wherever the codes lie."""
    if version not in (1, 2, 3, 4):
        raise FormatError(f"SPZ version {version} is not known; 1 to 4 are")
    degree, bits, axes = header.get("sh_degree"), header.get("fractional_bits"), header.get("axes", DEFAULT_AXES)
    if type(degree) is not int or not 0 <= degree <= 4:
        raise FormatError(f"SPZ SH degree {str(degree)[:40]} is not in 0..4")
    if type(bits) is not int or not 0 <= bits <= 30:
        raise FormatError(f"SPZ: {str(bits)[:40]} fractional bits are not in 0..30")
    if axes not in AXES:
        raise FormatError(f"SPZ axes {str(axes)[:40]} are not one of {', '.join(AXES)}")
    positions = code_array(codes, "positions", np.uint16 if version == 1 else np.uint32, (None, 3))
    splats = len(positions)
    rest = 3 * ((degree + 1) ** 2 - 1)
    arrays = (
        positions,
        code_array(codes, "alphas", np.uint8, (splats, 1)),
        code_array(codes, "colors", np.uint8, (splats, 3)),
        code_array(codes, "scales", np.uint8, (splats, 3)),
        code_array(codes, "rotations", *((np.uint32, (splats, 1)) if version >= 3 else (np.uint8, (splats, 3)))),
        code_array(codes, "sh", np.uint8, (splats, rest)),
    )
    return NativeCall("spz", arrays, (bits, degree, AXES.index(axes) + 1), rest)


def dequantize_spz(version: int, codes: Arrays, tables: Arrays, header: Header, threads: int = 0) -> Attributes:
    """The five attribute arrays of an SPZ source, right-down-front; it has no tables.

    Args:
        version: 1 to 4; decides how positions (1: halves) and rotations (3 and up: smallest three) are coded.
        header: `sh_degree`, `fractional_bits` and `axes` are used.
    Returns: positions are NaN where a half of version 1 is.
    Raises: FormatError for a version or header field out of range, CorruptError for codes that do not fit them.
    """
    call = spz_call(version, codes, tables, header)
    status, arrays = call(_core, threads)
    if status:
        row = int((call.codes[0] >= 1 << 24).any(1).argmax())
        raise CorruptError(f"SPZ codes positions: row {row} does not fit 24 bits")
    return attributes(arrays)
