"""Sections 2 and 3 of FORMAT.md: a file is taken apart and every byte of it checked."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from reference.numbers import REQUIRED_LIMIT, Bytes, check

MAGIC = b"SPLATZ\r\n"
VERSION = (0, 4)
MAX_ROOT_BYTES = 4096
MAX_TILES = 1 << 31
TABLES, STEPS, SOURCE, PALETTE, COLUMNS, CODEBOOKS, META, TIERS = 1, 2, 3, 4, 5, 6, 128, 131
CODEC_STEPPED, CODEC_COLUMNS = 1, 2


@dataclass
class Chunk:
    """A chunk of one tile, tier and layer."""

    tile: int
    splats: int
    box: tuple[int, ...]  # low x y z, high x y z, in 65535ths of the root's
    payload: bytes
    end: int  # of the payload, counted from the start of the file


@dataclass
class File:
    """A file taken apart: every byte was covered by a checksum that is right."""

    codec: int
    splats: int
    sh_degree: int
    tiers: int
    layers: int
    origin: tuple[float, float, float]
    box: tuple[float, ...]
    shared: dict[tuple[int, int], bytes]  # by (kind, id)
    runs: dict[tuple[int, int], list[Chunk]]  # by (tier, layer), tiles ascending


def take_apart(data: bytes) -> File:
    """Sections 2 and 3."""
    # 2.1 Header
    check(data[:8] == MAGIC, "not a .splatz file")
    check(len(data) >= 32, "the header is cut")
    _, major, minor, root_size, file_size, root_crc, header_crc = struct.unpack("<8sHHIQII", data[:32])
    check((major, minor) == VERSION, f"version {major}.{minor}")
    check(zlib.crc32(data[:28]) == header_crc, "the header's checksum is wrong")
    check(root_size <= MAX_ROOT_BYTES and 32 + root_size <= file_size, "the header's sizes disagree")
    check(len(data) == file_size, "the file is not as long as it says")

    def block(offset: int, size: int, crc: int) -> bytes:
        check(offset + size <= file_size, "a block reaches beyond the file")
        check(zlib.crc32(data[offset : offset + size]) == crc, f"checksum of the block at byte {offset}")
        return data[offset : offset + size]

    # 2.2 Root
    root = Bytes(block(32, root_size, root_crc))
    codec, splats, sh_degree, tiers, layers = (root.varint() for _ in range(5))
    origin = root.fixed("3d")
    box = root.fixed("6f")
    check(np.isfinite(origin).all() and np.isfinite(box).all(), "origin or box is not finite")
    check(all(box[a] <= box[a + 3] for a in range(3)), "the corners of the box are swapped")
    segments = [(root.varint(), root.varint()) for _ in range(root.varint())]
    check(len(segments) == 1 and splats > 0 and sh_degree <= 4, "the number of segments or splats, or the SH degree")
    check(segments == [(0, 0)], "a scene in time")
    check(layers == (2 if sh_degree else 1), "layers")
    indexes = [(root.varint(), *root.fixed("I")) for _ in range(root.varint())]

    # 2.3 Entries, from the root and the index blocks behind it
    shared_entries: list[list[int]] = []
    run_entries: list[list[int]] = []

    def entries(block: Bytes) -> None:
        for _ in range(block.varint()):
            shared_entries.append([*(block.varint() for _ in range(4)), *block.fixed("I")])
        for _ in range(block.varint()):
            run_entries.append([*(block.varint() for _ in range(6)), *block.fixed("I")])
        block.end()

    entries(root)
    base = 32 + root_size
    for size, crc in indexes:
        entries(Bytes(block(base, size, crc)))
        base += size

    # 3.1 Shared chunks
    shared: dict[tuple[int, int], bytes] = {}
    spans = []
    for kind, id_, offset, size, crc in shared_entries:
        check(kind in range(TABLES, CODEBOOKS + 1) or kind >= REQUIRED_LIMIT, f"kind {kind} is not known")
        check((kind, id_) not in shared, "a chunk is listed twice")
        shared[kind, id_] = block(base + offset, size, crc)
        spans.append((base + offset, size))

    # 3.2 Runs
    runs: dict[tuple[int, int], list[Chunk]] = {}
    for segment, tier, layer, offset, directory_size, size, crc in run_entries:
        check(segment == 0 and tier < tiers and layer < layers, "a run of a tier or layer that does not exist")
        check((tier, layer) not in runs, "a run is listed twice")
        spans.append((base + offset, size))
        directory = Bytes(block(base + offset, directory_size, crc))
        at = base + offset + directory_size
        chunks, tile = [], -1
        for _ in range(directory.varint()):
            tile += 1 + directory.varint()
            check(tile < MAX_TILES, "a tile's number is too large")
            chunk_splats, chunk_size = directory.varint(), directory.varint()
            (chunk_crc,) = directory.fixed("I")
            chunk_box = directory.fixed("6H")
            payload = block(at, chunk_size, chunk_crc)
            at += chunk_size
            chunks.append(Chunk(tile, chunk_splats, chunk_box, payload, at))
        directory.end()
        check(at == base + offset + size, "the chunks do not fill their run")
        runs[tier, layer] = chunks

    # 3.3 Every byte belongs to one block
    at = base
    for offset, size in sorted(spans):
        check(offset == at, "chunks leave a gap or overlap")
        at += size
    check(at == file_size, "bytes belong to no chunk")
    return File(codec, splats, sh_degree, tiers, layers, origin, box, shared, runs)


def no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def finite(text: str) -> float:
    return float(text) if np.isfinite(float(text)) else no_number(text)


def json_chunk(file: File, kind: int) -> dict[str, Any]:
    """A JSON chunk, {} where there is none."""
    data = file.shared.get((kind, 0), b"{}")
    try:
        values = json.loads(str(data, "utf-8"), parse_constant=no_number, parse_float=finite)
    except (ValueError, RecursionError):
        values = None
    check(isinstance(values, dict), "a JSON chunk is not an object")
    return dict(values)
