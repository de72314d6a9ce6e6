"""A .splatz whose checksums are right although its content is not: so that the decoder itself is attacked.

Two ways: bytes change in place and every checksum over them is computed again, or the file is taken apart, a part is
changed in size or number, and put together by the container's own writer.
"""

from __future__ import annotations

import contextlib
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

from fuzzing.mutate import flip, mutated, overwrite
from splatzip.container import ContainerFile, Root, Run, SharedChunk, TileChunk, open_file, write_file
from splatzip.container.layout import HEADER_BYTES

_FILE_SIZE, _ROOT_CRC, _HEADER_CRC = 16, 24, 28  # byte offsets in the header
_BOX_BYTES, _ORIGIN_BYTES, _DIRECTORY_BOX_BYTES = 24, 24, 12


def resealed(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """A changed .splatz with right checksums.

    Args:
        data, other: whole files.
    """
    if rng.random() < 0.5:
        return sealed(rng.choice((flip, overwrite))(_aimed(data, rng), other, rng))
    return _rebuilt(open_file(data), open_file(other), rng)


def sealed(data: bytes) -> bytes:
    """The file with its length and all checksums as its bytes call for, as far as it can still be walked."""
    out = bytearray(data)
    struct.pack_into("<Q", out, _FILE_SIZE, len(out))
    root_size = struct.unpack_from("<I", out, 12)[0]
    with contextlib.suppress(IndexError, struct.error):  # what cannot be walked cannot be sealed
        _seal_body(out, HEADER_BYTES + root_size)
    struct.pack_into("<I", out, _ROOT_CRC, zlib.crc32(out[HEADER_BYTES : HEADER_BYTES + root_size]))
    struct.pack_into("<I", out, _HEADER_CRC, zlib.crc32(out[:_HEADER_CRC]))
    return bytes(out)


class _Walk:
    """Reads varints of the root or a directory and remembers where it is."""

    def __init__(self, data: bytearray, at: int) -> None:
        self.data, self.at = data, at

    def uint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def checksum_of(self, start: int, size: int) -> None:
        """Here stands a checksum of that block."""
        struct.pack_into("<I", self.data, self.at, zlib.crc32(self.data[start : start + size]))
        self.at += 4


def _seal_body(out: bytearray, base: int) -> None:
    walk = _Walk(out, HEADER_BYTES)
    for _ in range(5):
        walk.uint()
    walk.at += _ORIGIN_BYTES + _BOX_BYTES
    for _ in range(2 * walk.uint()):
        walk.uint()
    if walk.uint():  # index blocks: only files of very many runs have some
        return
    for _ in range(walk.uint()):
        _, _, offset, size = (walk.uint() for _ in range(4))
        walk.checksum_of(base + offset, size)
    for _ in range(walk.uint()):
        _, _, _, offset, directory_size, _ = (walk.uint() for _ in range(6))
        _seal_directory(out, base + offset, directory_size)
        walk.checksum_of(base + offset, directory_size)


def _seal_directory(out: bytearray, start: int, size: int) -> None:
    walk = _Walk(out, start)
    offset = start + size
    for _ in range(walk.uint()):
        walk.uint()
        walk.uint()
        chunk_size = walk.uint()
        walk.checksum_of(offset, chunk_size)
        walk.at += _DIRECTORY_BOX_BYTES
        offset += chunk_size


def _aimed(data: bytes, rng: random.Random) -> bytes:
    """Damage near the start of a chunk, where numbers stand, rather than in coded noise."""
    file = open_file(data)
    starts = [HEADER_BYTES, *(s.offset for s in file.shared), *(c.offset for run in file.runs for c in run.chunks)]
    out = bytearray(data)
    at = min(rng.choice(starts) + int(rng.expovariate(1 / 30)), len(out) - 1)
    out[at] = rng.choice((out[at] ^ 1 << rng.randrange(8), 0, 127, 128, 255, rng.randrange(256)))
    return bytes(out)


def _rebuilt(file: ContainerFile, other: ContainerFile, rng: random.Random) -> bytes:
    root, runs, trailing = _parts(file)
    _, other_runs, _ = _parts(other)
    change = rng.choice((_change_root, _change_chunk, _change_chunk, _change_chunk, _change_shared, _change_runs))
    root, runs = change(root, runs, other_runs, rng)
    if not runs:
        runs = [Run(0, 0, [])]
    try:
        return write_file(root, runs, trailing)
    except (OverflowError, struct.error):  # a number that the writer has no room for
        return write_file(replace(root, splats=1, box=file.root.box, origin=file.root.origin), runs, trailing)


def _parts(file: ContainerFile) -> tuple[Root, list[Run], list[SharedChunk]]:
    """The file as its writer was given it; shared chunks before the first run, so that order stays possible."""

    def cut(offset: int, size: int) -> bytes:
        return bytes(file.data[offset : offset + size])

    shared = [SharedChunk(s.kind, s.id, cut(s.offset, s.size)) for s in file.shared]
    runs = []
    for number, run in enumerate(file.runs):
        chunks = [TileChunk(c.tile, c.splats, c.box, cut(c.offset, c.size)) for c in run.chunks]
        needs = [s for s in shared if s.kind < 128] if number == 0 else []
        runs.append(Run(run.entry.tier, run.entry.layer, chunks, needs))
    root = replace(file.root, shared=(), runs=(), indexes=())
    return root, runs, [s for s in shared if s.kind >= 128]


Changed = tuple[Root, list[Run]]
Change = Callable[[Root, list[Run], list[Run], random.Random], Changed]
_COUNTS = (0, 1, 2, 63, 64, 255, 256, 38836, 38837, 65536, 1 << 20, 1 << 31, 1 << 40, 1 << 62)


def _change_root(root: Root, runs: list[Run], other: list[Run], rng: random.Random) -> Changed:
    field = rng.choice(("codec", "splats", "sh_degree", "tiers", "layers", "box", "origin"))
    if field == "box":
        corner = rng.choice((0.0, -1e30, 1e30, 1e-40))
        return replace(root, box=((corner,) * 3, (corner,) * 3)), runs
    if field == "origin":
        return replace(root, origin=(rng.choice((1e300, -1e38, 1e-310)), 0.0, 0.0)), runs
    now = getattr(root, field)
    value = rng.choice((*_COUNTS, now + 1, max(now - 1, 0))) if field == "splats" else rng.randrange(6)
    return replace(root, **{field: value}), runs  # type: ignore[arg-type]


def _change_chunk(root: Root, runs: list[Run], other: list[Run], rng: random.Random) -> Changed:
    at = rng.randrange(len(runs))
    chunks = list(runs[at].chunks)
    if not chunks:
        return root, runs
    number = rng.randrange(len(chunks))
    chunk = chunks[number]
    donors = [c for run in (*runs, *other) for c in run.chunks]
    kind = rng.randrange(6)
    if kind == 0:
        chunk = replace(chunk, payload=mutated(chunk.payload or b"\0", rng.choice(donors).payload or b"\0", rng))
    elif kind == 1:
        chunk = replace(chunk, payload=rng.choice(donors).payload)
    elif kind == 2:
        splats = rng.choice((*_COUNTS, chunk.splats + 1, max(chunk.splats - 1, 0)))
        root = replace(root, splats=max(1, root.splats + splats - chunk.splats)) if rng.random() < 0.7 else root
        chunk = replace(chunk, splats=splats)
    elif kind == 3:
        chunk = replace(chunk, payload=b"")
    elif kind == 4:
        chunk = replace(chunk, payload=rng.randbytes(rng.randrange(200)))
    else:
        chunk = replace(rng.choice(donors), tile=chunk.tile)
    chunks[number] = chunk
    return root, [*runs[:at], replace(runs[at], chunks=chunks), *runs[at + 1 :]]


def _change_shared(root: Root, runs: list[Run], other: list[Run], rng: random.Random) -> Changed:
    needs = list(runs[0].needs)
    if not needs:
        return root, runs
    at = rng.randrange(len(needs))
    kind = rng.randrange(4)
    if kind == 0:
        del needs[at]
    elif kind == 1:
        needs[at] = replace(needs[at], id=rng.choice((0, 1, 2, 255, 1 << 40)))
    else:
        donor = rng.choice([*needs, *(other[0].needs)]).payload or b"\0"
        needs[at] = replace(needs[at], payload=mutated(needs[at].payload or b"\0", donor, rng) if kind == 2 else donor)
    return root, [replace(runs[0], needs=needs), *runs[1:]]


def _change_runs(root: Root, runs: list[Run], other: list[Run], rng: random.Random) -> Changed:
    at = rng.randrange(len(runs))
    kind = rng.randrange(5)
    if kind == 0:
        return root, runs[:at] + runs[at + 1 :]
    if kind == 1:
        return root, [*runs, runs[at]]
    if kind == 2:
        return root, [*runs[:at], replace(runs[at], tier=rng.randrange(4), layer=rng.randrange(4)), *runs[at + 1 :]]
    if kind == 3:
        chunks = [c for c in runs[at].chunks if rng.random() < 0.7]
        return root, [*runs[:at], replace(runs[at], chunks=chunks), *runs[at + 1 :]]
    return root, [*runs[:at], rng.choice(other), *runs[at + 1 :]]
