"""The normative dequantizers of quantized source formats, by format key: integer codes in, a scene's floats out.

A reader and the decoder of .splatz use the same one, so both give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable

from splatzip.errors import UnsupportedFeatureError
from splatzip.kernels.code_arrays import Arrays, Attributes, Header, NativeCall
from splatzip.kernels.dequantize_compressed_ply import compressed_ply_call, dequantize_compressed_ply
from splatzip.kernels.dequantize_ksplat import dequantize_ksplat, ksplat_call
from splatzip.kernels.dequantize_sog import dequantize_sog, sog_call
from splatzip.kernels.dequantize_splat import dequantize_splat, splat_call
from splatzip.kernels.dequantize_spz import dequantize_spz, spz_call

DEQUANTIZERS: dict[str, Callable[[int, Arrays, Arrays, Header, int], Attributes]] = {
    "compressed_ply": dequantize_compressed_ply,
    "ksplat": dequantize_ksplat,
    "sog": dequantize_sog,
    "splat": dequantize_splat,
    "spz": dequantize_spz,
}

CALLS: dict[str, Callable[[int, Arrays, Arrays, Header], NativeCall]] = {
    "compressed_ply": compressed_ply_call,
    "ksplat": ksplat_call,
    "sog": sog_call,
    "splat": splat_call,
    "spz": spz_call,
}


def dequantize(
    format: str, version: int, codes: Arrays, tables: Arrays, header: Header, *, threads: int = 0
) -> Attributes:
    """The five attribute arrays that the codes of a quantized source stand for.

    Args:
        format, version, codes, tables, header: the fields of a `QuantizedSource`.
        threads: 0 for all cores; the result does not depend on it.
    Raises: UnsupportedFeatureError if the format is unknown; FormatError if the codes are not what it defines.
    """
    if format not in DEQUANTIZERS:
        raise UnsupportedFeatureError(f"no dequantizer for the source format {format!r}; a newer splatzip may have it")
    return DEQUANTIZERS[format](version, codes, tables, header, threads)
