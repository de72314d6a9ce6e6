"""Lay out a file: header, root, index blocks, shared chunks, runs. Every byte is covered by a checksum."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from splatzip.container import json_values
from splatzip.container.blocks import write_directory, write_header, write_index, write_root
from splatzip.container.index import Box, ChunkEntry, IndexEntry, Root, RunEntry, SharedEntry
from splatzip.container.layout import HEADER_BYTES, MAX_ROOT_BYTES

_ENTRIES_PER_INDEX = 2000


@dataclass(frozen=True)
class SharedChunk:
    """A chunk with a (kind, id) key."""

    kind: int
    id: int
    payload: bytes


def json_chunks(kind: int, values: Mapping[str, Any]) -> list[SharedChunk]:
    """The chunk that holds an object, its names in order; none when there is nothing to say."""
    return [SharedChunk(kind, 0, json_values.dumps(values, sort_keys=True))] if values else []


@dataclass(frozen=True)
class TileChunk:
    """One tile's part of a run."""

    tile: int
    splats: int
    box: Box
    payload: bytes


@dataclass(frozen=True)
class Run:
    """All chunks of one (segment, tier, layer), and the shared chunks that must lie before them."""

    tier: int
    layer: int
    chunks: Sequence[TileChunk]
    needs: Sequence[SharedChunk] = ()
    segment: int = 0


def write_file(root: Root, runs: Sequence[Run], trailing: Sequence[SharedChunk] = ()) -> bytes:
    """A whole file.

    Args:
        root: facts of the scene; its entries are filled in here.
        runs: in file order; each shared chunk lies before the first run that needs it.
        trailing: shared chunks that no run needs, at the end.
    """
    directories = [
        write_directory([ChunkEntry(c.tile, c.splats, 0, len(c.payload), zlib.crc32(c.payload), c.box)
                         for c in run.chunks], root.box)
        for run in runs
    ]  # fmt: skip

    shared: list[SharedEntry] = []
    entries: list[RunEntry] = []
    parts: list[bytes] = []
    offset = 0  # from the end of the index blocks, so that no number depends on the size of the root

    def add(chunk: SharedChunk) -> None:
        nonlocal offset
        size = len(chunk.payload)
        shared.append(SharedEntry(chunk.kind, chunk.id, offset, size, zlib.crc32(chunk.payload)))
        parts.append(chunk.payload)
        offset += size

    for run, directory in zip(runs, directories, strict=True):
        for chunk in run.needs:
            add(chunk)
        size = len(directory) + sum(len(c.payload) for c in run.chunks)
        crc = zlib.crc32(directory)
        entries.append(RunEntry(run.segment, run.tier, run.layer, offset, len(directory), crc, size))
        parts += [directory, *(c.payload for c in run.chunks)]
        offset += size
    for chunk in trailing:
        add(chunk)
    packed, indexes = packed_root(root, shared, entries)
    body = b"".join([packed, *indexes, *parts])
    return write_header(packed, HEADER_BYTES + len(body)) + body


def packed_root(root: Root, shared: list[SharedEntry], runs: list[RunEntry]) -> tuple[bytes, list[bytes]]:
    """The root block, and the index blocks that lie right behind it when the entries do not fit."""
    packed = write_root(replace(root, shared=tuple(shared), runs=tuple(runs), indexes=()))
    if len(packed) <= MAX_ROOT_BYTES:
        return packed, []
    blocks = [write_index(shared, ())]
    blocks += [write_index((), runs[i : i + _ENTRIES_PER_INDEX]) for i in range(0, len(runs), _ENTRIES_PER_INDEX)]
    indexes = tuple(IndexEntry(len(block), zlib.crc32(block)) for block in blocks)
    return write_root(replace(root, shared=(), runs=(), indexes=indexes)), blocks
