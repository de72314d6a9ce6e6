"""Header, root, index blocks and directories: bytes to records and back (docs/FORMAT.md 2 and 3)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

from splatzip.container.index import Box, ChunkEntry, IndexEntry, Root, RunEntry, Segment, SharedEntry
from splatzip.container.layout import (
    HEADER_BYTES,
    MAGIC,
    MAX_ROOT_BYTES,
    MAX_TILES,
    VERSION_MAJOR,
    VERSION_MINOR,
)
from splatzip.container.varint import Cursor, put
from splatzip.errors import CorruptError, NotSplatzipError, TruncatedError, UnsupportedVersionError

_HEADER = struct.Struct("<8sHHIQI")  # magic, major, minor, root size, file size, root checksum; then its own checksum
_BOX_STEPS = 65535


def write_header(root: bytes, file_size: int) -> bytes:
    """The 32 bytes in front of the root."""
    head = _HEADER.pack(MAGIC, VERSION_MAJOR, VERSION_MINOR, len(root), file_size, zlib.crc32(root))
    return head + zlib.crc32(head).to_bytes(4, "little")


def read_header(data: bytes | memoryview) -> tuple[int, int, int]:
    """Root size, file size, root checksum.

    Raises: NotSplatzipError, UnsupportedVersionError, TruncatedError, CorruptError.
    """
    start = bytes(data[:HEADER_BYTES])
    if start[: len(MAGIC)] != MAGIC[: len(start)] or not start:
        raise NotSplatzipError("not a .splatz file: it does not start with SPLATZ")
    if len(start) < HEADER_BYTES:
        raise TruncatedError(f"the file ends inside its header: {len(start)} of {HEADER_BYTES} bytes")
    _, major, minor, root_size, file_size, root_crc = _HEADER.unpack(start[: _HEADER.size])
    if (major, minor) != (VERSION_MAJOR, VERSION_MINOR):
        raise UnsupportedVersionError(
            f"this file is version {major}.{minor}; this splatzip reads {VERSION_MAJOR}.{VERSION_MINOR}: "
            "use the release that wrote it"
        )
    if zlib.crc32(start[: _HEADER.size]) != int.from_bytes(start[_HEADER.size :], "little"):
        raise CorruptError("header at byte 0: the checksum is wrong; the file was damaged")
    if root_size > MAX_ROOT_BYTES or HEADER_BYTES + root_size > file_size:
        raise CorruptError("header at byte 0: sizes disagree")
    return root_size, file_size, root_crc


def _put_box(out: bytearray, box: Box) -> None:
    out += struct.pack("<6f", *box[0], *box[1])


def _get_box(cursor: Cursor) -> Box:
    v = [cursor.f32() for _ in range(6)]
    if not np.isfinite(v).all() or any(v[i] > v[i + 3] for i in range(3)):
        raise cursor.corrupt("the bounding box is not finite, or its corners are swapped")
    return (v[0], v[1], v[2]), (v[3], v[4], v[5])


def _put_entries(out: bytearray, shared: Sequence[SharedEntry], runs: Sequence[RunEntry]) -> None:
    put(out, len(shared))
    for s in shared:
        for value in (s.kind, s.id, s.offset, s.size):
            put(out, value)
        out += s.crc.to_bytes(4, "little")
    put(out, len(runs))
    for r in runs:
        for value in (r.segment, r.tier, r.layer, r.offset, r.directory_size, r.size):
            put(out, value)
        out += r.directory_crc.to_bytes(4, "little")


def _get_entries(cursor: Cursor) -> tuple[list[SharedEntry], list[RunEntry]]:
    shared, runs = [], []
    for _ in range(cursor.uint()):
        kind, id_, offset, size = (cursor.uint() for _ in range(4))
        shared.append(SharedEntry(kind, id_, offset, size, cursor.u32()))
    for _ in range(cursor.uint()):
        segment, tier, layer, offset, directory_size, size = (cursor.uint() for _ in range(6))
        runs.append(RunEntry(segment, tier, layer, offset, directory_size, cursor.u32(), size))
    return shared, runs


def write_root(root: Root) -> bytes:
    """The root block; longer than MAX_ROOT_BYTES means that entries must move to index blocks."""
    out = bytearray()
    for value in (root.codec, root.splats, root.sh_degree, root.tiers, root.layers):
        put(out, value)
    out += struct.pack("<3d", *root.origin)
    _put_box(out, root.box)
    put(out, len(root.segments))
    for segment in root.segments:
        put(out, segment.duration_us)
        put(out, segment.predicted_from)
    put(out, len(root.indexes))
    for index in root.indexes:
        put(out, index.size)
        out += index.crc.to_bytes(4, "little")
    _put_entries(out, root.shared, root.runs)
    return bytes(out)


def read_root(data: bytes | memoryview, where: str) -> Root:
    """The root without what its index blocks add.

    Raises: CorruptError.
    """
    cursor = Cursor(data, where)
    codec, splats, sh_degree, tiers, layers = (cursor.uint() for _ in range(5))
    origin = (cursor.f64(), cursor.f64(), cursor.f64())
    box = _get_box(cursor)
    segments = tuple(Segment(cursor.uint(), cursor.uint()) for _ in range(cursor.uint()))
    indexes = tuple(IndexEntry(cursor.uint(), cursor.u32()) for _ in range(cursor.uint()))
    shared, runs = _get_entries(cursor)
    cursor.end()
    if splats == 0 or sh_degree > 4 or not segments or not np.isfinite(origin).all():
        raise cursor.corrupt("its number of splats, SH degree, number of segments or origin is impossible")
    return Root(codec, splats, sh_degree, tiers, layers, origin, box, segments, tuple(shared), tuple(runs), indexes)


def write_index(shared: Sequence[SharedEntry], runs: Sequence[RunEntry]) -> bytes:
    """One index block."""
    out = bytearray()
    _put_entries(out, shared, runs)
    return bytes(out)


def read_index(data: bytes | memoryview, where: str) -> tuple[list[SharedEntry], list[RunEntry]]:
    """The entries of one index block.

    Raises: CorruptError.
    """
    cursor = Cursor(data, where)
    entries = _get_entries(cursor)
    cursor.end()
    return entries


def write_directory(chunks: Sequence[ChunkEntry], scene_box: Box) -> bytes:
    """A run's directory: tiles ascending; boxes on a 16-bit grid over the scene's box, rounded outwards."""
    out = bytearray()
    put(out, len(chunks))
    previous = -1
    low = np.asarray(scene_box[0])
    cell = (np.asarray(scene_box[1]) - low) / _BOX_STEPS
    safe = np.where(cell > 0, cell, 1.0)
    for chunk in chunks:
        put(out, chunk.tile - previous - 1)
        previous = chunk.tile
        put(out, chunk.splats)
        put(out, chunk.size)
        out += chunk.crc.to_bytes(4, "little")
        grid = [
            np.floor((np.asarray(chunk.box[0]) - low) / safe),
            np.ceil((np.asarray(chunk.box[1]) - low) / safe),
        ]
        out += np.clip(np.concatenate(grid), 0, _BOX_STEPS).astype("<u2").tobytes()
    return bytes(out)


def read_directory(data: bytes | memoryview, where: str, *, first_offset: int, scene_box: Box) -> list[ChunkEntry]:
    """The chunks of a run; `first_offset` is where the first one starts in the file.

    Raises: CorruptError.
    """
    cursor = Cursor(data, where)
    count = cursor.uint()
    if count * 18 > cursor.left:
        raise cursor.corrupt("it lists more chunks than it has room for")
    low = np.asarray(scene_box[0])
    cell = (np.asarray(scene_box[1]) - low) / _BOX_STEPS
    chunks, tile, offset = [], -1, first_offset
    for _ in range(count):
        tile += 1 + cursor.uint()
        if tile >= MAX_TILES:
            raise cursor.corrupt(f"tile number {tile} is too large")
        splats, size, crc = cursor.uint(), cursor.uint(), cursor.u32()
        grid = np.frombuffer(cursor.take(12), "<u2").reshape(2, 3)
        corners = (low + grid * cell).tolist()
        chunks.append(ChunkEntry(tile, splats, offset, size, crc, (tuple(corners[0]), tuple(corners[1]))))
        offset += size
    cursor.end()
    return chunks
