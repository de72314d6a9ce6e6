"""Reorders the tiles of a tier, for an order that is known only once the file has been decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from splatzip.container.reader import ReadRun, open_file
from splatzip.container.writer import Run, SharedChunk, TileChunk, write_file


def with_tiles_ordered(data: bytes, tier: int, tiles: Sequence[int]) -> bytes:
    """The same file with the tiles of a tier in another order, and numbered in that order.

    Boxes are rounded outwards again: they may grow by a step of their grid.

    Args:
        data: a whole file whose tiers have tiles of their own.
        tiles: every tile of the tier, the first one first.
    Raises: FormatError if the file is damaged; ValueError if the tier has other tiles.
    """
    file = open_file(data)
    numbers = dict(zip(tiles, sorted(tiles), strict=True))
    shared = sorted(file.shared, key=lambda entry: entry.offset)

    def payload(offset: int, size: int) -> bytes:
        return bytes(file.data[offset : offset + size])

    def before(offset: int) -> list[SharedChunk]:
        found = []
        while shared and shared[0].offset < offset:
            entry = shared.pop(0)
            found.append(SharedChunk(entry.kind, entry.id, payload(entry.offset, entry.size)))
        return found

    def written(run: ReadRun) -> Run:
        chunks = [TileChunk(c.tile, c.splats, c.box, payload(c.offset, c.size)) for c in run.chunks]
        if run.entry.tier == tier:
            if {chunk.tile for chunk in chunks} != set(tiles):
                raise ValueError(f"tier {tier} has other tiles")
            chunks = sorted((replace(chunk, tile=numbers[chunk.tile]) for chunk in chunks), key=lambda c: c.tile)
        return Run(run.entry.tier, run.entry.layer, chunks, before(run.entry.offset))

    runs = [written(run) for run in sorted(file.runs, key=lambda run: run.entry.offset)]
    return write_file(file.root, runs, before(len(data)))
