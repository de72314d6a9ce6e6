"""Error maps on their own; what becomes of them on a page is tested with the page."""

from __future__ import annotations

import numpy as np
import pytest

import splatzip
from splatzip.report.heat import MOST_LEVELS, STOPS, colours, full_scale


def test_an_error_map_is_black_where_pictures_agree_and_lightest_at_full_scale():
    ref = np.zeros((2, 2, 3), np.float32)
    test = ref.copy()
    test[0, 0] = 16 / 255
    test[1, 1] = 4 / 255
    drawn = splatzip.error_map(ref, test, full_levels=16).astype(int)
    darkest, lightest = ([int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in (STOPS[0], STOPS[-1]))
    assert drawn[0, 1].tolist() == darkest
    assert np.abs(drawn[0, 0] - lightest).max() <= 3
    assert darkest < drawn[1, 1].tolist() < drawn[0, 0].tolist()  # an error of a quarter is half of the way


@pytest.mark.parametrize("full_levels", [1, 16, 64])
def test_a_quarter_of_full_scale_is_half_way_to_the_lightest_colour(full_levels):
    codes = np.rint(255 * np.sqrt(full_levels * np.array([1 / 4, 1]) / MOST_LEVELS)).astype(np.uint8)
    half, full = colours(codes[None], full_levels)[0].astype(int)
    middle, lightest = ([int(STOPS[stop][i : i + 2], 16) for i in (1, 3, 5)] for stop in (4, 8))
    assert np.abs(half - middle).max() <= 8  # a step of the map
    assert np.abs(full - lightest).max() <= 8


def test_a_map_has_few_colours():
    every = np.arange(256, dtype=np.uint8)[None]
    assert 40 <= len(np.unique(colours(every, MOST_LEVELS)[0], axis=0)) <= 64


def test_full_scale_is_the_power_of_two_that_nearly_all_errors_stay_below():
    def scale_of(*levels: float, share: float = 1.0) -> float:
        counts = np.zeros(256, np.int64)
        counts[0] = 100_000  # pixels that agree do not count
        for level in levels:
            counts[round(255 * (level / MOST_LEVELS) ** 0.5)] += round(1000 * share)
        return full_scale(counts)

    assert scale_of() == 1
    assert scale_of(0.1) == 1
    assert scale_of(3.0) == 4
    assert scale_of(4.0) == 4
    assert scale_of(5.0) == 8
    assert scale_of(64.0) == 64
    few = np.zeros(256, np.int64)
    few[[30, 255]] = 999, 1  # one in a thousand
    assert full_scale(few) == 1
