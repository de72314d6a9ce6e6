"""The tiles of the last tier, most missed first."""

from __future__ import annotations

import numpy as np
import pytest

from splatzip import Camera, Profile, Scene, decompress
from splatzip.container import open_file
from splatzip.encode import encode
from splatzip.optimize.tile_order import Options, most_missed_first
from splatzip.quantize import stepped
from splatzip.raster.rasterize import Rasterizer
from splatzip.views import orbit_views


@pytest.fixture(scope="module")
def made() -> tuple[Scene, bytes, list[Camera], list[np.ndarray]]:
    """Four heaps in a row, of which the third has colours that what stands in for it does not know."""
    random = np.random.default_rng(5)
    heap = np.repeat(np.arange(4), 150)
    positions = random.normal(0, 0.2, (600, 3)) + np.stack([3.0 * heap, 0 * heap, 0 * heap], 1)
    sh = np.full((600, 1, 3), 0.2)
    sh[heap == 2] = random.choice([-1.7, 1.7], (150, 1, 1))
    scene = Scene(positions, np.full((600, 3), -2.5), np.tile([1.0, 0, 0, 0], (600, 1)), np.full(600, 2.0), sh)
    tiers = (np.arange(600) % 10 > 0).astype(np.uint8)
    file = encode(scene, Profile("fast", stepped.Options(0.0, tile_splats=135)), tiers=tiers)
    whole = decompress(file)
    cameras = [camera.scaled(0.2) for camera in orbit_views(whole).cameras[:6]]
    rasterizer = Rasterizer(whole)
    return whole, file, cameras, [rasterizer.render(camera).color for camera in cameras]


def test_the_tile_that_stand_ins_show_worst_comes_first(made: tuple) -> None:
    whole, file, cameras, targets = made
    opened = open_file(file)
    (run,) = (run for run in opened.runs if (run.entry.tier, run.entry.layer) == (1, 0))
    assert len(run.chunks) == 4
    (third,) = (c.tile for c in run.chunks if c.box[0][0] > 4 and c.box[1][0] < 8)
    order = most_missed_first(whole, opened, cameras, targets)
    assert order[0] == third
    assert sorted(order) == [c.tile for c in run.chunks]


def test_where_tiles_are_many_they_stay_as_they_are(made: tuple) -> None:
    whole, file, cameras, targets = made
    assert most_missed_first(whole, open_file(file), cameras, targets, Options(most_tiles=3)) == []


def test_a_file_of_one_tier_stays_as_it_is(made: tuple) -> None:
    whole, _, cameras, targets = made
    one = encode(whole, Profile("fast", stepped.Options(0.0)), tiers=np.zeros(len(whole), np.uint8))
    assert most_missed_first(decompress(one), open_file(one), cameras, targets) == []
