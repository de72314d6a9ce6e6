"""Which views a page shows, how their pictures fit into it, and what the colours of an error map say."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from splatzip.report.comparison import Comparison, ViewComparison
from splatzip.report.heat import colours, error_codes, full_scale
from splatzip.report.pictures import ViewPictures, chosen_views, picture_entries


def seen(psnr: list[float]) -> Comparison:
    return Comparison(tuple(ViewComparison(f"{i}", value, 1.0) for i, value in enumerate(psnr)), 1, 1)


def decoded(uri: str) -> np.ndarray:
    head, _, text = uri.partition(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))


def test_few_views_are_all_shown_worst_first() -> None:
    order, note = chosen_views([seen([40, 30, 50]), seen([40, 36, 44])], 12)
    assert (order, note) == ([1, 0, 2], "All 3 views are shown, worst first.")


@pytest.mark.parametrize("total", [13, 14, 15, 24, 100])
@pytest.mark.parametrize("most", [3, 4, 12])
def test_of_many_views_the_worst_the_middle_and_the_best_are_shown(total: int, most: int) -> None:
    order, note = chosen_views([seen([float(i) for i in range(total)])], most)
    assert len(order) == len(set(order)) == most
    assert order == sorted(order)
    assert (order[0], order[-1]) == (0, total - 1)
    assert any(abs(i - (total - 1) / 2) <= 3 for i in order)
    assert note.startswith(f"{most} of {total} views are shown")


def test_pictures_are_the_rendered_ones_bit_for_bit_where_they_fit(sample) -> None:
    entries, _, note = picture_entries(sample.comparisons, sample.arguments["take_pictures"], budget_bytes=10**6)
    assert [entry["view"] for entry in entries] == [1, 0, 2]
    assert note.endswith("losslessly.")
    ref = np.rint(255 * sample.painted(1)).astype(np.uint8)
    test = np.rint(255 * np.clip(sample.painted(1, 4 / 255), 0, 1)).astype(np.uint8)
    np.testing.assert_array_equal(decoded(entries[0]["ref"]), ref)
    np.testing.assert_array_equal(decoded(entries[0]["tests"][1]), test)


def test_pictures_that_do_not_fit_lose_detail_and_the_page_says_so(sample) -> None:
    entries, _, whole = picture_entries(sample.comparisons, sample.arguments["take_pictures"], budget_bytes=10**6)

    def size() -> int:
        return sum(len(uri) for e in entries for uri in (e["ref"], e["photo"], *e["tests"], *e["errors"])) * 3 // 4

    budget = size() // 3
    entries, _, note = picture_entries(sample.comparisons, sample.arguments["take_pictures"], budget_bytes=budget)
    assert size() <= 1.1 * budget
    assert "lossy" in note
    assert note != whole
    assert {entry["width"] for entry in entries} == {64}  # of the view, whatever the picture has


def test_large_pictures_are_fewer() -> None:
    large = np.zeros((1000, 5000, 3), np.float32)
    entries, _, note = picture_entries(
        [seen([float(i) for i in range(9)])], lambda i: ViewPictures(large, [large]), budget_bytes=10**6
    )
    assert [entry["view"] for entry in entries] == [0, 1, 3, 4, 7, 8]
    assert note.startswith("6 of 9 views are shown: the 2 worst, 2 around the median and the 2 best.")


def test_an_error_is_the_root_mean_square_over_the_channels_in_levels_of_255() -> None:
    ref = np.zeros((1, 3, 3), np.float32)
    test = ref.copy()
    test[0, 1] = 8 / 255
    test[0, 2, 0] = 8 / 255
    levels = 64 * (error_codes(ref, test) / 255.0) ** 2
    np.testing.assert_allclose(levels, [[0, 8, 8 / np.sqrt(3)]], atol=0.2)


@pytest.mark.parametrize(("level", "full"), [(0.0, 1), (0.3, 1), (3.0, 4), (30.0, 32), (200.0, 64)])
def test_the_scale_of_error_maps_is_the_power_of_two_above_what_is_seen(level: float, full: float) -> None:
    ref = np.zeros((4, 4, 3), np.float32)
    codes = error_codes(ref, ref + np.float32(level / 255))
    assert full_scale(np.bincount(codes.ravel(), minlength=256)) == full


def test_larger_errors_are_lighter() -> None:
    lightness = colours(np.arange(256, dtype=np.uint8)[None], 64.0)[0] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) >= 0).all()
    assert lightness[0] < 2
    assert lightness[-1] > 240
