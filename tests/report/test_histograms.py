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
