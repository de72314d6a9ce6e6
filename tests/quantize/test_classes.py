"""Importance classes: coarser where errors do not show."""

import numpy as np
import pytest

from splatzip import Camera, Profile, Scene, decompress
from splatzip.encode import encode
from splatzip.quantize import stepped
from splatzip.quantize.classes import Options, importance_classes
from splatzip.raster import score


@pytest.fixture(scope="module")
def front_and_back() -> Scene:
    """200 splats in front, as many like them behind a wall of opaque ones."""
    random = np.random.default_rng(0)
    where = random.uniform(-1, 1, (200, 3)) * [1, 1, 0.1]
    wall = np.stack([*np.meshgrid(np.linspace(-1.5, 1.5, 25), np.linspace(-1.5, 1.5, 25)), np.full((25, 25), 0.5)], 2)
    positions = np.concatenate([where, where + np.array([0, 0, 1]), wall.reshape(-1, 3)]).astype(np.float32)
    n = len(positions)
    log_scales = np.full((n, 3), np.log(0.05), np.float32)
    log_scales[400:] = np.log(0.12)
    logits = np.where(np.arange(n) < 400, 0.5, 4.0).astype(np.float32)
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1))
    return Scene(positions, log_scales, rotations, logits, random.normal(size=(n, 1, 3)).astype(np.float32))


@pytest.fixture(scope="module")
def scores(front_and_back):
    camera = Camera.look_at((0, 0, -4), (0, 0, 0), width=160, height=120, fov_x_rad=1.0)
    return score(front_and_back, [camera], what={"weight", "removal"})


def test_what_is_hidden_is_coarser_than_the_same_in_sight(front_and_back, scores):
    classes = importance_classes(front_and_back, scores)
    for of_geometry_and_color in classes.T:
        assert of_geometry_and_color[200:400].mean() > of_geometry_and_color[:200].mean() + 1


def test_classes_stay_within_their_limit_and_nothing_asked_is_nothing_given(front_and_back, scores):
    assert np.abs(importance_classes(front_and_back, scores, Options(most=1))).max() == 1
    assert not importance_classes(front_and_back, scores, Options(share=0)).any()


def test_an_octave_of_class_is_an_octave_of_error(chair):
    """Of positions by the class of geometry, of colours by the other."""
    options = stepped.Options(3.0, diffusion=0.0)

    def errors(classes: tuple[int, int]) -> np.ndarray:
        given = np.tile(np.array(classes, np.int8), (len(chair), 1))
        tiers = np.zeros(len(chair), np.uint8)
        coded = stepped.encode(chair, options, tiers=tiers, classes=given)
        decoded = decompress(encode(chair, Profile("fast", options), tiers=tiers, classes=given))
        return np.array([
            np.abs(getattr(decoded, name) - getattr(chair, name)[coded.order]).mean() for name in ("positions", "sh")
        ])  # fmt: skip

    plain = errors((0, 0))
    assert errors((2, 0)) / plain == pytest.approx([4, 1], rel=0.25)
    assert errors((0, 1)) / plain == pytest.approx([1, 2], rel=0.25)


@pytest.mark.parametrize("tier_count", [1, 3])
@pytest.mark.parametrize("fitted", [False, True])
def test_rounding_gives_the_bits_that_decoding_gives(chair, fitted, tier_count):
    tiers = (np.arange(len(chair)) % tier_count).astype(np.uint8)
    random = np.random.default_rng(3)
    classes = random.integers(-3, 4, (len(chair), 2)).astype(np.int8)
    options = stepped.Options(-0.5, octaves={"axis": -0.7, "position": 0.5}, most_color=12, diffusion=0.4)
    params = stepped.encode(chair.take(np.arange(0, len(chair), 2)), options, classes=classes[::2]).params
    fits = {"fitted": params} if fitted else {}
    coded = stepped.encode(chair, options, tiers=tiers, classes=classes, **fits)
    decoded = decompress(encode(chair, Profile("fast", options), tiers=tiers, classes=classes, **fits)).arrays()
    for name, values in stepped.rounded(chair, options, tiers=tiers, classes=classes, **fits).items():
        np.testing.assert_array_equal(values[coded.order], decoded[name], err_msg=name)
