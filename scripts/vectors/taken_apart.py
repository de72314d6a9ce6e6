"""A file as parts that can be changed one by one, and put together again with every checksum right."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from splatzip.container import ChunkEntry, Root, RunEntry, open_file
from splatzip.container.blocks import write_directory, write_header, write_root
from splatzip.container.index import SharedEntry
from splatzip.container.layout import HEADER_BYTES


@dataclass
class RunParts:
    """A run. `directory`: its bytes, made from the chunks' entries if None."""

    tier: int
    layer: int
    entries: list[ChunkEntry]
    payloads: list[bytes]
    segment: int = 0
    directory: bytes | None = None


@dataclass
class Parts:
    """A file.

    Attributes:
        root: what write_root writes, apart from the entries.
        shared: kind, id, payload; in file order, before the runs.
        entries: a last change to the entries, after offsets and checksums are known.
        root_bytes: a last change to the root's bytes.
    """

    root: Root
    shared: list[tuple[int, int, bytes]]
    runs: list[RunParts]
    entries: Callable[[list[SharedEntry], list[RunEntry]], None] = lambda shared, runs: None
    root_bytes: Callable[[bytes], bytes] = bytes

    def payload(self, kind: int, id_: int = 0) -> bytes:
        return next(data for k, i, data in self.shared if (k, i) == (kind, id_))

    def replace_shared(self, kind: int, id_: int, payload: bytes) -> None:
        self.shared = [(k, i, payload if (k, i) == (kind, id_) else data) for k, i, data in self.shared]


def taken_apart(data: bytes) -> Parts:
    """A file without index blocks."""
    file = open_file(data)
    shared = [(s.kind, s.id, data[s.offset : s.offset + s.size]) for s in file.shared]
    runs = [
        RunParts(r.entry.tier, r.entry.layer, list(r.chunks), [data[c.offset : c.offset + c.size] for c in r.chunks])
        for r in file.runs
    ]
    return Parts(replace(file.root, shared=(), runs=()), shared, runs)


def put_together(parts: Parts) -> bytes:
    """A whole file; what lies does so under right checksums."""
    shared: list[SharedEntry] = []
    runs: list[RunEntry] = []
    body = bytearray()
    for kind, id_, payload in parts.shared:
        shared.append(SharedEntry(kind, id_, len(body), len(payload), zlib.crc32(payload)))
        body += payload
    for run in parts.runs:
        directory = run.directory
        if directory is None:
            entries = [
                replace(entry, size=len(payload), crc=zlib.crc32(payload))
                for entry, payload in zip(run.entries, run.payloads, strict=True)
            ]
            directory = write_directory(entries, parts.root.box)
        size = len(directory) + sum(map(len, run.payloads))
        entry = RunEntry(run.segment, run.tier, run.layer, len(body), len(directory), zlib.crc32(directory), size)
        runs.append(entry)
        body += directory + b"".join(run.payloads)
    parts.entries(shared, runs)
    root = parts.root_bytes(write_root(replace(parts.root, shared=tuple(shared), runs=tuple(runs))))
    return write_header(root, HEADER_BYTES + len(root) + len(body)) + root + bytes(body)


def sealed_header(data: bytes) -> bytes:
    """The file with the checksum of its header made right."""
    return data[:28] + zlib.crc32(data[:28]).to_bytes(4, "little") + data[32:]
