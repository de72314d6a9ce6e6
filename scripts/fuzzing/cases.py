"""Recorded calls of the native decoder, for native/fuzz/decode_stepped.cpp: the layout is written there."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from splatzip.kernels.stepped import ChunkPlace


def write_case(
    path: Path, file: memoryview, params: bytes, tables: Sequence[bytes], chunks: Sequence[ChunkPlace], splats: int
) -> None:
    """Write one call of `kernels.stepped.decode_stepped`."""
    out = bytearray(_block(params)) + struct.pack("<q", len(tables))
    for table in tables:
        out += _block(table)
    out += struct.pack("<qq", splats, len(chunks))
    for c in chunks:
        out += struct.pack("<5q", c.tile, c.tier, c.layer, c.splats, c.row)
        out += _block(bytes(file[c.offset : c.offset + c.size]))
    path.write_bytes(out)


def _block(data: bytes) -> bytes:
    return struct.pack("<q", len(data)) + data
