"""Recorded calls of the native decoder of codec STEPPED, whole and damaged.

    cases.py FOLDER COUNT

native/fuzz/decode_stepped.cpp runs them, and says there how a case is laid out.
"""

from __future__ import annotations

import contextlib
import random
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import splatzip
from fuzzing.formats import FORMATS
from fuzzing.reseal import resealed
from splatzip import SplatzipError, decode
from splatzip.errors import CorruptError
from splatzip.kernels.stepped import ChunkPlace


def write_cases(folder: Path, count: int) -> int:
    """Record what decoding the seeds of .splatz, and `count` damaged ones, hands to the native decoder.

    Returns: how many cases were written; what is refused before has none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seeds = [file for seed in FORMATS["splatz_resealed"].seeds() for file in seed.values()]
    rng = random.Random(0)
    damaged = (resealed(rng.choice(seeds), rng.choice(seeds), rng) for _ in range(count))
    written = 0

    def record(file: memoryview, params: bytes, books: Sequence[bytes], *rest: Any) -> tuple[type[Exception], int]:
        nonlocal written
        tables, chunks, splats, _ = rest
        (folder / f"{written:06}.case").write_bytes(case(file, params, books, tables, chunks, splats))
        written += 1
        return CorruptError, -1  # it is not decoded here

    with mock.patch.object(decode, "decode_stepped", record):
        for data in (*seeds, *damaged):
            for strict in (True, False):
                with contextlib.suppress(SplatzipError):
                    splatzip.decompress(data, strict=strict)
    return written


def case(
    file: memoryview, params: bytes, books: Sequence[bytes], tables: Sequence[bytes], chunks: Sequence[ChunkPlace],
    splats: int,
) -> bytes:  # fmt: skip
    """The bytes of one case."""
    out = bytearray(_block(params)) + b"".join(map(_block, books)) + struct.pack("<q", len(tables))
    for table in tables:
        out += _block(table)
    out += struct.pack("<qq", splats, len(chunks))
    for c in chunks:
        out += struct.pack("<5q", c.tile, c.tier, c.layer, c.splats, c.row)
        out += _block(bytes(file[c.offset : c.offset + c.size]))
    return bytes(out)


def _block(data: bytes) -> bytes:
    return struct.pack("<q", len(data)) + data


if __name__ == "__main__":
    print(f"{write_cases(Path(sys.argv[1]), int(sys.argv[2]))} cases")
