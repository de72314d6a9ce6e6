"""Recorded calls of the native decoders, whole and damaged.

    cases.py FOLDER COUNT

Those of codec STEPPED end in .case: native/fuzz/decode_stepped.cpp runs them; those of COLUMNS in .columns.
cuda/emulation/main.cpp runs both. native/fuzz/stepped_case.h and columns_case.h say how a case is laid out.
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
from splatzip.kernels.columns import ColumnsTile, ColumnTarget, decode_columns
from splatzip.kernels.stepped import ChunkPlace
from splatzip.stream import columns_decode


def write_cases(folder: Path, count: int) -> int:
    """Record what decoding the seeds of .splatz, and `count` damaged ones, hands to the native decoders.

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

    def record_columns(
        file: memoryview, spec: bytes, tables: Sequence[bytes], tiles: Sequence[ColumnsTile],
        coordinates: Sequence[ColumnTarget | None], components: Sequence[ColumnTarget], *,
        prefix: tuple[int, Any] | None = None, **how: Any,
    ) -> Any:  # fmt: skip
        nonlocal written
        targets = [*coordinates, *components]
        (folder / f"{written:06}.columns").write_bytes(columns_case(file, spec, tables, tiles, targets, prefix))
        written += 1
        return decode_columns(file, spec, tables, tiles, coordinates, components, prefix=prefix, **how)

    with (
        mock.patch.object(decode, "decode_stepped", record),
        mock.patch.dict(columns_decode._DECODERS, cpu=record_columns),
    ):
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


def columns_case(
    file: memoryview, spec: bytes, tables: Sequence[bytes], tiles: Sequence[ColumnsTile],
    targets: Sequence[ColumnTarget | None], prefix: tuple[int, Any] | None,
) -> bytes:  # fmt: skip
    """The bytes of one case of codec COLUMNS."""
    arrays: list[Any] = []
    for target in targets:
        if target is not None and not any(target.array is array for array in arrays):
            arrays.append(target.array)
    places = {id(array): place for place, array in enumerate(arrays)}
    out = bytearray(struct.pack("<q", -1)) + _block(spec) + struct.pack("<q", len(tables))
    for table in tables:
        out += _block(table)
    out += struct.pack("<qq", prefix[0] if prefix else -1, len(arrays))
    for array in arrays:
        out += struct.pack("<qq", array.shape[1], array.itemsize)
    out += struct.pack("<q", len(targets))
    for target in targets:
        fields = (-1, 0, 0, 1, 0)
        if target is not None:
            fields = (places[id(target.array)], target.column, target.shift, target.bits, target.folded)
        out += struct.pack("<5q", *fields)
    out += struct.pack("<q", len(tiles))
    for tile in tiles:
        out += struct.pack("<q", tile.splats)
        for offset, size in (tile.geometry, tile.rest or (0, 0)):
            out += _block(bytes(file[offset : offset + size]))
    return bytes(out)


def _block(data: bytes) -> bytes:
    return struct.pack("<q", len(data)) + data


if __name__ == "__main__":
    print(f"{write_cases(Path(sys.argv[1]), int(sys.argv[2]))} cases")
