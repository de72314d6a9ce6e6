"""Codec STEPPED: what is rounded, how much, and what must never change."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from splatzip import Scene, SceneError, decompress, load
from splatzip.encode import encode
from splatzip.profile import Profile
from splatzip.quantize import stepped, vec_tree

CHAIR = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair" / "point_cloud.ply"


@pytest.fixture(scope="module")
def chair() -> Scene:
    return load(CHAIR).take(np.arange(0, 43874, 4))


def decoded_in_source_order(scene: Scene, options: stepped.Options) -> Scene:
    """The decoded scene with its rows where the source has them."""
    order = stepped.encode(scene, options).order
    decoded = decompress(encode(scene, Profile("fast", options), tiers=np.zeros(len(scene), np.uint8)))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return decoded.take(back)


def covariances(scene: Scene) -> np.ndarray:
    w, x, y, z = (scene.rotations / np.linalg.norm(scene.rotations, axis=1, keepdims=True)).T.astype(float)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    axes = np.array(rows).transpose(2, 0, 1) * np.exp(scene.log_scales.astype(float))[:, None, :]
    return axes @ axes.transpose(0, 2, 1)


def alpha(scene: Scene) -> np.ndarray:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-scene.opacity_logits.astype(float)))


def errors(source: Scene, decoded: Scene, splats: int | None = None) -> dict[str, np.ndarray]:
    """Errors by attribute, one a splat, of the first `splats`."""
    a, b = source.take(np.arange(splats or len(source))), decoded.take(np.arange(splats or len(source)))
    cov_a, cov_b = covariances(a), covariances(b)
    return {
        "positions": np.abs(b.positions.astype(float) - a.positions).max(1),
        "scales": np.abs(np.sort(b.log_scales, 1).astype(float) - np.sort(a.log_scales, 1)).max(1),
        "shape": np.sqrt(((cov_a - cov_b) ** 2).sum((1, 2)) / (cov_a**2).sum((1, 2))),
        "alpha": np.abs(alpha(b) - alpha(a)),
        "color": np.abs(b.sh[:, 0].astype(float) - a.sh[:, 0]).max(1),
        "sh": np.abs(b.sh[:, 1:].astype(float) - a.sh[:, 1:]).max((1, 2)),
    }


def test_every_error_shrinks_as_steps_get_finer(chair: Scene) -> None:
    levels = [errors(chair, decoded_in_source_order(chair, stepped.Options(f))) for f in (-2.0, 0.0, 2.0)]
    for name in levels[0]:
        means = [level[name].mean() for level in levels]
        assert means[1] < 0.65 * means[0], name
        assert means[2] < 0.65 * means[1], name


def test_near_lossless_moves_nothing_that_shows(chair: Scene) -> None:
    found = errors(chair, decoded_in_source_order(chair, stepped.Options(2.9)))
    seen = alpha(chair) > 0.1
    assert found["shape"][seen].mean() < 0.02
    assert found["alpha"].max() < 0.01
    assert found["color"][seen].max() < 0.05
    assert (found["positions"] / np.exp(chair.log_scales.max(1)))[seen].max() < 0.02


def test_no_splat_is_lost_or_doubled(chair: Scene) -> None:
    order = stepped.encode(chair, stepped.Options(-1)).order
    assert np.array_equal(np.sort(order), np.arange(len(chair)))


def test_opaque_and_invisible_come_back_as_infinities(chair: Scene) -> None:
    logits = chair.opacity_logits.copy()
    logits[::7], logits[3::7] = np.inf, -np.inf
    decoded = decoded_in_source_order(chair.edited(opacity_logits=logits), stepped.Options(-1))
    assert np.array_equal(np.isposinf(decoded.opacity_logits), np.isposinf(logits))
    assert np.array_equal(np.isneginf(decoded.opacity_logits), np.isneginf(logits))


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_every_sh_degree_comes_back(chair: Scene, degree: int) -> None:
    count = (degree + 1) ** 2
    sh = np.random.default_rng(1).normal(0, 0.2, (len(chair), count, 3)).astype(np.float32)
    shared = min(count, 16)
    sh[:, :shared] = chair.sh[:, :shared]
    scene = chair.edited(sh=sh).take(np.arange(2000))
    decoded = decoded_in_source_order(scene, stepped.Options(2.0))
    assert decoded.sh.shape == scene.sh.shape
    seen = alpha(scene) > 0.3
    assert np.abs(decoded.sh - scene.sh)[seen].mean() < 0.01


@pytest.mark.parametrize("copies", [1, 2, 5000])
def test_equal_splats_encode_and_decode(chair: Scene, copies: int) -> None:
    scene = chair.take(np.full(copies, 100))
    decoded = decompress(encode(scene, Profile("fast", stepped.Options(0))))
    assert len(decoded) == copies
    assert np.abs(decoded.positions - scene.positions[0]).max() < 0.1 * np.exp(scene.log_scales.max())


def test_only_outliers_encode_and_decode(chair: Scene) -> None:
    scene = chair.take(np.arange(300))
    scene = scene.edited(positions=np.random.default_rng(2).normal(0, 1e6, (300, 3)).astype(np.float32))
    decoded = decoded_in_source_order(scene, stepped.Options(0))
    assert np.abs(decoded.positions - scene.positions).max() <= 0.5  # float32 itself has steps of 0.06 to 0.25 there


@pytest.mark.parametrize(("name", "value"), [("positions", 2e30), ("log_scales", 61), ("log_scales", -61), ("sh", 2e5)])
def test_a_value_beyond_every_step_is_refused_by_row_and_name(chair: Scene, name: str, value: float) -> None:
    broken = getattr(chair, name).copy()
    broken[7].flat[0] = value
    with pytest.raises(SceneError, match=re.escape(f"row 7: {name} holds {value:g}, beyond")):
        encode(chair.edited(**{name: broken}), Profile("fast"))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("sh", [[75112.0]]),
        ("sh", [[0, 0, 0], [20000.0, 0, 0]]),
        ("log_scales", [30.0, 30, 30]),
        ("log_scales", [40.0, -5, -5]),
    ],
)
def test_a_value_beyond_the_codes_of_its_steps_is_refused_by_row_and_name(
    chair: Scene, name: str, values: list[object]
) -> None:
    far = getattr(chair, name).copy()
    far[7][: len(values)] = values
    scene, options = chair.edited(**{name: far}), stepped.Options(3.1)
    refusal = f"row 7: {name} holds .*, too large to be coded at this quality; preset lossless"
    with pytest.raises(SceneError, match=refusal):
        stepped.encode(scene, options)
    with pytest.raises(SceneError, match=refusal):
        stepped.rounded(scene, options)


def test_a_needle_too_long_for_steps_of_its_turn_is_refused(chair: Scene) -> None:
    scales = chair.log_scales.copy()
    scales[7] = 9, -5, -5
    with pytest.raises(SceneError, match="row 7: rotations holds"):
        stepped.encode(chair.edited(log_scales=scales), stepped.Options(6))


def test_an_outlier_that_leaves_others_no_grid_is_refused(chair: Scene) -> None:
    positions = chair.positions.copy()
    positions[:9] = np.logspace(1, 28, 9)[:, None]  # they share a tile, of 2^40 cells an axis at most
    with pytest.raises(SceneError, match=r"row 8: positions holds 1e\+28"):
        stepped.encode(chair.edited(positions=positions), stepped.Options(0))
    positions[:9] = np.logspace(1, 6, 9)[:, None]
    decoded = decoded_in_source_order(chair.edited(positions=positions), stepped.Options(0))
    np.testing.assert_allclose(decoded.positions[:9], positions[:9], rtol=1e-3)


def test_sh_that_is_not_from_books_is_refused_beyond_its_codes_too(chair: Scene) -> None:
    some = vec_tree.Options(share=0.5)
    sh = chair.sh.copy()
    row = int(chair.opacity_logits.argmax())  # finer than half of the others: by numbers
    sh[row, 1:] = 50000
    with pytest.raises(SceneError, match=f"row {row}: sh holds 50000, too large to be coded"):
        stepped.encode(chair.edited(sh=sh), stepped.Options(3.1, sh_books=some))


def test_values_of_any_size_below_that_encode_and_decode_or_are_refused_by_name() -> None:
    rng = np.random.default_rng(3)
    refusals = []
    for n in (1, 2, 3, 50, 700):
        for power in (-6, 0, 6):
            scene = Scene(
                (rng.normal(0, 1, (n, 3)) * 10.0**power).astype(np.float32),
                np.clip(rng.normal(0, 10, (n, 3)), -59, 59).astype(np.float32),
                (rng.normal(0, 1, (n, 4)) * 10.0**power).astype(np.float32),
                rng.normal(0, 50, n).astype(np.float32),
                (rng.normal(0, 1, (n, 4, 3)) * 10.0 ** (power / 2)).astype(np.float32),
            )
            try:
                data = encode(scene, Profile("fast"))
            except SceneError as error:
                refusals.append(str(error))
            else:
                assert len(decompress(data)) == n
    assert 0 < len(refusals) < 15
    assert all(re.match(r"row \d+: \w+ holds .*, too large to be coded", refusal) for refusal in refusals)


def test_bytes_do_not_depend_on_threads(chair: Scene) -> None:
    one, two = (encode(chair, Profile("fast", stepped.Options(0, tile_splats=2000)), threads=t) for t in (1, 2))
    assert one == two


# --- Where the scene is, how large it is, and one far splat: none of that may cost the others anything ------------


def assert_errors_within(found: dict[str, np.ndarray], before: dict[str, np.ndarray], unit: float, ulp: float) -> None:
    """At most 1.05 x what they were, plus one unit in the last place of the coordinate.

    Of colours that is said of all but the worst 1 in 200. Where steps are largest their codes are zero, and what is
    left is the error of a prediction: any change of the grid draws the worst few anew, give or take a third.
    """
    for name in before:
        scale, slack = (unit, ulp) if name == "positions" else (1.0, 0.0)
        predicted = name in ("color", "sh")
        assert found[name].mean() / scale <= 1.05 * before[name].mean() + slack / scale, name
        largest, largest_before = (np.quantile(e[name], 0.995 if predicted else 1.0) for e in (found, before))
        assert largest / scale <= 1.05 * largest_before + slack / scale, name
        assert found[name].max() / scale <= (1.5 if predicted else 1.05) * before[name].max() + slack / scale, name


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_scaling_the_scene_costs_nothing(chair: Scene, factor: float) -> None:
    before = errors(chair, decoded_in_source_order(chair, stepped.Options(-0.5)))
    scaled = chair.edited(
        positions=chair.positions * np.float32(factor), log_scales=chair.log_scales + np.float32(np.log(factor))
    )
    found = errors(scaled, decoded_in_source_order(scaled, stepped.Options(-0.5)))
    assert_errors_within(found, before, factor, 0.0)


def test_moving_the_scene_costs_nothing_beyond_float32(chair: Scene) -> None:
    before = errors(chair, decoded_in_source_order(chair, stepped.Options(-0.5)))
    moved = chair.edited(positions=chair.positions + np.float32(1e5))
    found = errors(moved, decoded_in_source_order(moved, stepped.Options(-0.5)))
    assert_errors_within(found, before, 1.0, float(np.spacing(np.float32(1e5))))


def test_one_far_splat_costs_the_others_nothing(chair: Scene) -> None:
    before = errors(chair, decoded_in_source_order(chair, stepped.Options(-0.5)))
    far = {name: np.concatenate([value, value[:1]]) for name, value in chair.arrays().items()}
    far["positions"][-1] = 1e6
    scene = dataclasses.replace(chair, **far)
    found = errors(scene, decoded_in_source_order(scene, stepped.Options(-0.5)), splats=len(chair))
    assert_errors_within(found, before, 1.0, 0.0)


def test_coarser_colour_leaves_geometry_opacity_and_order_alone(chair: Scene) -> None:
    """What a closed loop relies on: only colour and SH move, and they cost less."""
    files = [encode(chair, Profile("fast", stepped.Options(0.0, color_offset=offset))) for offset in (0.0, -1.0)]
    as_fine, coarser = map(decompress, files)
    for name, values in as_fine.arrays().items():
        assert np.array_equal(values, coarser.arrays()[name]) == (name != "sh")
    assert len(files[1]) < 0.95 * len(files[0])


def test_a_dead_zone_zeroes_sh_up_to_its_width_and_leaves_the_rest_alone(chair: Scene) -> None:
    """More of what is coded is 0, so files are smaller; errors grow by no more than the zone."""
    plain, dead = stepped.Options(0.0, diffusion=0.0), stepped.Options(0.0, diffusion=0.0, sh_dead_zone=0.2)
    before, after = (stepped.rounded(chair, options) for options in (plain, dead))
    for name in ("positions", "log_scales", "rotations", "opacity_logits"):
        np.testing.assert_array_equal(before[name], after[name])
    np.testing.assert_array_equal(before["sh"][:, 0], after["sh"][:, 0])
    assert sum(map(len, chunks_of(chair, dead))) < 0.98 * sum(map(len, chunks_of(chair, plain)))
    errors = [np.sqrt(np.square(values["sh"] - chair.sh).mean()) for values in (before, after)]
    assert errors[0] < errors[1] <= 1.4 * errors[0]


def chunks_of(scene: Scene, options: stepped.Options) -> list[bytes]:
    return [chunk.payload for chunk in stepped.encode(scene, options).chunks]


def test_tiers_and_classes_that_are_not_one_a_splat_are_refused(chair):
    for short in ({"tiers": np.zeros(len(chair) - 1, np.uint8)}, {"classes": np.zeros((0, 2), np.int8)}):
        with pytest.raises(ValueError, match="there is not one class or one tier a splat"):
            stepped.encode(chair, stepped.Options(), **short)
