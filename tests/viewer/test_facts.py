"""What tables and plots say of scenes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from splatzip_viewer.charts import bytes_chart, curve_chart, histogram_charts
from splatzip_viewer.facts import facts_table, short_name, size_text, views_rows


def test_the_table_says_how_much_smaller_the_compared_file_is(session):
    table = facts_table(session.scenes)
    share = 100 * session.test.bytes / session.ref.bytes
    assert f"{share:.3g} %" in table
    assert table.count("<td>400</td>") == 2  # splats
    assert "fast" in table
    assert "Share of the source" not in facts_table({"ref": session.ref})


def test_a_name_cannot_write_into_the_page(session):
    session.ref.name = "<img src=x onerror=alert(1)>"
    assert "<img" not in facts_table(session.scenes)
    assert "<img" not in histogram_charts([(session.ref.name, session.ref.scene)])


def test_a_long_name_keeps_the_ends_that_tell_files_apart():
    names = [f"a_scene_that_somebody_exported_from_a_tool_v2{suffix}" for suffix in (".ply", ".splatz")]
    short = [short_name(name) for name in names]
    assert max(map(len, short)) <= 24
    assert len(set(short)) == 2
    assert [name.rpartition(".")[2] for name in short] == ["ply", "splatz"]
    assert short_name("chair.splatz") == "chair.splatz"


@pytest.mark.parametrize(("low", "high"), [(150_000, 500_000), (1e3, 1e6), (90, 110), (200_000, 210_000)])
def test_a_curve_names_round_sizes_between_its_ends(low, high):
    points = [{"bytes": size, "psnr": 40, "preset": "fast", "label": "x"} for size in (low, high)]
    named = re.findall(r'text-anchor="middle">(.*?)<', curve_chart(points))
    assert len(named) == len(set(named))
    assert len(named) >= (3 if high > 1.5 * low else 1)


@pytest.mark.parametrize(("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1234, "1.23 KB"), (2.5e9, "2.5 GB")])
def test_sizes_are_powers_of_ten(count, text):
    assert size_text(count) == text


def test_views_are_listed_from_the_worst_on_with_what_photos_lost():
    views = [{"name": name, "psnr": psnr, "ssim": 0.9} for name, psnr in (("a", 40.0), ("b", 30.5), ("c", 35.0))]
    assert views_rows({"views": views}) == [[n, f"{p:.2f}", "0.9000"] for n, p in (("b", 30.5), ("c", 35), ("a", 40))]
    views[0]["photo"] = {"ref_psnr": 28.0, "test_psnr": 27.5}
    assert views_rows({"views": views[:1]}) == [["a", "40.00", "0.9000", "0.50"]]


def test_bytes_are_drawn_attributes_by_size_and_tiers_in_the_order_of_the_file(session):
    attributes, tiers = re.findall(r"<figure>.*?</figure>", bytes_chart(session.test.facts))
    shares = [float(share) for share in re.findall(r"([\d.]+) %<", attributes)]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.4)
    named = [int(tier) for tier in re.findall(r"tier (\d)", tiers)]
    assert named == [part["tier"] for part in session.test.facts["parts"]]


def test_a_curve_has_a_line_a_preset_and_a_dot_a_point():
    points = [{"bytes": 10**k, "psnr": 30 + 3 * k, "preset": "fast", "label": f"{k}"} for k in (3, 4, 5)]
    drawing = curve_chart([*points, {"bytes": 5000, "psnr": 44, "preset": "balanced", "label": "one"}])
    (svg,) = re.findall(r"<svg.*</svg>", drawing)
    circles = ElementTree.fromstring(svg).findall("circle")
    assert len(circles) == 4
    heights = [float(circle.get("cy")) for circle in circles[:3]]
    assert heights == sorted(heights, reverse=True)  # better is higher
    assert curve_chart([]) == ""
