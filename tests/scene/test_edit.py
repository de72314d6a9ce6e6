"""Edits of whole scenes: crop, SH degree, merge, and transform's fixed order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from splatzip import QuantizedSource, Scene, SceneError, SceneMeta, transform
from splatzip.scene.edit import cropped, rotation_xyz, with_degree


def scene_of(splats: int = 50, degree: int = 2, seed: int = 1, **fields) -> Scene:
    rng = np.random.default_rng(seed)
    return Scene(
        positions=rng.uniform(-1, 1, (splats, 3)),
        log_scales=rng.normal(-4, 1, (splats, 3)),
        rotations=rng.normal(0, 1, (splats, 4)),
        opacity_logits=rng.normal(0, 2, splats),
        sh=rng.normal(0, 1, (splats, (degree + 1) ** 2, 3)),
        **fields,
    )


def test_crop_keeps_the_centres_inside_and_the_faces():
    scene = scene_of()
    low = scene.positions[3].astype(np.float64)
    kept = cropped(scene, low, low + 0.5)
    inside = ((scene.positions >= low) & (scene.positions <= low + 0.5)).all(1)
    np.testing.assert_array_equal(kept.positions, scene.positions[inside])
    assert inside[3]


def test_crop_box_is_in_world_coordinates_where_the_origin_is_far():
    scene = scene_of(origin=np.array([4e5, 0.0, 0.0]))
    assert len(cropped(scene, [4e5 - 1, -1, -1], [4e5 + 1, 1, 1])) == len(scene)
    with pytest.raises(SceneError, match=r"no splat is inside the crop box; the scene reaches from 39\d"):
        cropped(scene, [-1, -1, -1], [1, 1, 1])


def test_crop_corners_may_come_in_any_order():
    scene = scene_of()
    a, b = transform(scene, crop=[0, 0, 0, 1, 1, 1]), transform(scene, crop=[1, 0, 1, 0, 1, 0])
    np.testing.assert_array_equal(a.positions, b.positions)


@pytest.mark.parametrize("degree", range(5))
def test_degree_cuts_or_pads_and_leaves_the_shared_bands(degree):
    scene = scene_of(degree=2)
    changed = with_degree(scene, degree)
    assert changed.sh_degree == degree
    shared = min(9, (degree + 1) ** 2)
    np.testing.assert_array_equal(changed.sh[:, :shared], scene.sh[:, :shared])
    assert not changed.sh[:, shared:].any()


@pytest.mark.parametrize("degree", [-1, 5])
def test_degree_that_does_not_exist_is_refused(degree):
    with pytest.raises(SceneError, match="expected 0 to 4"):
        with_degree(scene_of(), degree)


def test_merge_takes_all_splats_at_the_highest_degree():
    low, high = scene_of(degree=0, seed=1), scene_of(30, degree=3, seed=2)
    both = transform([low, high])
    assert (len(both), both.sh_degree) == (80, 3)
    np.testing.assert_array_equal(both.sh[50:], high.sh)
    np.testing.assert_array_equal(both.rotations[:50], low.rotations)


def test_merge_brings_positions_to_one_origin():
    near, far = scene_of(origin=np.array([1000.0, 0, 0])), scene_of(origin=np.array([1002.0, 0, 0]))
    both = transform([near, far])
    where = np.concatenate([near.positions + near.origin, far.positions + far.origin])
    np.testing.assert_allclose(both.positions + both.origin, where, atol=1e-6)


def test_merge_of_antialiased_with_other_splats_is_refused():
    smooth = scene_of(meta=SceneMeta(antialiased=True))
    with pytest.raises(SceneError, match="scenes 1 and 2 cannot be merged"):
        transform([scene_of(), smooth])


def test_merge_says_which_facts_it_could_not_keep():
    first = scene_of(meta=SceneMeta(licence="CC0-1.0", dropped={"NaN in sh": 2}))
    second = replace(first, meta=SceneMeta(licence="MIT", title="Pod", dropped={"NaN in sh": 1}))
    meta = transform([first, second]).meta
    assert meta.licence == "CC0-1.0"
    assert meta.ignored == ("title of merged scene 2: 'Pod'", "licence of merged scene 2: 'MIT'")
    assert meta.dropped == {"NaN in sh": 3}


@pytest.mark.parametrize(
    ("degrees", "vector", "expected"),
    [
        ((90, 0, 0), [0, 1, 0], [0, 0, 1]),
        ((0, 90, 0), [0, 0, 1], [1, 0, 0]),
        ((0, 0, 90), [1, 0, 0], [0, 1, 0]),
        ((90, 90, 0), [0, 1, 0], [1, 0, 0]),  # about x first: y -> z, then about y: z -> x
        ((90, 0, 90), [1, 0, 0], [0, 1, 0]),
        ((0, 90, 90), [0, 0, 1], [0, 1, 0]),
    ],
)
def test_angles_turn_about_x_then_y_then_z(degrees, vector, expected):
    np.testing.assert_allclose(rotation_xyz(degrees) @ vector, expected, atol=1e-15)


def test_transform_scales_then_rotates_then_translates():
    scene = scene_of()
    moved = transform(scene, scale=2, rotation_degrees=(0, 0, 90), translation=(10, 0, 0))
    x, y, z = 2 * scene.positions.T
    np.testing.assert_allclose(moved.positions + moved.origin, np.stack([10 - y, x, z], 1), atol=1e-5)
    np.testing.assert_allclose(moved.log_scales, scene.log_scales + np.log(2), atol=1e-6)


def test_transform_that_changes_nothing_keeps_the_quantized_source():
    codes = QuantizedSource("spz", 3, {"positions": np.zeros((50, 3), np.uint8)})
    scene = scene_of(source=codes)
    assert transform(scene) is scene
    assert transform(scene, degree=1).source is None


@pytest.mark.parametrize("scale", [0, -2, np.nan, np.inf])
def test_scale_that_is_not_positive_is_refused(scale):
    with pytest.raises(SceneError, match="expected a positive number"):
        transform(scene_of(), scale=scale)


def test_merge_of_nothing_is_refused():
    with pytest.raises(SceneError, match="nothing to merge"):
        transform([])


@pytest.mark.parametrize("angles", [(0, np.inf, 0), (0, np.nan, 0), (0, 90), 90])
def test_angles_that_are_not_three_or_not_finite_are_refused(angles):
    with pytest.raises(SceneError, match="three finite angles"):
        transform(scene_of(), rotation_degrees=angles)


def test_a_crop_box_without_two_corners_is_refused():
    with pytest.raises(SceneError, match="2 numbers, expected 6"):
        transform(scene_of(), crop=[1, 2])


def test_what_leaves_float32_is_refused_by_row():
    with pytest.raises(SceneError, match="row 0: Inf in positions"):
        transform(scene_of(), scale=1e300)


def test_rows_are_taken_in_their_order_by_index_or_mask():
    scene = scene_of(5)
    assert scene.take([3, -5, 3]).positions.tolist() == scene.positions[[3, 0, 3]].tolist()
    assert scene.take(scene.positions[:, 0] > 0).sh.tolist() == scene.sh[scene.positions[:, 0] > 0].tolist()


@pytest.mark.parametrize("rows", [[5], np.ones(4, bool), np.zeros(6, bool), [[0, 1], [2, 3]], 0])
def test_what_names_no_rows_is_refused(rows):
    with pytest.raises(IndexError):
        scene_of(5).take(rows)


def test_a_scene_is_never_left_without_splats():
    with pytest.raises(SceneError, match="no splats"):
        scene_of(5).take([])


@pytest.mark.parametrize(
    "changes", [{"sh": np.zeros((4, 1, 3))}, {"rotations": np.zeros((5, 4))}, {"origin": [0, np.inf, 0]}]
)
def test_an_edit_that_is_no_scene_is_refused(changes):
    with pytest.raises(SceneError):
        scene_of(5).edited(**changes)
