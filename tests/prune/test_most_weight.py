"""Most weight: what is nowhere a good part of a pixel goes."""

import numpy as np

from splatzip.prune import most_weight
from splatzip.raster import score


def test_those_stay_that_weigh_more_than_the_threshold_in_some_pixel(chair, cameras):
    weights = score(chair, cameras[:3], what={"weight"}).most_weight
    rows = most_weight.prune(chair, cameras[:3], most_weight.Options(threshold=0.05, keep_unseen=False))
    np.testing.assert_array_equal(rows, np.flatnonzero(weights > 0.05))
    assert 0.1 < len(rows) / len(chair) < 0.9


def test_what_no_view_sees_stays_unless_told_otherwise(chair, cameras):
    unseen = np.flatnonzero(score(chair, cameras[:1], what={"weight"}).most_weight == 0)
    assert len(unseen)
    kept = most_weight.prune(chair, cameras[:1])
    dropped = most_weight.prune(chair, cameras[:1], most_weight.Options(keep_unseen=False))
    assert set(kept) - set(dropped) <= set(unseen)
    assert not set(dropped) & set(unseen)
    assert set(kept) > set(dropped)
