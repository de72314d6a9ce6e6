"""Distillation by regression: numpy's least squares splat by splat, and pictures of the chair sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from splatzip import Profile, Scene, SceneError, SplatzipError, Views, compress, decompress, info, load, pseudo_views
from splatzip.distill import regression
from splatzip.quality import compare
from splatzip.raster import score
from splatzip.raster.score import unpacked

SAMPLE = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair"
FLOOR = 0.04


@pytest.fixture(scope="module")
def chair() -> Scene:
    return load(SAMPLE / "point_cloud.ply")


@pytest.fixture(scope="module")
def moments(chair: Scene) -> np.ndarray:
    """Of two views: each splat is seen from hardly more than two directions, which determine nothing alone."""
    cameras = Views.load(SAMPLE, split="test", photos=False).cameras[:2]
    curvature = score(chair, cameras, what={"curvature"}).color_curvature
    assert curvature is not None
    assert 0.03 < (curvature[:, 0] == 0).mean() < 0.9
    return curvature


def least_squares(scene: Scene, moments: np.ndarray, row: int, degree: int) -> tuple[np.ndarray, float]:
    """The best coefficients of a splat, ridge included, and the squared change that is left."""
    matrix = unpacked(moments[row : row + 1].astype(np.float64))[0]
    # Not by Cholesky, as the code under test has it.
    values, vectors = np.linalg.eigh(matrix + FLOOR * matrix[0, 0] * np.eye(len(matrix)))
    design = np.sqrt(values)[:, None] * vectors.T
    wanted = design @ scene.sh[row].astype(np.float64)
    kept = np.linalg.lstsq(design[:, : (degree + 1) ** 2], wanted, rcond=None)[0]
    return kept, float(((design[:, : (degree + 1) ** 2] @ kept - wanted) ** 2).sum())


def some_seen(moments: np.ndarray) -> list[int]:
    return np.flatnonzero(moments[:, 0])[::150].tolist()


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_the_coefficients_that_stay_are_the_ridge_regression_of_each_splat(
    chair: Scene, moments: np.ndarray, degree: int
) -> None:
    found = regression.distill(chair, moments, regression.Options(degree=degree, floor=FLOOR))
    assert found.scene.sh_degree == degree
    assert (found.degrees == degree).all()
    for row in some_seen(moments):
        best, _ = least_squares(chair, moments, row, degree)
        np.testing.assert_allclose(found.scene.sh[row], best, rtol=1e-4, atol=1e-4 * np.abs(best).max())


def test_nothing_but_sh_changes_and_splats_that_no_view_sees_are_truncated(chair: Scene, moments: np.ndarray) -> None:
    distilled = regression.distill(chair, moments, regression.Options(degree=1)).scene
    unseen = moments[:, 0] == 0
    np.testing.assert_array_equal(distilled.sh[unseen], chair.sh[unseen, :4])
    assert not np.array_equal(distilled.sh[~unseen], chair.sh[~unseen, :4])
    for name, values in distilled.arrays().items():
        assert name == "sh" or np.array_equal(values, chair.arrays()[name])


def test_a_splat_that_is_seen_evenly_from_all_around_is_truncated(chair: Scene) -> None:
    size = chair.sh.shape[1]
    even = np.eye(size, dtype=np.float32)[np.triu_indices(size)]
    found = regression.distill(chair, np.tile(even, (len(chair), 1)), regression.Options(degree=1)).scene
    np.testing.assert_allclose(found.sh, regression.truncated(chair, 1).sh, rtol=0, atol=1e-6)


def test_a_splat_takes_the_degree_whose_error_and_price_are_least_together(chair: Scene, moments: np.ndarray) -> None:
    options = regression.Options(price=2e-4, floor=FLOOR)
    found = regression.distill(chair, moments, options)
    rows = some_seen(moments)
    for row in rows:
        left = [least_squares(chair, moments, row, degree)[1] for degree in (0, 1, 2)] + [0.0]
        costs = np.array([error + 2e-4 * ((degree + 1) ** 2 - 1) for degree, error in enumerate(left)])
        assert costs[found.degrees[row]] <= costs.min() * (1 + 1e-4)
    assert len(set(found.degrees[rows])) >= 3
    kept = np.arange(chair.sh.shape[1]) < (found.degrees[:, None] + 1) ** 2
    assert not found.scene.sh[~kept].any()
    whole = found.degrees == 3
    np.testing.assert_array_equal(found.scene.sh[whole], chair.sh[whole])


@pytest.mark.parametrize("mean", [1.0, 6.0])
def test_a_mean_number_of_coefficients_is_met_and_not_exceeded(chair: Scene, moments: np.ndarray, mean: float) -> None:
    options = regression.Options(coefficients=mean, keep_unseen=False)
    kept = (regression.distill(chair, moments, options).degrees.astype(int) + 1) ** 2 - 1
    assert mean - 0.01 < kept.mean() <= mean


def test_splats_that_no_view_sees_keep_their_degree_unless_invisible(chair: Scene, moments: np.ndarray) -> None:
    unseen = np.flatnonzero(moments[:, 0] == 0)
    logits = chair.opacity_logits.copy()
    logits[unseen], logits[unseen[:9]] = 2.0, -8.0
    scene = chair.edited(opacity_logits=logits)
    degrees = regression.distill(scene, moments, regression.Options(coefficients=1.0)).degrees
    assert (degrees[unseen[9:]] == 3).all()
    assert (degrees[unseen[:9]] == 0).all()
    degrees = regression.distill(scene, moments, regression.Options(price=0.1, keep_unseen=False)).degrees
    assert (degrees[unseen] == 0).all()


def test_distilling_to_degree_2_loses_at_most_half_of_what_truncation_loses_in_views_that_were_not_scored(
    chair: Scene,
) -> None:
    views = Views.load(SAMPLE, split="test")
    scored = score(chair, pseudo_views(chair).cameras, what={"curvature"}).color_curvature
    assert scored is not None
    distilled = regression.distill(chair, scored, regression.Options(degree=2)).scene
    (cut, kept) = (compare(chair, scene, views) for scene in (regression.truncated(chair, 2), distilled))
    assert cut.photo is not None
    assert kept.photo is not None
    assert cut.photo.lost > 0.3
    assert kept.photo.lost <= 0.5 * cut.photo.lost
    assert kept.psnr > cut.psnr + 2.5


def test_any_number_of_threads_gives_the_same_bytes(chair: Scene, moments: np.ndarray) -> None:
    for options in (regression.Options(degree=1), regression.Options()):
        one, two = (regression.distill(chair, moments, options, threads=threads) for threads in (1, 2))
        assert one.scene.sh.tobytes() == two.scene.sh.tobytes()
        assert one.degrees.tobytes() == two.degrees.tobytes()


def test_a_degree_that_is_not_lower_changes_nothing(chair: Scene, moments: np.ndarray) -> None:
    found = regression.distill(chair, moments, regression.Options(degree=4))
    np.testing.assert_array_equal(found.scene.sh, chair.sh)
    assert (found.degrees == 3).all()
    assert regression.truncated(chair, 3) is chair


def test_a_scene_of_degree_0_comes_through(chair: Scene, moments: np.ndarray) -> None:
    plain = chair.edited(sh=chair.sh[:, :1])
    for options in (regression.Options(degree=2), regression.Options()):
        found = regression.distill(plain, moments[:, :1], options)
        np.testing.assert_array_equal(found.scene.sh, plain.sh)
        assert not found.degrees.any()


def test_absurd_coefficients_stay_finite(chair: Scene, moments: np.ndarray) -> None:
    found = regression.distill(chair.edited(sh=chair.sh * np.float32(1e30)), moments)
    assert np.isfinite(found.scene.sh).all()


def test_moments_of_another_scene_are_refused(chair: Scene, moments: np.ndarray) -> None:
    message = rf"moments of shape \({len(chair)}, 10\) are not of {len(chair)} splats with 16 coefficients"
    with pytest.raises(SceneError, match=message):
        regression.distill(chair, moments[:, :10], replace(regression.Options(), degree=1))


@pytest.mark.parametrize("preset", ["fast", "near-lossless"])
def test_a_preset_that_does_not_render_cuts_off_the_degrees_that_are_not_wanted(chair: Scene, preset: str) -> None:
    scene = chair.take(np.arange(3000))
    file = compress(scene, preset=preset, degree=1)
    whole = compress(regression.truncated(scene, 1), preset=preset)
    assert decompress(file).sh.tobytes() == decompress(whole).sh.tobytes()
    assert info(file)["sh_degree"] == 1
    # No estimated quality: it would be that of the steps alone.
    assert info(file)["settings"] == {"preset": preset, "sh_degree": "1"}
    assert compress(scene, preset=preset, degree=3) == compress(scene, preset=preset)


def test_a_verified_file_of_a_lower_degree_says_what_it_lost_of_the_whole_scene(chair: Scene) -> None:
    scene = chair.take(np.arange(0, len(chair), 8))
    of_all, of_few = (
        info(compress(scene, preset="near-lossless", degree=degree, verify=True))["quality"]["psnr_db"]
        for degree in (3, 0)
    )
    assert of_few < of_all - 10


def test_lossless_and_a_degree_exclude_each_other() -> None:
    with pytest.raises(SplatzipError, match="lossless keeps every SH degree; drop --degree"):
        Profile.preset_named("lossless", degree=2)
    with pytest.raises(SplatzipError, match="SH degree 5 is out of range: 0 to 4"):
        Profile.preset_named("fast", degree=5)
