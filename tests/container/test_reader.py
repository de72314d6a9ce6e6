"""What a table of contents may say, before any of it is believed."""

from __future__ import annotations

import zlib

import pytest

from splatzip.container import Codec, Kind, Root, Run, SharedChunk, TileChunk, open_file, write_file
from splatzip.container.blocks import write_header, write_index, write_root
from splatzip.container.index import IndexEntry, RunEntry, SharedEntry
from splatzip.container.json_values import loads
from splatzip.errors import CorruptError

BOX = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
BODY = bytes(1000)


def listed(shared: list[SharedEntry], runs: list[RunEntry]) -> bytes:
    """A file of a thousand zeros, its index and its root right to the last checksum."""
    index = write_index(shared, runs)
    root = Root(
        Codec.STEPPED, 1, 0, 1 << 40, 1, (0.0, 0.0, 0.0), BOX, indexes=(IndexEntry(len(index), zlib.crc32(index)),)
    )
    packed = write_root(root)
    body = packed + index + BODY
    return write_header(packed, 32 + len(body)) + body


class Counting:
    """zlib, and how many bytes it was given."""

    def __init__(self) -> None:
        self.summed = 0

    def crc32(self, block: bytes) -> int:
        self.summed += len(block)
        return zlib.crc32(block)


@pytest.mark.parametrize(
    ("shared", "runs"),
    [
        ([SharedEntry(Kind.META, number, 0, 1000, zlib.crc32(BODY)) for number in range(500)], []),
        ([], [RunEntry(0, tier, 0, 0, 1000, zlib.crc32(BODY), 1000) for tier in range(500)]),
    ],
    ids=["shared", "runs"],
)
def test_bytes_that_are_listed_again_and_again_are_not_summed_again_and_again(monkeypatch, shared, runs):
    data, counting = listed(shared, runs), Counting()
    monkeypatch.setattr("splatzip.container.reader.zlib", counting)
    with pytest.raises(CorruptError, match="they overlap"):
        open_file(data)
    assert counting.summed < len(data)


def test_a_directory_that_is_larger_than_its_run_is_refused():
    with pytest.raises(CorruptError, match="larger than the run"):
        open_file(listed([], [RunEntry(0, 0, 0, 0, 1000, zlib.crc32(BODY), 10)]))


@pytest.mark.parametrize(
    "text", [b"[1]", b"{", b"\xff", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}', b"[" * 9999]
)
def test_a_json_chunk_that_is_no_json_object_is_refused(text):
    root = Root(Codec.STEPPED, 1, 0, 1, 1, (0.0, 0.0, 0.0), BOX)
    file = open_file(write_file(root, [Run(0, 0, [TileChunk(0, 1, BOX, b"x")])], [SharedChunk(Kind.META, 0, text)]))
    with pytest.raises(CorruptError, match=r"chunk \(128, 0\): it is not"):
        file.shared_json(Kind.META)


def test_numbers_of_json_are_as_they_were_written():
    assert loads(b'{"a": [1.5, -2e-300, 12345678901234567890]}') == {"a": [1.5, -2e-300, 12345678901234567890]}
