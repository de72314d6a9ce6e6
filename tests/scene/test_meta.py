"""Facts beside the splats: what a file may say, and what counts as not said."""

from __future__ import annotations

import pytest

from splatzip import SceneMeta

FACTS = SceneMeta(
    antialiased=True,
    axes="RUB",
    up=(0.0, -1.0, 0.0),
    units="m",
    title="Stuhl \N{CHAIR}",
    author="somebody",
    licence="CC0",
    camera={"position": [1.0, 2.0, 3.0], "target": [0, 0, 0], "fov_y_degrees": 50.0},
    comments=("one", "two"),
)


def test_what_is_stored_comes_back():
    assert SceneMeta.from_stored(FACTS.stored()) == FACTS


def test_what_happened_on_the_way_is_not_stored():
    assert SceneMeta(dropped={"NaN": 1}, ignored=("x",), missing=("y",)).stored() == {}


@pytest.mark.parametrize(
    "values",
    [
        {"antialiased": 1},
        {"title": 5},
        {"title": "half a pair \ud800"},
        {"up": [1, 2]},
        {"up": [1, 2, "3"]},
        {"up": [1, 2, True]},
        {"up": [1, 2, float("nan")]},
        {"up": [1, 2, 10**400]},
        {"comments": "one"},
        {"comments": ["one", 2]},
        {"comments": ["one", "\udfff"]},
        {"camera": [1]},
        {"camera": {"fov_y_degrees": float("inf")}},
        {"camera": {"position": {"deep": {}}}},
        {"dropped": {"NaN": 3}},
        {"something": "new"},
    ],
)
def test_what_is_not_what_it_should_be_counts_as_not_said(values):
    assert SceneMeta.from_stored(values) == SceneMeta()
