"""Cuts of one order: by share, by price, by the share of all worth."""

import numpy as np
import pytest

from splatzip.prune.order import Removal

WORTH = np.array([4, 1, np.inf, 2, 1, 0], np.float32)


@pytest.fixture
def removal() -> Removal:
    return Removal.by(WORTH)


def test_the_least_worth_goes_first_and_of_equal_worth_the_lower_row_stays(removal):
    assert removal.order.tolist() == [5, 4, 1, 3, 0, 2]
    assert removal.price.tolist() == [0, 1, 1, 2, 4, np.inf]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_first_to_go_are_those_of_the_whole_order(removal, count):
    first = Removal.first(WORTH, count)
    assert first.order.tolist() == removal.order[:count].tolist()
    assert first.price.tolist() == removal.price[:count].tolist()


def test_a_share_keeps_the_last_to_go_and_never_nothing(removal):
    assert removal.keeping(0.5).tolist() == [0, 2, 3]
    assert removal.keeping(0).tolist() == [2]
    assert Removal.by(WORTH[3:]).keeping(0).tolist() == [0]


def test_a_splat_goes_when_its_bits_cost_as_much_as_it_is_worth(removal):
    assert removal.above(1).tolist() == [0, 2, 3]
    assert removal.above(0.99).tolist() == [0, 1, 2, 3, 4]
    assert removal.above(1e9).tolist() == [2]
    assert removal.above([9, 0.5, 9, 9, 1, 0]).tolist() == [1, 2]


def test_a_price_higher_than_every_splat_leaves_the_last():
    assert Removal.by(WORTH[3:]).above(9).tolist() == [0]
    assert Removal.by(WORTH[3:]).above([9, 9, 9]).tolist() == [0]


def test_the_fewest_stay_that_hold_a_share_of_the_finite_worth(removal):
    assert removal.holding(0.76).tolist() == [0, 1, 2, 3]  # 4 + 2 of 8 are 0.75
    assert removal.holding(0.75).tolist() == [0, 2, 3]
    assert removal.holding(1).tolist() == [0, 1, 2, 3, 4]


def test_where_nothing_is_worth_anything_nothing_says_what_may_go():
    assert Removal.by(np.zeros(3, np.float32)).holding(0.5).tolist() == [0, 1, 2]
    assert Removal.by(np.array([0, np.inf], np.float32)).holding(0.5).tolist() == [0, 1]
