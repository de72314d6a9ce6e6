"""What stands in for splats that are still to come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from splatzip import Camera, Profile, Scene, Views, decompress, load, orbit_views
from splatzip.container import Kind, Run, SharedChunk, TileChunk, open_file, write_file
from splatzip.encode import encode
from splatzip.optimize import compensation as fitting
from splatzip.quality import SourcePictures
from splatzip.quantize import stepped
from splatzip.raster import render
from splatzip.stream import tiers as tiering
from splatzip.stream.compensation import Compensation, closed_form

CHAIR = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair" / "point_cloud.ply"
PROFILE = Profile("fast", stepped.Options(0.0, tile_splats=3000))


def tiers_of(scene: Scene) -> NDArray[np.uint8]:
    return tiering.by_importance(tiering.importance(scene), (0.03, 0.1))


@pytest.fixture(scope="module")
def chair() -> Scene:
    whole = load(CHAIR)
    return whole.take(np.arange(0, len(whole), 2))


@pytest.fixture(scope="module")
def file(chair: Scene) -> bytes:
    return encode(chair, PROFILE, tiers=tiers_of(chair))


def layer_0(file: bytes) -> list[tuple[int, int, list[int]]]:
    """Tier, end of the run, splats of its chunks."""
    runs = [run for run in open_file(file).runs if run.entry.layer == 0]
    return [(run.entry.tier, run.entry.offset + run.entry.size, [c.splats for c in run.chunks]) for run in runs]


def few_cameras(scene: Scene) -> list[Camera]:
    return [camera.scaled(0.2) for camera in orbit_views(scene).cameras[::3]]


def without_tiers_chunk(file: bytes, payload: bytes | None = None) -> bytes:
    """The same file; `payload` in place of what it says of tiers, or nothing."""
    opened = open_file(file)
    shared = [
        SharedChunk(s.kind, s.id, bytes(opened.shared_payload(Kind(s.kind), s.id) or b""))
        for s in opened.shared
        if s.kind != Kind.TIERS
    ]
    if payload is not None:
        shared.insert(0, SharedChunk(Kind.TIERS, 0, payload))
    runs = [
        Run(
            run.entry.tier,
            run.entry.layer,
            [TileChunk(c.tile, c.splats, c.box, file[c.offset : c.offset + c.size]) for c in run.chunks],
            [] if number else shared,
        )
        for number, run in enumerate(opened.runs)
    ]
    return write_file(replace(opened.root, shared=(), runs=(), indexes=()), runs)


def test_fewer_splats_are_widened_more() -> None:
    scales = np.zeros((1000, 3), np.float32)
    found = closed_form(np.repeat(np.arange(4, dtype=np.uint8), (20, 80, 300, 600)), scales)
    assert len(found.widen) == len(found.strengthen) == len(found.blur) == 3
    assert found.widen[0] > found.widen[1] > found.widen[2]
    assert found.blur[0] > found.blur[1] > found.blur[2]
    assert closed_form(np.zeros(1000, np.uint8), scales) == Compensation()


@pytest.mark.parametrize("strengthen", [0.5, 1.0, 3.0])
def test_opacity_is_that_of_so_many_splats_one_behind_the_other(strengthen: float) -> None:
    logits = np.array([-np.inf, -30, -9, -1, 0, 2, 12, 30, np.inf], np.float32)
    wider, stronger = Compensation((0.25,), (strengthen,)).stand_in(0, np.zeros((9, 3), np.float32), logits)
    assert (wider == 0.25).all()

    def transparency(x: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(x.astype(float)))

    np.testing.assert_allclose(transparency(stronger[2:-2]), transparency(logits[2:-2]) ** strengthen, rtol=1e-4)
    assert stronger[[0, 1, -2, -1]].tolist() == logits[[0, 1, -2, -1]].tolist()


def test_small_splats_grow_more_than_large_ones_and_all_are_blurred() -> None:
    told = Compensation((0.5,), (2.0,), (np.log(3.0),), (0.0, -0.1, -0.5), (-0.2, 0.0))
    scales = np.array([[0, -20, 2], [-2, -20, -2], [50, -20, 50], [0, 0, -20]], np.float32)
    logits = np.array([25, 25, 25, 0], np.float32)
    wider, stronger = told.stand_in(0, scales, logits)
    # Sizes 1, -2, 3 (at most) and 0; logarithms of opacity 0, 0, 0 and -ln 2.
    widen = np.array([0.5 - 0.1, 0.5 + 0.2, 0.5 - 0.3, 0.5 + 0.2 * np.log(2)])
    expected = np.log(np.exp(2 * (scales + widen[:, None])) + 9) / 2
    np.testing.assert_allclose(wider, expected, rtol=1e-5)
    assert 1 / (1 + np.exp(-stronger[3])) == pytest.approx(1 - 0.5**2, rel=1e-5)


def test_a_prefix_of_whole_tiers_is_decoded_with_that_tiers_compensation(file: bytes) -> None:
    whole, stored = decompress(file), Compensation.of(open_file(file))
    assert len(stored.widen) == 2
    for tier, end, _ in layer_0(file)[:-1]:
        part = decompress(file[:end], strict=False)
        rows = slice(0, len(part))
        wider, stronger = stored.stand_in(tier, whole.log_scales[rows], whole.opacity_logits[rows])
        assert part.log_scales.tobytes() == wider.tobytes()
        assert part.opacity_logits.tobytes() == stronger.tobytes()
        assert part.positions.tobytes() == whole.positions[rows].tobytes()
        assert any("stand in" in line for line in part.meta.missing)


def test_once_all_geometry_is_there_nothing_stands_in(file: bytes) -> None:
    whole = decompress(file)
    part = decompress(file[: layer_0(file)[-1][1]], strict=False)
    for name in ("positions", "log_scales", "rotations", "opacity_logits"):
        assert getattr(part, name).tobytes() == getattr(whole, name).tobytes()
    assert not part.sh[:, 1:].any()


def test_splats_stand_in_only_where_tiles_are_lacking(file: bytes) -> None:
    opened, whole = open_file(file), decompress(file)
    last = next(run for run in opened.runs if (run.entry.tier, run.entry.layer) == (2, 0))
    assert len(last.chunks) > 2
    half = last.chunks[len(last.chunks) // 2]
    part = decompress(file[: half.offset], strict=False)
    early = sum(sum(splats) for _, _, splats in layer_0(file)[:2])
    wider = (part.log_scales != whole.log_scales[: len(part)]).any(axis=1)
    assert not wider[early:].any()
    inside = np.zeros(early, bool)
    for chunk in last.chunks:
        if chunk.offset >= half.offset:
            low, high = chunk.box
            inside |= ((part.positions[:early] >= low) & (part.positions[:early] <= high)).all(axis=1)
    assert 0 < inside.sum() < early
    np.testing.assert_array_equal(wider[:early], inside)


@pytest.mark.parametrize(
    "payload",
    [
        None,
        b"{}",
        b'{"widen":[1],"strengthen":[1]}',
        b'{"widen":[1,99],"strengthen":[1,1]}',
        b'{"widen":[1,"a"],"strengthen":[1,1]}',
        b'{"widen":[1,1],"strengthen":[1,1],"blur":[1]}',
        b'{"widen":[1,1],"strengthen":[1,1],"by_size":[0,2,0]}',
        b'{"widen":[1,1],"strengthen":[1,1],"by_opacity":"much"}',
        b"no JSON",
    ],
)
def test_without_a_word_on_tiers_a_part_is_what_the_whole_has(file: bytes, payload: bytes | None) -> None:
    silent = without_tiers_chunk(file, payload)
    whole = decompress(silent)
    part = decompress(silent[: layer_0(silent)[0][1]], strict=False)
    assert part.log_scales.tobytes() == whole.log_scales[: len(part)].tobytes()
    assert part.opacity_logits.tobytes() == whole.opacity_logits[: len(part)].tobytes()


def test_pictures_of_a_prefix_come_closer_with_it(file: bytes) -> None:
    whole = decompress(file)
    pictures = SourcePictures(whole, Views(few_cameras(whole)))
    silent = without_tiers_chunk(file)
    for (_, end, _), (_, bare, _) in zip(layer_0(file)[:-1], layer_0(silent)[:-1], strict=True):
        compensated = pictures.psnr(decompress(file[:end], strict=False))
        assert compensated > pictures.psnr(decompress(silent[:bare], strict=False)) + 1


def test_fitted_numbers_come_closer_than_the_splats_themselves_and_are_the_same_from_any_threads(chair: Scene) -> None:
    tiers = tiers_of(chair)
    cameras = few_cameras(chair)
    targets = [render(chair, camera).color for camera in cameras]

    def errors(found: Compensation) -> list[float]:
        sums = []
        for tier in range(len(found.widen)):
            there = chair.take(np.flatnonzero(tiers <= tier))
            wider, stronger = found.stand_in(tier, there.log_scales, there.opacity_logits)
            shown = there.edited(log_scales=wider, opacity_logits=stronger)
            sums.append(
                sum(float(np.square(render(shown, c).color - t).mean()) for c, t in zip(cameras, targets, strict=True))
            )
        return sums

    one, two = (fitting.fit(chair, tiers, cameras, targets, fitting.Options(views=3), threads=t) for t in (1, 2))
    assert one == two
    itself = Compensation((0.0, 0.0), (1.0, 1.0))
    assert all(a < 0.7 * b for a, b in zip(errors(one), errors(itself), strict=True))
