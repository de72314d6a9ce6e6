"""Tiers of a file: which splats come first, what that costs, and what every prefix of the file is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from splatzip import Profile, Scene, SceneMeta, decompress, load
from splatzip.container import Kind, open_file
from splatzip.encode import encode
from splatzip.stream import tiers

CHAIR = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair" / "point_cloud.ply"


@pytest.fixture(scope="module")
def chair() -> Scene:
    return load(CHAIR)


@pytest.fixture(scope="module")
def file(chair: Scene) -> bytes:
    return encode(chair, Profile.preset_named("fast"))


def test_the_most_important_splats_come_first_and_the_last_tier_has_most() -> None:
    importance = np.random.default_rng(0).random(100_000)
    found = tiers.by_importance(importance)
    assert np.bincount(found).tolist() == [1500, 4000, 94_500]
    assert importance[found == 0].min() > importance[found == 1].max()
    assert importance[found == 1].min() > importance[found == 2].max()


@pytest.mark.parametrize(
    ("splats", "sizes"), [(1, [1]), (6000, [6000]), (10_000, [550, 9450]), (30_000, [450, 1200, 28_350])]
)
def test_no_tier_has_fewer_splats_than_are_worth_one(splats: int, sizes: list[int]) -> None:
    assert np.bincount(tiers.by_importance(np.arange(splats))).tolist() == sizes


def test_the_middle_of_a_scene_comes_before_its_edges(file: bytes) -> None:
    scene, first = decompress(file), 0
    middle = np.median(scene.positions, axis=0)
    for run in open_file(file).runs:
        away = []  # of the splats of each tile, in the order of the file
        for chunk in run.chunks if run.entry.layer == 0 else ():
            own = scene.positions[first : first + chunk.splats]
            away.append(float(np.linalg.norm(own - middle, axis=1).mean()))
            first += chunk.splats
        assert np.all(np.diff(away) > -0.02)  # a tier's own middle is not quite the scene's
    assert first == len(scene)


def test_the_large_and_opaque_come_first_more_often_and_those_in_a_crowd_less() -> None:
    kinds = ("alone", "large", "faint", "crowd")
    n = 1000  # of each
    log_scales = np.zeros((4 * n, 3), np.float32)
    log_scales[n : 2 * n] = 1
    logits = np.zeros(4 * n, np.float32)
    logits[2 * n : 3 * n] = -2
    positions = np.zeros((4 * n, 3), np.float32)
    positions[: 3 * n, 0] = 50 * np.arange(1, 3 * n + 1)
    scene = Scene(
        positions, log_scales, np.tile(np.array([1, 0, 0, 0], np.float32), (4 * n, 1)), logits,
        np.zeros((4 * n, 1, 3), np.float32),
    )  # fmt: skip
    first = tiers.by_importance(tiers.importance(scene), (0.2,)) == 0
    count = {kind: int(first[i * n : (i + 1) * n].sum()) for i, kind in enumerate(kinds)}
    assert count["large"] > 1.5 * count["alone"]
    assert count["alone"] > 1.5 * count["faint"]
    assert count["alone"] > 4 * count["crowd"]
    assert all(count[kind] > 10 for kind in kinds[:3])


def test_importance_is_finite_for_whatever_a_scene_may_hold(chair: Scene) -> None:
    wild = chair.take(np.arange(8))
    wild.positions[:] = np.float32(1e30)
    wild.log_scales[::2] = -3e38
    wild.log_scales[1::2] = 3e38
    wild.opacity_logits[:4] = np.inf
    wild.opacity_logits[4:] = -np.inf
    assert np.isfinite(tiers.importance(wild)).all()


def test_geometry_of_all_tiers_comes_before_any_sh_and_tables_before_who_needs_them(file: bytes) -> None:
    opened = open_file(file)
    runs = [(run.entry.layer, run.entry.tier) for run in sorted(opened.runs, key=lambda run: run.entry.offset)]
    assert runs == sorted(runs)
    assert len(runs) == 6
    at = {(run.entry.tier, run.entry.layer): run.entry.offset for run in opened.runs}
    tables = {shared.id: shared.offset for shared in opened.shared if shared.kind == Kind.TABLES}
    assert tables[0] < at[0, 0] < tables[1] < at[0, 1]
    assert all(at.get((tier - 1, 0), 0) < tables[2 + tier] < at[tier, 0] for tier in range(3))


def test_a_tile_has_one_tier_and_its_box_holds_its_splats(file: bytes) -> None:
    opened, whole = open_file(file), decompress(file)
    tiles = [chunk.tile for run in opened.runs if run.entry.layer == 0 for chunk in run.chunks]
    assert len(tiles) == len(set(tiles))
    row = 0
    for run in (run for run in opened.runs if run.entry.layer == 0):
        for chunk in run.chunks:
            own = whole.positions[row : row + chunk.splats]
            low, high = np.array(chunk.box)
            assert (own >= low - 1e-6).all()
            assert (own <= high + 1e-6).all()
            row += chunk.splats


def test_tiers_cost_at_most_two_per_cent(chair: Scene, file: bytes) -> None:
    in_one = encode(chair, Profile.preset_named("fast"), tiers=np.zeros(len(chair), np.uint8))
    assert len(file) < 1.02 * len(in_one)


def test_the_first_picture_takes_few_bytes_and_has_splats_everywhere(chair: Scene, file: bytes) -> None:
    opened = open_file(file)
    first = next(run.entry for run in opened.runs if (run.entry.tier, run.entry.layer) == (0, 0))
    end = first.offset + first.size
    assert end < 0.03 * len(file)
    part = decompress(file[:end], strict=False)
    spans = np.ptp(np.quantile(part.positions, (0.02, 0.98), axis=0), axis=0)
    np.testing.assert_allclose(spans, np.ptp(np.quantile(chair.positions, (0.02, 0.98), axis=0), axis=0), rtol=0.2)


@pytest.mark.parametrize("preset", ["fast", "lossless"])
def test_where_to_look_from_comes_before_the_first_picture(chair: Scene, preset: str) -> None:
    facts = SceneMeta(title="Chair", camera={"position": [0.0, 1.0, 2.0]})
    opened = open_file(encode(chair.take(np.arange(500)).edited(meta=facts), Profile.preset_named(preset)))
    meta = next(entry for entry in opened.shared if entry.kind == Kind.META)
    assert meta.offset < min(run.entry.offset for run in opened.runs)


@pytest.mark.parametrize(("preset", "most"), [("fast", 3000), ("lossless", 2500)])
def test_early_tiers_come_in_four_tiles_unless_they_are_small(chair: Scene, preset: str, most: int) -> None:
    given = np.repeat(np.arange(3, dtype=np.uint8), (2400, 12_000, len(chair) - 14_400))
    opened = open_file(encode(chair, Profile.preset_named(preset), tiers=given))
    tiles = {run.entry.tier: [c.splats for c in run.chunks] for run in opened.runs if run.entry.layer == 0}
    assert tiles[0] == [2400]
    assert tiles[1] == [min(most, 12_000 - at) for at in range(0, 12_000, most)]
    assert (max(tiles[2]) > most) == (preset == "fast")  # bits of floats: small tiles throughout
