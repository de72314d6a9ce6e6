""".ksplat codes to floats. `formats/ksplat.py` names the codes, tables and header fields."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from splatzip import _core
from splatzip.errors import STATUS, CorruptError, FormatError
from splatzip.kernels.code_arrays import Arrays, Attributes, Header, NativeCall, attributes, code_array

# By compression level: the type of positions, scales and rotations, and that of SH. Part of the format.
CODE_TYPES: tuple[tuple[type[Any], type[Any]], ...] = (
    (np.uint32, np.uint32),
    (np.uint16, np.uint16),
    (np.uint16, np.uint8),
)
SH_COLUMNS = (0, 9, 24)
FLOAT_MAX = float(np.finfo(np.float32).max)


def ksplat_call(version: int, codes: Arrays, tables: Arrays, header: Header) -> NativeCall:
    """What the native dequantizer takes, its shapes and header fields checked, wherever the codes lie."""
    level, sh_min, sh_max = (header.get(name, math.nan) for name in ("compression_level", "sh_min", "sh_max"))
    if version != 1 or type(level) is not int or level not in (0, 1, 2):
        raise FormatError(f".ksplat version 0.{version} at compression level {str(level)[:40]} is not known")
    if not all(type(bound) in (int, float) and abs(bound) <= FLOAT_MAX for bound in (sh_min, sh_max)):
        raise FormatError(f"the SH range of the .ksplat source is not finite: {str(sh_min)[:40]} to {str(sh_max)[:40]}")
    geometry, harmonics = CODE_TYPES[level]
    positions = code_array(codes, "positions", geometry, (None, 3))
    n = len(positions)
    sh = code_array(codes, "sh", harmonics, (n, None)) if "sh" in codes else np.zeros((n, 0), harmonics)
    if sh.shape[1] not in SH_COLUMNS:
        raise FormatError(f"the .ksplat source has {sh.shape[1]} SH values a splat, expected 9 or 24")
    sections = code_array(tables, "block_sizes", np.float32, (None,))
    bucket_sections = code_array(tables, "bucket_sections", np.uint32, (None,))
    arrays = (
        positions,
        code_array(codes, "scales", geometry, (n, 3)),
        code_array(codes, "rotations", geometry, (n, 4)),
        sh,
        code_array(codes, "colors", np.uint8, (n, 4)),
        code_array(codes, "buckets", np.uint32, (n, 1)),
    )
    referred = (
        code_array(tables, "bucket_centers", np.float32, (len(bucket_sections), 3)),
        bucket_sections,
        sections,
        code_array(tables, "ranges", np.uint32, (len(sections),)),
        code_array(tables, "sh_degrees", np.uint32, (len(sections),)),
        float(sh_min),
        float(sh_max),
    )
    return NativeCall(f"ksplat_{level}", arrays, referred, sh.shape[1])


def dequantize_ksplat(version: int, codes: Arrays, tables: Arrays, header: Header, threads: int = 0) -> Attributes:
    """The five attribute arrays of a .ksplat source; of `header` compression_level, sh_min and sh_max are needed.

    Raises: FormatError if an array or header field is missing or not what the format defines, CorruptError for a
        code that names a bucket or section which does not exist.
    """
    status, where, in_tables, arrays = ksplat_call(version, codes, tables, header)(_core, threads)
    if STATUS.get(status) is CorruptError:
        what = f"bucket {where} names a section" if in_tables else f"splat {where} names a bucket"
        raise CorruptError(f"{what} that the .ksplat source does not have")
    if status:
        raise FormatError(f"section {where} of the .ksplat source has range 0 or an SH degree that is not stored")
    return attributes(arrays)
