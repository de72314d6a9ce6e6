"""Settling on the chair sample: what is decoded shows more of the source, at the same steps."""

from pathlib import Path

import numpy as np
import pytest

from splatzip import Views, load
from splatzip.optimize import repair, settle
from splatzip.quantize import stepped
from splatzip.raster import render
from splatzip.raster.metrics import psnr

SAMPLE = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair"
CAMERAS = [camera.scaled(0.4) for camera in Views.load(SAMPLE, split="test", photos=False).cameras]
COARSE = stepped.Options(-2.5)


@pytest.fixture(scope="module")
def chair():
    whole = load(SAMPLE / "point_cloud.ply")
    return whole.take(np.arange(0, len(whole), 4))


@pytest.fixture(scope="module")
def targets(chair):
    return [render(chair, camera).color for camera in CAMERAS]


def decoded(scene):
    return stepped.rounded(scene, COARSE, classes=np.zeros((len(scene), 2), np.int8))


def options(steps, every=1):
    rates = settle.Options().rates
    return settle.Options(repair.Options(**{**vars(rates), "steps": steps}), every)


def test_decoded_pictures_come_nearer_to_the_source(chair, targets):
    def quality(scene):
        shown = scene.edited(**decoded(scene))
        return np.mean([
            psnr(render(shown, camera).color.clip(0, 1), target.clip(0, 1))
            for camera, target in zip(CAMERAS, targets, strict=True)
        ])  # fmt: skip

    settled = settle.settle(chair, decoded, CAMERAS, targets, options(60, every=2))
    assert quality(settled) > quality(chair) + 0.5


def test_what_is_drawn_is_decoded_as_often_as_the_options_say(chair, targets):
    calls = []

    def counted(scene):
        calls.append(len(scene))
        return decoded(scene)

    settle.settle(chair, counted, CAMERAS, targets, options(7, every=3))
    assert calls == [len(chair)] * 3


def test_axes_in_another_order_do_not_mislead_a_step(chair, targets):
    """The same covariances, with other axes first: the first step is the same."""
    turned = np.array([0.5, 0.5, 0.5, 0.5])  # x to y, y to z, z to x

    def product(a, b):
        w, x, y, z = a.T
        v = b[0] * a
        v = (
            v
            + b[1] * np.stack([-x, w, z, -y], 1)
            + b[2] * np.stack([-y, -z, w, x], 1)
            + b[3] * np.stack([-z, y, -x, w], 1)
        )
        return v

    def other_axes(scene):
        arrays = dict(scene.arrays())
        arrays["rotations"] = product(arrays["rotations"].astype(float), turned).astype(np.float32)
        arrays["log_scales"] = np.ascontiguousarray(arrays["log_scales"][:, [1, 2, 0]])
        return arrays

    darker = [0.9 * target for target in targets]
    one, two = (
        settle.settle(chair, shown, CAMERAS, darker, options(1)) for shown in (lambda scene: scene.arrays(), other_axes)
    )
    for name in ("rotations", "log_scales"):
        moved = one.arrays()[name] - chair.arrays()[name]
        assert (np.abs(moved) > 1e-6).mean() > 0.9
        assert np.isclose(one.arrays()[name], two.arrays()[name], atol=1e-5).mean() > 0.98, name


def test_any_number_of_threads_gives_the_same_bits(chair, targets):
    one, two = (
        settle.settle(chair, decoded, CAMERAS, targets, options(4), threads=threads).arrays() for threads in (1, 2)
    )
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])
