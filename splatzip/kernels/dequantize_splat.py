""".splat records to floats. `formats/splat.py` names the codes."""

from __future__ import annotations

import numpy as np

from splatzip import _core
from splatzip.errors import FormatError
from splatzip.kernels.code_arrays import Arrays, Attributes, Header, NativeCall, attributes, code_array


def splat_call(version: int, codes: Arrays, tables: Arrays, header: Header) -> NativeCall:
    """What the native dequantizer takes, its shapes and header fields checked, wherever the codes lie."""
    if version != 1:
        raise FormatError(f".splat version {version} is not 1")
    positions = code_array(codes, "positions", np.uint32, (None, 3))
    n = len(positions)
    scales = code_array(codes, "scales", np.uint32, (n, 3))
    colors = code_array(codes, "colors", np.uint8, (n, 4))
    rotations = code_array(codes, "rotations", np.uint8, (n, 4))
    return NativeCall("splat", (positions, scales, colors, rotations), ())


def dequantize_splat(version: int, codes: Arrays, tables: Arrays, header: Header, threads: int = 0) -> Attributes:
    """The five attribute arrays of a .splat source; it has neither tables nor a header.

    Raises: FormatError if an array is missing or has another shape.
    """
    return attributes(splat_call(version, codes, tables, header)(_core, threads))
