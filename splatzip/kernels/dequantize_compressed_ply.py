"""PlayCanvas compressed.ply words to floats. `formats/compressed_ply.py` names the codes and tables."""

from __future__ import annotations

import numpy as np

from splatzip import _core
from splatzip.errors import STATUS, CorruptError, FormatError
from splatzip.kernels.code_arrays import Arrays, Attributes, Header, NativeCall, attributes, code_array

SH_COLUMNS = (9, 24, 45)
CHUNK_COLUMNS = (12, 18)
CHUNK_SPLATS = 256


def compressed_ply_call(version: int, codes: Arrays, tables: Arrays, header: Header) -> NativeCall:
    """What the native dequantizer takes, its shapes and header fields checked, wherever the codes lie."""
    if version != 1:
        raise FormatError(f"compressed.ply version {version} is not 1")
    position = code_array(codes, "position", np.uint32, (None, 1))
    n = len(position)
    chunks = code_array(tables, "chunks", np.float32, (-(-n // CHUNK_SPLATS), None))
    if chunks.shape[1] not in CHUNK_COLUMNS:
        raise FormatError(f"a chunk of the compressed.ply source has {chunks.shape[1]} bounds, expected 12 or 18")
    sh = code_array(codes, "sh", np.uint8, (n, None)) if "sh" in codes else np.zeros((n, 0), np.uint8)
    if "sh" in codes and sh.shape[1] not in SH_COLUMNS:
        raise FormatError(f"the compressed.ply source has {sh.shape[1]} SH values a splat, expected 9, 24 or 45")
    words = [code_array(codes, name, np.uint32, (n, 1)) for name in ("rotation", "scale", "color")]
    return NativeCall("compressed_ply", (position, *words, sh), (chunks,), sh.shape[1])


def dequantize_compressed_ply(
    version: int, codes: Arrays, tables: Arrays, header: Header, threads: int = 0
) -> Attributes:
    """The five attribute arrays of a compressed.ply source; of `header` nothing is needed.

    Raises: FormatError if an array is missing or has another shape, or a chunk's bound is not finite.
    """
    status, where, arrays = compressed_ply_call(version, codes, tables, header)(_core, threads)
    if STATUS.get(status) is CorruptError:
        raise CorruptError(f"chunk {where} of the compressed.ply source has a bound that is not finite, or too large")
    if status:
        raise STATUS[status]("the compressed.ply source cannot be dequantized")
    return attributes(arrays)
