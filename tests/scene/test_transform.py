"""Scenes turned, moved and scaled look the same from a camera that goes along."""

from __future__ import annotations

import numpy as np
import pytest

from splatzip.errors import SceneError
from splatzip.scene import Scene, SceneMeta
from splatzip.scene.sh import SH_FLIP_YZ, rotate_sh, sh_basis, sh_rotation
from splatzip.scene.transform import merged, quaternion, rotation_matrix, transformed

RNG = np.random.default_rng(7)


def some_scene(degree: int = 4, n: int = 20) -> Scene:
    return Scene(
        positions=RNG.normal(size=(n, 3)),
        log_scales=RNG.normal(size=(n, 3)) - 3,
        rotations=RNG.normal(size=(n, 4)),
        opacity_logits=RNG.normal(size=n),
        sh=RNG.normal(size=(n, (degree + 1) ** 2, 3)),
    )


def covariance(scene: Scene) -> np.ndarray:
    turns = np.stack([rotation_matrix(q) for q in scene.rotations])
    half = turns * np.exp(scene.log_scales.astype(np.float64))[:, None, :]
    return half @ half.transpose(0, 2, 1)


TURNS = [rotation_matrix(q) for q in [*np.eye(4), *RNG.normal(size=(4, 4))]]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("degree", range(5))
def test_turned_light_shines_in_the_turned_direction(turn: np.ndarray, degree: int) -> None:
    sh = RNG.normal(size=(5, (degree + 1) ** 2, 3)).astype(np.float32)
    d = RNG.normal(size=(50, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    before = np.einsum("mk,nkc->nmc", sh_basis(d, degree), sh)
    after = np.einsum("mk,nkc->nmc", sh_basis(d @ turn.T, degree), rotate_sh(sh, turn))
    assert np.abs(after - before).max() < 1e-5


def test_the_basis_is_orthonormal() -> None:
    # Gauss-Legendre in z and even steps in angle integrate products of degree 4 exactly.
    z, weights = np.polynomial.legendre.leggauss(8)
    angle = np.arange(16) * np.pi / 8
    r = np.sqrt(1 - z * z)
    d = np.stack([np.outer(r, np.cos(angle)), np.outer(r, np.sin(angle)), np.outer(z, np.ones(16))], -1).reshape(-1, 3)
    basis = sh_basis(d, 4)
    gram = (basis * np.repeat(weights, 16)[:, None] * np.pi / 8).T @ basis
    assert np.abs(gram - np.eye(25)).max() < 1e-13


def test_the_table_of_flips_is_the_half_turn_about_x() -> None:
    turn = sh_rotation(np.diag([1.0, -1.0, -1.0]), 4)
    assert np.abs(turn - np.diag([1, *SH_FLIP_YZ])).max() < 1e-13


@pytest.mark.parametrize("turn", TURNS)
def test_covariances_and_positions_follow(turn: np.ndarray) -> None:
    scene = some_scene()
    moved = transformed(scene, rotation=turn, scale=2.5, translation=(1, 2, 3))
    np.testing.assert_allclose(moved.positions, 2.5 * scene.positions @ turn.T + [1, 2, 3], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(covariance(moved), 6.25 * turn @ covariance(scene) @ turn.T, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("turn", TURNS)
def test_quaternion_and_matrix_are_inverse(turn: np.ndarray) -> None:
    assert np.abs(rotation_matrix(quaternion(turn)) - turn).max() < 1e-14


def test_far_away_the_origin_carries_the_distance() -> None:
    scene = some_scene()
    moved = transformed(scene, translation=(6e6, 0, 0))
    assert moved.origin.tolist() == [6e6, 0, 0]
    assert np.array_equal(moved.positions, scene.positions)
    back = transformed(moved, translation=(-6e6, 0, 0))
    assert back.origin.tolist() == [0, 0, 0]
    assert np.array_equal(back.positions, scene.positions)


def test_up_and_the_opening_camera_come_along() -> None:
    camera = {"position": [0, 0, -4], "target": [1, 0, 0], "up": [0, -1, 0], "fov_y_degrees": 60}
    scene = some_scene().edited(meta=SceneMeta(up=(0.0, -1.0, 0.0), camera=camera))
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])  # x to y, y to -x
    meta = transformed(scene, rotation=turn, scale=2, translation=(10, 0, 0)).meta
    assert meta.up == (1, 0, 0)
    assert meta.camera == {"position": [10, 0, -8], "target": [10, 2, 0], "up": [1, 0, 0], "fov_y_degrees": 60}
    by_name = scene.edited(meta=SceneMeta(camera={"target": "the door", "fov_y_degrees": 60}))
    assert transformed(by_name, rotation=turn).meta.camera == {"target": "the door", "fov_y_degrees": 60}


def test_merging_raises_to_the_highest_degree_and_keeps_distances() -> None:
    a, b = some_scene(1), transformed(some_scene(3), translation=(1e6, 0, 0))
    both = merged([a, b])
    assert (len(both), both.sh_degree) == (40, 3)
    assert not both.sh[:20, 4:].any()
    exact = np.concatenate([a.positions + a.origin, b.positions + b.origin])
    assert np.abs(both.positions + both.origin - exact).max() <= np.spacing(np.float32(1e6))


def test_merged_scenes_are_antialiased_only_together() -> None:
    sharp = some_scene()
    smooth = sharp.edited(meta=SceneMeta(antialiased=True))
    assert merged([smooth, smooth]).meta.antialiased
    assert not merged([smooth, sharp]).meta.antialiased


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotation": 2 * np.eye(3)},
        {"scale": 0.0},
        {"scale": np.nan},
        {"translation": (1, 2, np.inf)},
    ],
)
def test_what_is_no_rigid_motion_with_scale_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SceneError):
        transformed(some_scene(), **wrong)  # type: ignore[arg-type]
