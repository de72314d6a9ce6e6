"""The tiles of a tier in another order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from splatzip import CorruptError, Profile, Scene, decompress, info, verify
from splatzip.container import open_file, with_tiles_ordered
from splatzip.encode import encode
from splatzip.quantize.stepped import Options


@pytest.fixture(scope="module")
def file() -> bytes:
    """Two tiers, the second of four tiles."""
    random = np.random.default_rng(3)
    arrays = [random.normal(size=(400, width)) for width in (3, 3, 4)]
    scene = Scene(*arrays, random.normal(size=400), random.normal(size=(400, 4, 3)))
    tiers = (np.arange(400) % 10 > 0).astype(np.uint8)
    return encode(scene, Profile("fast", Options(-1.0, tile_splats=100)), tiers=tiers)


def tiles_of(file: bytes, tier: int) -> list[int]:
    return next(
        [c.tile for c in run.chunks] for run in open_file(file).runs if (run.entry.tier, run.entry.layer) == (tier, 0)
    )


def test_the_same_splats_come_in_another_order(file: bytes) -> None:
    tiles = tiles_of(file, 1)
    assert len(tiles) == 4
    order = [tiles[2], tiles[0], tiles[3], tiles[1]]
    moved = with_tiles_ordered(file, 1, order)
    verify(moved)
    assert len(moved) == len(file)
    assert info(moved)["attributes"] == info(file)["attributes"]
    assert tiles_of(moved, 1) == tiles
    before, after = decompress(file), decompress(moved)
    sizes = {c.tile: c.splats for run in open_file(file).runs for c in run.chunks if run.entry.tier == 1}
    rows = np.split(np.arange(len(before)), np.cumsum([len(before) - sum(sizes.values()), *sizes.values()])[:-1])
    expected = before.take(np.concatenate([rows[0], *(rows[1 + tiles.index(tile)] for tile in order)]))
    assert not np.array_equal(before.positions, after.positions)
    assert all(np.array_equal(values, after.arrays()[name]) for name, values in expected.arrays().items())


def test_the_order_that_there_is_changes_nothing_but_that_boxes_grow_a_little(file: bytes) -> None:
    same = with_tiles_ordered(file, 1, tiles_of(file, 1))
    before, after = open_file(file), open_file(same)
    step = np.subtract(*reversed(before.root.box)) / 65535
    for run, other in zip(before.runs, after.runs, strict=True):
        for chunk, again in zip(run.chunks, other.chunks, strict=True):
            assert replace(again, box=chunk.box, offset=chunk.offset) == chunk
            grown = np.abs(np.subtract(again.box, chunk.box))
            assert (grown <= 1.5 * step).all()
    assert len(same) == len(file)


def test_other_tiles_than_the_tier_has_are_refused(file: bytes) -> None:
    with pytest.raises(ValueError, match="tier 1 has other tiles"):
        with_tiles_ordered(file, 1, tiles_of(file, 1)[:-1])


def test_a_damaged_file_is_not_made_whole(file: bytes) -> None:
    with pytest.raises(CorruptError):
        with_tiles_ordered(file[:-3] + b"xxx", 1, tiles_of(file, 1))
