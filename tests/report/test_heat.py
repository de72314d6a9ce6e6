"""Error maps on their own; what becomes of them on a page is tested with the page."""

from __future__ import annotations

import numpy as np

import splatzip
from splatzip.report.heat import STOPS


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
