"""The .splatz container: header, root, directories and checksummed chunks."""

from splatzip.container.append import with_chunk
from splatzip.container.index import Box, ChunkEntry, Root, RunEntry, Segment
from splatzip.container.layout import Booked, Codec, Kind
from splatzip.container.reader import ContainerFile, open_file
from splatzip.container.reorder import with_tiles_ordered
from splatzip.container.writer import Run, SharedChunk, TileChunk, json_chunks, write_file

__all__ = [
    "Booked",
    "Box",
    "ChunkEntry",
    "Codec",
    "ContainerFile",
    "Kind",
    "Root",
    "Run",
    "RunEntry",
    "Segment",
    "SharedChunk",
    "TileChunk",
    "json_chunks",
    "open_file",
    "with_chunk",
    "with_tiles_ordered",
    "write_file",
]
