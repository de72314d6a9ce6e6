"""The heads of chunks: which streams they hold and how long those are, without decoding them (docs/FORMAT.md 4.1)."""

from __future__ import annotations

from typing import NamedTuple

from splatzip.container.index import ChunkEntry, RunEntry
from splatzip.container.layout import ATTRIBUTE_OF_COLUMN, ATTRIBUTE_OF_STREAM, Booked, Codec, Kind, Stream
from splatzip.container.reader import ContainerFile
from splatzip.container.varint import Cursor

_FRAME_NUMBERS = 4


class StreamHead(NamedTuple):
    """What the head of a chunk says of one stream."""

    stream: int
    table_set: int
    size: int


def stream_heads(file: ContainerFile, run: RunEntry, chunk: ChunkEntry) -> list[StreamHead]:
    """The streams of a chunk.

    Raises: CorruptError.
    """
    where = f"tile {chunk.tile} tier {run.tier} layer {run.layer} at byte {chunk.offset}"
    cursor = Cursor(file.data[chunk.offset : chunk.offset + chunk.size], where)
    if run.layer == 0:
        (_skip_stepped_frame if file.root.codec == Codec.STEPPED else _skip_columns_frame)(cursor)
    heads = []
    for _ in range(cursor.uint()):
        stream, table_set = cursor.take(1)[0], cursor.uint() >> 2  # below: how many lanes
        heads.append(StreamHead(stream, table_set, cursor.uint() + cursor.uint()))
    return heads


def attribute_bytes(file: ContainerFile) -> dict[str, int]:
    """Bytes of each attribute's streams, codebooks and palette; what is left of the file is the container's.

    Raises: CorruptError.
    """
    sizes = dict.fromkeys(
        ("position", "scale", "rotation", "opacity", "color", *(["sh"] if file.root.sh_degree else [])), 0
    )
    for run in file.runs:
        for chunk in run.chunks:
            for stream, _, size in stream_heads(file, run.entry, chunk):
                name = attribute_of(stream)
                sizes[name] = sizes.get(name, 0) + size
    for entry in file.shared:
        if entry.kind == Kind.CODEBOOKS and entry.id < len(Booked):
            name = Booked(entry.id).name.lower()
            sizes[name] = sizes.get(name, 0) + entry.size
        elif entry.kind == Kind.PALETTE:
            sizes["sh"] = sizes.get("sh", 0) + entry.size
    return sizes


def attribute_of(stream: int) -> str:
    """The attribute that a stream's bytes count for."""
    if stream in ATTRIBUTE_OF_STREAM:
        return ATTRIBUTE_OF_STREAM[Stream(stream)]
    column = stream - Stream.COLUMN_0
    return next((name for limit, name in ATTRIBUTE_OF_COLUMN if 0 <= column < limit), "other")


def _skip_columns_frame(cursor: Cursor) -> None:
    """What a chunk of codec COLUMNS has before its streams (FORMAT.md 7.2)."""
    cursor.take(2)
    for _ in range(3):
        cursor.uint()


def _skip_stepped_frame(cursor: Cursor) -> None:
    """The same of codec STEPPED (FORMAT.md 6.2); 0 stands for the frame of the tile's first tier."""
    if cursor.take(1)[0] == 0:
        return
    for _ in range(3):
        cursor.uint()
    cursor.take(1)
    for _ in range(_FRAME_NUMBERS):
        cursor.uint()
