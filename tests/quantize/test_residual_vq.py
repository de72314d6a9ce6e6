"""SH from codebooks of stages: what more of them buys, and what may not happen on odd scenes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from splatzip import Profile, Scene, SplatzipError, compress, decompress
from splatzip.container import Kind, open_file
from splatzip.encode import encode
from splatzip.quantize import residual_vq, stepped

Coded = Callable[..., tuple[float, float, Scene]]


def test_each_stage_brings_sh_closer_at_more_bits(chair: Scene, coded: Coded) -> None:
    points = [coded(chair, residual_vq.Options(stages, 32))[:2] for stages in (1, 2, 4)]
    assert points[0][0] < points[1][0] < points[2][0]
    assert points[0][1] > 1.03 * points[1][1] > 1.03**2 * points[2][1]


def test_a_price_makes_indices_cheaper_and_errors_larger(chair: Scene, coded: Coded) -> None:
    free = coded(chair, residual_vq.Options(2, 64, price=0.0))
    dear = coded(chair, residual_vq.Options(2, 64, price=1.0))
    assert dear[0] < 0.5 * free[0]
    assert dear[1] > free[1]


def test_entries_that_repeat_are_found_exactly(chair: Scene, coded: Coded) -> None:
    """Where SH takes few values, each has an entry of its own: what is left is a quarter step's rounding."""
    few = np.random.default_rng(0).normal(0, 0.2, (5, 15, 3)).astype(np.float32)
    sh = np.concatenate([chair.sh[:, :1], few[np.arange(len(chair)) % 5]], axis=1)
    _, exact, _ = coded(chair.edited(sh=sh), residual_vq.Options(2, 256, price=0.0))
    assert exact < 0.02 * float((few**2).mean())


def test_geometry_and_colour_are_those_of_scalar_coding(chair: Scene, coded: Coded) -> None:
    scalar, booked = coded(chair, None)[2], coded(chair, residual_vq.Options())[2]
    for name in ("positions", "log_scales", "rotations", "opacity_logits"):
        assert np.array_equal(scalar.arrays()[name], booked.arrays()[name])
    assert np.array_equal(scalar.sh[:, 0], booked.sh[:, 0])


@pytest.mark.parametrize("copies", [1, 2, 500])
def test_equal_splats_encode_and_decode(chair: Scene, coded: Coded, copies: int) -> None:
    scene = chair.take(np.full(copies, 100))
    assert len(coded(scene, residual_vq.Options())[2]) == copies


def test_without_sh_above_degree_0_there_are_no_codebooks(chair: Scene) -> None:
    bare = chair.edited(sh=chair.sh[:, :1])
    booked, scalar = (
        encode(bare, Profile("fast", stepped.Options(-1.0, sh_books=books))) for books in (residual_vq.Options(), None)
    )
    assert booked == scalar


def test_lost_codebooks_cost_the_sh_and_nothing_else(chair: Scene) -> None:
    data = bytearray(encode(chair, Profile("fast", stepped.Options(-1.0, sh_books=residual_vq.Options(1, 16)))))
    entry = next(s for s in open_file(bytes(data)).shared if s.kind == Kind.CODEBOOKS)
    data[entry.offset] ^= 1
    part = decompress(bytes(data), strict=False)
    assert len(part) == len(chair)
    assert not part.sh[:, 1:].any()
    assert any("SH of" in lacking for lacking in part.meta.missing)


def test_a_coding_that_does_not_exist_is_named(chair: Scene) -> None:
    with pytest.raises(SplatzipError, match="there is no coding 'vector' of SH; choose scalar"):
        compress(chair, sh_coding="vector")
    with pytest.raises(SplatzipError, match="lossless quantizes nothing"):
        compress(chair, preset="lossless", sh_coding="residual_vq")


@pytest.mark.parametrize(("stages", "entries"), [(0, 16), (9, 16), (1, 0), (1, 65537)])
def test_what_a_file_cannot_hold_is_refused_at_once(stages: int, entries: int) -> None:
    with pytest.raises(SplatzipError, match=f"{stages} codebooks of {entries} entries are out of range"):
        residual_vq.Options(stages, entries)
