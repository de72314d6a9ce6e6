"""Local distinctiveness: weights times how a colour stands out on the Morton curve."""

import numpy as np
import pytest

from splatzip import Scene
from splatzip.prune import distinctiveness
from splatzip.raster import score


def row_of_splats(colors: list[float]) -> Scene:
    """Along x, in the order given."""
    count = len(colors)
    return Scene(
        positions=np.array([[x, 0, 0] for x in range(count)], np.float32),
        log_scales=np.zeros((count, 3)),
        rotations=np.tile([1.0, 0, 0, 0], (count, 1)),
        opacity_logits=np.zeros(count),
        sh=np.repeat(np.array(colors, np.float32)[:, None, None], 3, axis=2),
    )


def test_a_distance_is_to_both_neighbours_on_the_curve_whatever_the_order_of_rows():
    scene = row_of_splats([1, 4, 4, 2])
    expected = np.array([3, 3, 2, 2])
    np.testing.assert_array_equal(distinctiveness.color_distances(scene), expected)
    shuffled = np.array([2, 0, 3, 1])
    np.testing.assert_array_equal(distinctiveness.color_distances(scene.take(shuffled)), expected[shuffled])


def test_a_single_splat_has_no_neighbour_to_stand_out_from():
    assert distinctiveness.color_distances(row_of_splats([3])).tolist() == [0]


def test_a_score_is_the_weight_times_the_squared_distance(chair, cameras):
    removal = distinctiveness.order(chair, cameras[:2], distinctiveness.Options(keep_unseen=False))
    expected = score(chair, cameras[:2], what={"weight"}).weight * distinctiveness.color_distances(chair) ** 2
    np.testing.assert_allclose(removal.price[np.argsort(removal.order)], expected, rtol=1e-6)


def test_those_that_stay_hold_the_share_of_all_scores_and_one_fewer_would_not(chair, cameras):
    options = distinctiveness.Options(holding=0.96, keep_unseen=False)
    removal = distinctiveness.order(chair, cameras[:2], options)
    rows = distinctiveness.prune(chair, cameras[:2], options)
    held = np.cumsum(removal.price[::-1]) / removal.price.sum()
    assert held[len(rows) - 1] >= 0.96 > held[len(rows) - 2]


@pytest.mark.parametrize("holding", [0.98, 0.999])
def test_a_larger_share_keeps_more(chair, cameras, holding):
    few, more = (distinctiveness.prune(chair, cameras[:2], distinctiveness.Options(h)) for h in (0.96, holding))
    assert set(few) < set(more)
