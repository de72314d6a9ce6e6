"""The container: what is written comes back, the root stays small, and every byte belongs to one block."""

from __future__ import annotations

import struct

import pytest

from splatzip import CorruptError, NotSplatzipError, TruncatedError, UnsupportedVersionError
from splatzip.container import Codec, Kind, Root, Run, SharedChunk, TileChunk, open_file, write_file
from splatzip.container.layout import HEADER_BYTES, MAX_ROOT_BYTES, VERSION_MINOR
from splatzip.container.varint import Cursor, put

BOX = ((-1.0, 0.0, -2.5), (4.0, 0.0, 1e6))


def root(splats: int = 10, tiers: int = 1) -> Root:
    return Root(Codec.STEPPED, splats, 3, tiers, 2, (0.5, -1e7, 3.0), BOX)


def runs(tiers: int, tiles: int) -> list[Run]:
    return [
        Run(
            tier,
            layer,
            [TileChunk(3 * t, 7 + t, BOX, bytes([tier, layer, t])) for t in range(tiles)],
            [SharedChunk(Kind.TABLES, 2 * tier + layer, b"tables")],
        )
        for tier in range(tiers)
        for layer in range(2)
    ]


@pytest.mark.parametrize("value", [0, 1, 127, 128, 16383, 16384, 2**32, 2**63, 2**64 - 1])
def test_numbers_come_back(value: int) -> None:
    out = bytearray()
    put(out, value)
    cursor = Cursor(bytes(out), "here")
    assert cursor.uint() == value
    cursor.end()


@pytest.mark.parametrize("data", [b"\x80", b"\xff" * 10, b"\xff" * 9 + b"\x02", b"\x80" * 11 + b"\0"])
def test_numbers_that_are_cut_or_too_large_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptError, match="here: "):
        Cursor(data, "here").uint()


def test_keys_sizes_and_payloads_come_back() -> None:
    file = open_file(write_file(root(tiers=3), runs(3, 4), [SharedChunk(Kind.META, 0, b"{}")]))
    assert (file.root.splats, file.root.sh_degree, file.root.origin) == (10, 3, (0.5, -1e7, 3.0))
    assert file.shared_ids(Kind.TABLES) == list(range(6))
    assert file.shared_payload(Kind.META) == b"{}"
    assert [(run.entry.tier, run.entry.layer) for run in file.runs] == [(t, y) for t in range(3) for y in range(2)]
    for run in file.runs:
        assert [chunk.tile for chunk in run.chunks] == [0, 3, 6, 9]
        assert [chunk.splats for chunk in run.chunks] == [7, 8, 9, 10]
        for t, chunk in enumerate(run.chunks):
            payload = bytes(file.data[chunk.offset : chunk.offset + chunk.size])
            assert payload == bytes([run.entry.tier, run.entry.layer, t])


def test_what_does_not_fit_into_the_root_goes_to_index_blocks() -> None:
    data = write_file(root(tiers=200), runs(200, 1))
    (root_size,) = struct.unpack_from("<I", data, 12)
    assert root_size <= MAX_ROOT_BYTES
    file = open_file(data)
    assert len(file.root.indexes) >= 2
    assert len(file.runs) == len(file.shared) == 400


def test_boxes_of_chunks_are_rounded_outwards() -> None:
    box = ((-0.123, 0.0, -2.4), (3.21, 0.0, 99_999.5))
    run = Run(0, 0, [TileChunk(0, 10, box, b"x")])
    (chunk,) = open_file(write_file(root(), [run])).runs[0].chunks
    for axis in range(3):
        cell = (BOX[1][axis] - BOX[0][axis]) / 65535
        assert box[0][axis] - cell <= chunk.box[0][axis] <= box[0][axis]
        assert box[1][axis] <= chunk.box[1][axis] <= box[1][axis] + cell


def test_a_file_of_another_kind_or_version_is_called_that() -> None:
    data = write_file(root(), runs(1, 1))
    with pytest.raises(NotSplatzipError, match="does not start with SPLATZ"):
        open_file(b"ply\n" + data)
    with pytest.raises(UnsupportedVersionError, match=rf"version 0\.7; this splatzip reads 0\.{VERSION_MINOR}:"):
        open_file(data[:10] + b"\x07\0" + data[12:])
    with pytest.raises(TruncatedError, match=f"31 of {HEADER_BYTES} bytes"):
        open_file(data[:31])
