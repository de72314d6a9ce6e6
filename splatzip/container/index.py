"""What a .splatz file holds: the root, the directories and the keys of its chunks, as plain records.

    stream, quantize, entropy -> [container] -> bytes

Chunks of the scene are keyed (segment, tile, tier, layer); chunks that belong to no tile (kind, id). A run is one
(segment, tier, layer): a directory, then its chunks in the order of their tiles. Bitstream: docs/FORMAT.md 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass

Box = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class SharedEntry:
    """A chunk with a (kind, id) key; `offset` counts from the end of the index blocks."""

    kind: int
    id: int
    offset: int
    size: int
    crc: int


@dataclass(frozen=True)
class ChunkEntry:
    """A chunk of one tile, tier and layer; `offset` counts from the start of the file."""

    tile: int
    splats: int
    offset: int
    size: int
    crc: int
    box: Box


@dataclass(frozen=True)
class RunEntry:
    """A run as the root lists it; its chunks follow its directory without a gap.

    `offset` counts from the end of the index blocks.
    """

    segment: int
    tier: int
    layer: int
    offset: int
    directory_size: int
    directory_crc: int
    size: int  # directory and chunks together


@dataclass(frozen=True)
class Segment:
    """A span of time. A static scene has one: duration 0, predicted from nothing."""

    duration_us: int = 0
    predicted_from: int = 0  # 0: none, else 1 + the number of a segment


@dataclass(frozen=True)
class IndexEntry:
    """A block of more root entries, for what does not fit into the root; the blocks follow the root in order."""

    size: int
    crc: int


@dataclass(frozen=True)
class Root:
    """The table of contents."""

    codec: int
    splats: int
    sh_degree: int
    tiers: int
    layers: int
    origin: tuple[float, float, float]
    box: Box
    segments: tuple[Segment, ...] = (Segment(),)
    shared: tuple[SharedEntry, ...] = ()
    runs: tuple[RunEntry, ...] = ()
    indexes: tuple[IndexEntry, ...] = ()
