"""Adds a chunk to a finished file, for what is known only once the file has been decoded."""

from __future__ import annotations

import zlib
from dataclasses import replace

from splatzip.container.blocks import write_header
from splatzip.container.index import SharedEntry
from splatzip.container.layout import HEADER_BYTES
from splatzip.container.reader import open_file
from splatzip.container.writer import SharedChunk, packed_root


def with_chunk(data: bytes, chunk: SharedChunk) -> bytes:
    """The file as `write_file` had written it with one more trailing chunk.

    Only header, root and index blocks are written anew: offsets count from behind them.

    Raises: FormatError if the file is damaged; ValueError if it has a chunk of that key.
    """
    file = open_file(data)
    if (chunk.kind, chunk.id) in {(entry.kind, entry.id) for entry in file.shared}:
        raise ValueError(f"the file has a chunk ({chunk.kind}, {chunk.id}) already")
    runs = [run.entry for run in file.runs]
    start = min([entry.offset for entry in file.shared] + [run.offset for run in runs])
    body = file.data[start:]
    shared = [replace(entry, offset=entry.offset - start) for entry in file.shared]
    shared.append(SharedEntry(chunk.kind, chunk.id, len(body), len(chunk.payload), zlib.crc32(chunk.payload)))
    root, indexes = packed_root(file.root, shared, [replace(run, offset=run.offset - start) for run in runs])
    whole = b"".join([root, *indexes, body, chunk.payload])
    return write_header(root, HEADER_BYTES + len(whole)) + whole
