"""The page as a person meets it: in a real browser, under pointer and keyboard, wide and narrow, light and dark."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from splatzip import compare, compress, report_html
from splatzip.report.pictures import ViewPictures

pytestmark = pytest.mark.browser


def stage(tab: Any, mode: str) -> np.ndarray:
    """What is seen there, once its pictures are decoded."""
    tab.eval_on_selector_all("#stage img", "imgs => Promise.all(imgs.map((i) => i.decode()))")
    return np.asarray(Image.open(io.BytesIO(tab.locator("#stage .frame").screenshot())).convert(mode))


def test_the_page_opens_without_complaint_and_asks_nothing_of_any_other_place(opened, sample):
    page = opened(sample.page())
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in page.requests) == 1


def test_a_request_to_another_place_would_be_refused(opened, sample):
    page = opened(sample.page().replace("</footer>", '<img src="https://example.org/x.png"></footer>'))
    assert any("Content Security Policy" in line for line in page.complaints)


def test_every_picture_is_decoded_in_every_mode(opened, sample):
    tab = opened(sample.page()).tab
    expected = {"Slider": 2, "Side by side": 2, "Flip": 2, "Error map": 1}
    for mode, pictures in expected.items():
        tab.get_by_role("radio", name=mode).check()
        sizes = tab.eval_on_selector_all(
            "#stage img", "imgs => Promise.all(imgs.map(i => i.decode().then(() => [i.naturalWidth, i.naturalHeight])))"
        )
        assert sizes == [[64, 48]] * pictures, mode
    assert tab.eval_on_selector_all("#strip img", "imgs => imgs.map(i => i.naturalWidth)") == [64] * 3


def test_the_divider_follows_the_pointer_and_the_keyboard(opened, sample):
    tab = opened(sample.page()).tab
    frame = tab.locator("#stage .frame").bounding_box()

    def divider() -> float:
        box = tab.locator("#stage .divider").bounding_box()
        return (box["x"] + box["width"] / 2 - frame["x"]) / frame["width"]

    assert divider() == pytest.approx(0.5, abs=0.01)
    tab.mouse.move(frame["x"] + 0.5 * frame["width"], frame["y"] + 100)
    tab.mouse.down()
    tab.mouse.move(frame["x"] + 0.8 * frame["width"], frame["y"] + 120, steps=4)
    tab.mouse.up()
    assert divider() == pytest.approx(0.8, abs=0.02)
    tab.keyboard.press("Home")
    assert divider() == pytest.approx(0, abs=0.01)


def test_the_slider_shows_the_source_on_the_left_and_the_file_on_the_right(opened, sample):
    black, white = np.zeros((48, 64, 3), np.float32), np.ones((48, 64, 3), np.float32)
    sample.arguments["take_pictures"] = lambda i: ViewPictures(black, [white, white], black)
    tab = opened(sample.page()).tab
    seen = stage(tab, "L")
    height, width = seen.shape
    assert seen[height // 4, width // 4] == 0
    assert seen[height // 4, 3 * width // 4] == 255


def test_flip_takes_turns_by_click_and_by_key(opened, sample):
    tab = opened(sample.page()).tab
    tab.keyboard.press("3")
    said = []
    for act in (lambda: None, lambda: tab.locator("#stage button").click(), lambda: tab.keyboard.press("f")):
        act()
        visible = tab.eval_on_selector_all("#stage img", "imgs => imgs.map(i => getComputedStyle(i).visibility)")
        said.append((tab.locator("#stage .tag").inner_text(), visible[1]))
    assert said == [("source.ply", "hidden"), ("good.splatz", "visible"), ("source.ply", "hidden")]


def test_the_error_map_is_light_where_the_error_is_and_its_legend_says_how_much(opened, sample):
    tab = opened(sample.page()).tab
    tab.get_by_role("radio", name="small.spz").check()
    tab.keyboard.press("4")
    assert "\u2265 4" in tab.locator("#legend").inner_text()
    assert "levels of 255" in tab.locator("#legend").inner_text()
    seen = stage(tab, "L")
    height, width = seen.shape
    assert seen[height // 2, width // 4] > 240
    assert seen[height // 2, 3 * width // 4] < 5


def test_the_rate_distortion_plot_has_a_point_for_every_file_where_it_belongs(opened, sample):
    tab = opened(sample.page()).tab
    plots = tab.locator("#curve svg")
    assert plots.count() == 2  # against the source, against photos
    for plot in range(2):
        points = plots.nth(plot).locator("circle.point")
        x, y = ([float(points.nth(i).get_attribute(key)) for i in range(2)] for key in ("cx", "cy"))
        assert x[0] < x[1]  # small.spz, then good.splatz
        assert y[0] >= y[1]  # more dB stand higher
    assert "PSNR, dB" in plots.nth(0).inner_html()
    assert "KB" in plots.nth(0).inner_html()


def test_curves_join_files_of_one_format_only(opened, sample):
    curves = "curves => curves.map(curve => curve.points.numberOfItems)"
    assert opened(sample.page()).tab.eval_on_selector_all("#curve svg:first-child .curve", curves) == [1, 1]
    sample.comparisons[1] = replace(sample.comparisons[1], name="small.splatz")
    assert opened(sample.page()).tab.eval_on_selector_all("#curve svg:first-child .curve", curves) == [2]


def test_a_point_of_the_plot_chooses_its_file(opened, sample):
    tab = opened(sample.page()).tab
    tab.locator("#curve circle.point").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#files input:checked + span").inner_text() == "small.spz"
    assert "35.67" in tab.locator("#numbers").inner_text()


def test_one_file_has_no_plot(opened, sample):
    del sample.comparisons[1], sample.arguments["tests"][1], sample.arguments["facts"][1]
    sample.arguments["take_pictures"] = lambda i: ViewPictures(sample.painted(i), [sample.painted(i, 1 / 255)])
    tab = opened(sample.page()).tab
    assert tab.locator("#curve").is_hidden()
    assert tab.locator("#files").is_hidden()
    assert tab.locator("#against").is_hidden()  # no photos
    assert tab.locator("#bytes").is_visible()


def test_views_stand_worst_first_and_lead_to_their_pictures(opened, sample):
    tab = opened(sample.page()).tab
    rows = [re.sub(r"\s+", " ", row) for row in tab.locator("#views tbody tr").all_inner_texts()]
    assert [row.split(" ")[1] for row in rows[:3]] == ["1", "0", "2"]
    assert rows[3].startswith("Mean of 3 44.00")
    assert tab.locator("#caption").inner_text().startswith("view 1")
    tab.locator("#views").get_by_role("button", name="view 2").click()
    assert tab.locator("#caption").inner_text().startswith("view 2")
    tab.keyboard.press("j")  # after the best the worst comes again
    assert tab.locator("#caption").inner_text().startswith("view 1")


def test_the_key_numbers_are_on_top(opened, sample):
    text = opened(sample.page()).tab.locator("#numbers").inner_text()
    for number in ("9 KB", "6.7\u00d7", "44.00dB", "0.9900", "0.50dB", "worst 41.00"):
        assert number.replace(" ", "") in re.sub(r"\s", "", text), number


def test_bits_are_said_to_be_of_whose_splats_where_some_went(opened, sample):
    tab = opened(sample.page()).tab
    assert "180.0 bits per splat" in tab.locator("#numbers").inner_text()
    tab.get_by_role("radio", name="small.spz").check()  # 300 of 400 are left
    assert "100.0 bits per splat of the source" in tab.locator("#numbers").inner_text()


def test_zoom_enlarges_what_is_below_the_pointer(opened, sample):
    tab = opened(sample.page()).tab
    tab.get_by_role("radio", name="4\u00d7").check()
    frame = tab.locator("#stage .frame").bounding_box()
    tab.mouse.move(frame["x"] + 0.25 * frame["width"], frame["y"] + 0.4 * frame["height"])
    style = tab.eval_on_selector(
        "#stage img", "i => [getComputedStyle(i).transform, i.parentElement.parentElement.style.cssText]"
    )
    assert style[0].startswith("matrix(4, 0, 0, 4")
    x, y = (float(v) for v in re.findall(r"--[xy]: ([\d.]+)%", style[1]))
    assert (x, y) == (pytest.approx(25, abs=1), pytest.approx(40, abs=1))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out_and_text_stands_out(opened, sample, scheme, width):
    tab = opened(sample.page(), width=width, scheme=scheme).tab
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    ink, paper = tab.evaluate(
        "['color', 'backgroundColor'].map(p => getComputedStyle(document.body)[p].match(/\\d+/g).map(Number))"
    )
    assert tab.eval_on_selector("#views .scroll", "e => e.scrollWidth <= e.clientWidth")
    assert abs(np.mean(ink) - np.mean(paper)) > 150
    assert (np.mean(paper) < 60) == (scheme == "dark")


def test_names_are_text_whatever_they_hold(opened, sample):
    evil = '</script><img src=x onerror="document.title=1">'
    sample.arguments["ref_name"] = evil
    page = opened(sample.page())
    assert page.complaints == []
    assert page.tab.title().endswith(evil)


def test_the_page_of_a_real_scene(opened, tmp_path):
    chair = Path(__file__).resolve().parents[2] / "datasets/samples/chair"
    files = [tmp_path / f"chair-{quality}.splatz" for quality in (36, 48)]
    for path in files:
        path.write_bytes(compress(chair / "point_cloud.ply", preset="fast", quality=int(path.stem[-2:])))
    found = compare(chair / "point_cloud.ply", *files, views=chair)
    page = opened(report_html(found, chair / "point_cloud.ply", *files, views=chair))
    assert page.complaints == []
    tab = page.tab
    assert tab.eval_on_selector_all("#strip img", "imgs => imgs.map(i => i.naturalWidth)") == [400] * 13
    assert f"{found[0].photo.lost:.2f}" in tab.locator("#numbers").inner_text()
    assert tab.locator("#curve circle.point").count() == 4
    assert tab.locator("#bytes .bar").count() == 2
    assert tab.locator("#bytes .bar").first.locator("i").count() == 7  # six attributes and the container
    assert tab.locator("#attributes figure").count() == 14
    # What is on the stage is the chair, not an empty picture.
    seen = stage(tab, "RGB").astype(int)
    assert ((seen[..., 1] > seen[..., 0] + 30) & (seen[..., 1] > seen[..., 2] + 30)).mean() > 0.05  # its green cloth


def test_charts_are_drawn_anew_for_another_width(opened, sample):
    tab = opened(sample.page()).tab
    wide = tab.locator("#curve svg").first.get_attribute("viewBox")
    assert wide.split()[2] == "520"
    tab.set_viewport_size({"width": 380, "height": 800})
    tab.locator('#curve svg[viewBox^="0 0 348 "]').first.wait_for()
