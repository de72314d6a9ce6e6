"""Histograms count splats by what does not depend on how a splat is written down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from splatzip import Scene
from splatzip.report.histograms import BINS, histograms


@pytest.fixture
def scene(sample) -> Scene:
    return sample.arguments["ref"]


def test_every_attribute_has_its_histogram(scene) -> None:
    titles = [one.title for one in histograms([scene])]
    assert titles[:3] == ["Position x", "Position y", "Position z"]
    assert titles[-2:] == ["SH degree 1", "SH degree 2"]
    assert len(titles) == 13


def test_the_counts_are_those_of_the_values(scene) -> None:
    opacity = next(one for one in histograms([scene]) if one.title == "Opacity")
    alpha = 1 / (1 + np.exp(-scene.opacity_logits.astype(np.float64)))
    assert opacity.counts[0].shape == (BINS,)
    np.testing.assert_array_equal(opacity.counts[0], np.histogram(alpha, BINS, (0, 1))[0])


def test_every_quantity_has_the_values_that_its_title_and_unit_say() -> None:
    n, c0 = 50, 0.28209479177387814
    lengths = np.random.default_rng(3).permuted(np.tile([0.001, 0.1, 10], (n, 1)), axis=1)
    sh = np.zeros((n, 9, 3))
    sh[:, 0] = (np.array([0.25, 0.5, 1]) - 0.5) / c0
    sh[:, 1:4], sh[:, 4:] = 0.3, -0.4
    tilted_60 = np.tile([np.cos(np.pi / 12), np.sin(np.pi / 12), 0, 0], (n, 1))  # z, which lies, turned by 30 about x
    lengths_z = np.tile([0.1, 10, 0.001], (n, 1))
    plain = Scene(np.zeros((n, 3)), np.log(lengths), np.tile([1, 0, 0, 0], (n, 1)), np.zeros(n), sh)
    tilted = Scene(np.zeros((n, 3)), np.log(lengths_z), tilted_60, np.full(n, np.log(3)), sh)

    def middles(scene: Scene) -> dict[str, float]:
        found = {one.title: one for one in histograms([scene])}
        return {
            name: one.low + (float(np.argmax(one.counts[0])) + 0.5) * (one.high - one.low) / BINS
            for name, one in found.items()
        }

    axes = {"Longest axis": 1, "Middle axis": -1, "Shortest axis": -3}  # decimal logarithms
    expected = {**axes, "Red": 0.25, "Green": 0.5, "Blue": 1, "SH degree 1": 0.3, "SH degree 2": 0.4}
    of_plain, of_tilted = middles(plain), middles(tilted)
    for name, value in expected.items():
        assert abs(of_plain[name] - value) < 2e-3, name
    assert abs(of_tilted["Tilt of the shortest axis"] - 60) < 90 / BINS
    assert abs(of_plain["Opacity"] - 0.5) <= 1 / BINS
    assert abs(of_tilted["Opacity"] - 0.75) <= 1 / BINS


def test_a_few_splats_far_away_do_not_squeeze_the_others_into_one_bin(scene) -> None:
    n = 2000
    positions = np.random.default_rng(4).uniform(-1, 1, (n, 3))
    positions[0] = 1e4
    names = ("log_scales", "rotations", "opacity_logits", "sh")
    many = Scene(positions, *(np.repeat(getattr(scene, name)[:1], n, axis=0) for name in names))
    first = histograms([many])[0]
    assert first.high < 1.5
    assert first.counts[0].sum() >= 0.997 * n


def test_axes_in_another_order_change_nothing(scene) -> None:
    # The same ellipsoid: axes (x, y, z) become (y, z, x), by a third of a turn about (1, 1, 1).
    w, x, y, z = scene.rotations.T
    turned = 0.5 * np.stack([w - x - y - z, w + x + y - z, w - x + y + z, w + x - y + z], axis=1)
    other = replace(scene, rotations=-turned, log_scales=scene.log_scales[:, [1, 2, 0]])
    for one in histograms([scene, other]):
        assert np.abs(one.counts[0] - one.counts[1]).max() <= 1, one.title  # rounding at an edge


def test_scenes_share_bins_and_a_lower_degree_ends_the_list(scene) -> None:
    far = replace(scene, positions=scene.positions + 100, sh=scene.sh[:, :4])
    found = histograms([scene, far])
    assert found[-1].title == "SH degree 1"
    assert found[0].low < 0 < 100 < found[0].high
    before, after = found[0].counts
    assert before[BINS // 2 :].sum() == after[: BINS // 2].sum() == 0


def test_a_single_splat_is_counted_too(scene) -> None:
    names = ("positions", "log_scales", "rotations", "opacity_logits", "sh")
    small = Scene(*(getattr(scene, name)[:1] for name in names))
    assert [one.counts[0].sum() for one in histograms([small])] == [1] * 13


def test_values_that_differ_by_rounding_alone_have_bins(scene) -> None:
    one = scene.take(np.array([0]))
    position = np.float32(0.3)
    both = position, np.nextafter(position, np.float32(1))
    near = [one.edited(positions=np.full((1, 3), x, np.float32)) for x in both]
    assert all(counts.sum() == 1 for counts in histograms(near)[0].counts)
