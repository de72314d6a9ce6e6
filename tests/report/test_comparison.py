"""What a comparison says, and in which shape."""

from __future__ import annotations

import json

import pytest

from splatzip.report.comparison import Comparison, PhotoQuality, ViewComparison

VIEWS = (
    ViewComparison("left", 40.0, 0.98, PhotoQuality(30.0, 29.5)),
    ViewComparison("right", 36.0, 0.96, PhotoQuality(28.0, 28.5)),
    ViewComparison("top", 44.0, 0.97, PhotoQuality(32.0, 31.0)),
)


def compared(**changes: object) -> Comparison:
    return Comparison(**{"views": VIEWS, "splats": 90, "ref_float_bytes": 23600, "bytes": 1000, **changes})  # type: ignore[arg-type]


def test_totals_are_means_over_views_not_of_pooled_errors() -> None:
    found = compared()
    assert found.psnr == pytest.approx(40.0)
    assert found.ssim == pytest.approx(0.97)
    assert found.photo is not None
    assert (found.photo.ref_psnr, found.photo.test_psnr) == pytest.approx((30.0, 29.0 + 2 / 3))
    assert found.photo.lost == pytest.approx(1 / 3)


def test_the_ratio_divides_the_source_as_floats_by_the_file() -> None:
    assert compared().ratio == pytest.approx(23.6)
    assert compared(bytes=None).ratio is None


def test_its_words_are_those_of_a_line() -> None:
    assert repr(compared()) == "Comparison(1,000 bytes, 90 splats, 40.00 dB, SSIM 0.9700 in 3 views)"
    assert repr(compared(bytes=None)) == "Comparison(90 splats, 40.00 dB, SSIM 0.9700 in 3 views)"


def test_the_worst_view_comes_first_in_the_table_and_the_cameras_order_stays_in_json() -> None:
    assert [view.name for view in compared().worst_first()] == ["right", "left", "top"]
    assert [view["name"] for view in compared().to_json()["views"]] == ["left", "right", "top"]


def test_json_has_the_documented_keys_and_no_photo_without_photos() -> None:
    keys = {"psnr", "ssim", "bytes", "ratio", "splats", "views"}
    found = json.loads(json.dumps(compared().to_json()))
    assert found.keys() == keys | {"photo"}
    assert found["photo"].keys() == {"ref_psnr", "test_psnr"}
    assert all(view.keys() == {"name", "psnr", "ssim", "photo"} for view in found["views"])
    bare = compared(views=tuple(ViewComparison(v.name, v.psnr, v.ssim) for v in VIEWS)).to_json()
    assert bare.keys() == keys
    assert all(view.keys() == {"name", "psnr", "ssim"} for view in bare["views"])


def test_a_metric_that_was_asked_for_stands_in_every_view_and_in_the_total() -> None:
    views = tuple(ViewComparison(str(flip), 40.0, 0.9, extra={"flip": flip}) for flip in (0.02, 0.04))
    found = compared(views=views).to_json()
    assert found["flip"] == pytest.approx(0.03)
    assert [view["flip"] for view in found["views"]] == [0.02, 0.04]
