"""SH from codebooks of parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from splatzip import Scene
from splatzip.quantize import sub_vector_vq

Coded = Callable[..., tuple[float, float, Scene]]


def test_parts_cover_the_row_once() -> None:
    for width in (9, 24, 45, 72):
        for parts in range(1, 9):
            covered = [d for a, n, _ in sub_vector_vq.Options(parts, 4).plan(width) for d in range(a, a + n)]
            assert covered == list(range(width))


def test_each_part_that_a_row_is_cut_into_brings_sh_closer(chair: Scene, coded: Coded) -> None:
    errors = [coded(chair, sub_vector_vq.Options(parts, 64, price=0.0))[1] for parts in (1, 3, 8)]
    assert errors[0] > 1.03 * errors[1] > 1.03**2 * errors[2]


@pytest.mark.parametrize("entries", [2, 255, 256, 257, 3000])
def test_books_of_any_size_come_back(chair: Scene, coded: Coded, entries: int) -> None:
    bits, _, decoded = coded(chair, sub_vector_vq.Options(2, entries, price=0.0))
    assert np.isfinite(decoded.sh).all()
    of_books = 45 * entries * 6 / len(chair)
    assert bits <= 2 * np.log2(entries) + 0.5 + of_books
