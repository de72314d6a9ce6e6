"""Whoever reads a file may say where its axes point: the scene turns, with its light, its up and its camera."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

import splatzip
from splatzip import FormatError, Scene, SceneError, SceneMeta, load, save
from splatzip.formats import spz
from splatzip.kernels.dequantize_spz import AXES
from splatzip.scene.axes import checked_axes, read_as, turn_of
from splatzip.scene.sh import sh_basis
from splatzip.scene.transform import rotation_matrix, transformed

FIXTURES = Path(__file__).parents[1] / "fixtures"
ALL = ["".join(pairs[k] for k in order) for pairs in product("RL", "UD", "FB") for order in permutations(range(3))]


def covariances(scene: Scene) -> np.ndarray:
    turns = np.stack([rotation_matrix(q) for q in scene.rotations])
    half = turns * np.exp(scene.log_scales.astype(np.float64))[:, None, :]
    return half @ half.transpose(0, 2, 1)


def colours(scene: Scene, directions: np.ndarray) -> np.ndarray:
    return np.einsum("mk,nkc->mnc", sh_basis(directions, scene.sh_degree), scene.sh)


def assert_same_picture(one: Scene, other: Scene) -> None:
    assert np.array_equal(one.positions + one.origin, other.positions + other.origin)
    assert np.allclose(covariances(one), covariances(other), rtol=1e-4, atol=1e-7)
    directions = np.random.default_rng(3).normal(size=(40, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert np.abs(colours(one, directions) - colours(other, directions)).max() < 1e-5


@pytest.mark.parametrize("axes", AXES)
def test_what_turns_floats_agrees_with_the_spz_decoder_in_all_its_axes(axes: str) -> None:
    path = FIXTURES / "spz" / "v3_sh2.spz"
    decoded, turned = load(path, axes=axes), read_as(load(path), axes, "RUB")
    assert_same_picture(decoded, turned)
    assert (decoded.meta.axes, turned.meta.axes, turned.source is None) == (axes, axes, axes != "RUB")


@pytest.mark.parametrize("axes", ALL)
def test_every_order_and_every_mirror_is_a_change_of_axes(axes: str) -> None:
    scene = load(FIXTURES / "ksplat" / "l2-sh2.ply")
    turn = turn_of(axes)
    turned = read_as(scene, axes, "RDF")
    assert np.array_equal(turned.positions, (scene.positions.astype(np.float64) @ turn.T).astype(np.float32))
    assert np.allclose(covariances(turned), turn @ covariances(scene) @ turn.T, rtol=1e-4, atol=1e-7)
    directions = np.random.default_rng(3).normal(size=(40, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert np.abs(colours(turned, directions @ turn.T) - colours(scene, directions)).max() < 1e-5
    assert_same_picture(scene, transformed(turned, rotation=turn.T))


def test_axes_that_only_turn_over_change_nothing_but_signs() -> None:
    scene = load(FIXTURES / "ksplat" / "l2-sh2.ply")
    turned = read_as(scene, "RUB", "RDF")
    for name, array in scene.arrays().items():
        assert np.array_equal(np.sort(np.abs(array), axis=None), np.sort(np.abs(getattr(turned, name)), axis=None))
    assert np.array_equal(np.abs(turned.sh), np.abs(scene.sh))


def test_the_up_direction_and_the_opening_camera_turn_along() -> None:
    camera = {"position": [1, 2, 3], "target": [0, 0, 1], "fov_y_degrees": 60}
    scene = load(FIXTURES / "ksplat" / "l2-sh2.ply")
    scene = scene.edited(meta=SceneMeta(up=(0, 1, 0), camera=camera), origin=(1e7, 0, 0))
    turned = read_as(scene, "RUB", "RDF")
    assert turned.meta.up == (0, -1, 0)
    assert turned.meta.camera == {"position": [1, -2, -3], "target": [0, 0, -1], "fov_y_degrees": 60}
    near = transformed(scene, translation=(-1e7, 0, 5), scale=2)
    place = np.add(near.meta.camera["position"], near.origin)
    assert near.meta.up == (0, 1, 0)
    assert place.tolist() == [2 * (1 + 1e7) - 1e7, 4, 11]


@pytest.fixture
def copied(tmp_path: Path) -> tuple[Scene, Path]:
    """A scene, and an SPZ of the numbers of its PLY, as the converters that turn nothing write it."""
    scene = load(FIXTURES / "spz" / "v3_sh2.spz").edited()
    save(read_as(scene, "RUB", "RDF"), tmp_path / "turned.ply")  # so that the file's own axes undo it
    save(load(tmp_path / "turned.ply"), tmp_path / "copied.spz")
    assert np.array_equal(load(tmp_path / "copied.spz").positions, scene.positions * np.float32([1, -1, -1]))
    return scene, tmp_path / "copied.spz"


def test_an_spz_that_holds_the_numbers_of_a_ply_is_read_upright_and_keeps_its_codes(copied, tmp_path) -> None:
    scene, path = copied
    upright = load(path, axes="rdf")
    assert np.array_equal(upright.positions, scene.positions)
    assert np.allclose(covariances(upright), covariances(scene), rtol=0.02, atol=1e-5)
    assert np.abs(upright.sh - scene.sh).max() <= 1 / 16  # as coarse as SPZ has it
    assert upright.source is not None
    assert all(np.array_equal(codes, load(path).source.codes[name]) for name, codes in upright.source.codes.items())

    coded = splatzip.compress(path, axes="RDF")
    again = splatzip.decompress(coded)
    assert splatzip.info(coded)["source"] == "spz"
    rows = (np.lexsort(one.positions.T) for one in (upright, again))
    one, other = (scene.take(rows) for scene, rows in zip((upright, again), rows, strict=True))
    for name, array in one.arrays().items():
        assert np.array_equal(array, getattr(other, name)), name


@pytest.mark.parametrize("version", [3, 4])
def test_written_as_spz_it_is_as_the_format_says_and_nothing_moves(copied, tmp_path, version) -> None:
    upright = load(copied[1], axes="RDF")
    assert save(upright, tmp_path / "right.spz", version=version) == []
    right = load(tmp_path / "right.spz")
    assert right.source.header["axes"] == "RUB"
    assert right.source.records == ()
    for name in ("positions", "log_scales", "opacity_logits"):
        assert np.array_equal(getattr(right, name), getattr(upright, name)), name
    assert np.allclose(covariances(right), covariances(upright), rtol=1e-5, atol=1e-7)
    assert np.abs(right.sh - upright.sh).max() <= 1 / 128  # -1 turned over is 1, of which SPZ holds 0.992


def test_what_the_file_says_of_itself_is_overruled(tmp_path) -> None:
    path = FIXTURES / "spz" / "v4_axes_RFU.spz"
    said, told = load(path), load(path, axes="RUB")
    assert np.array_equal(load(path, axes="RFU").sh, said.sh)
    assert np.array_equal(told.positions, said.positions[:, [0, 2, 1]] * np.float32([1, -1, 1]))
    save(told, tmp_path / "again.spz")
    assert np.array_equal(load(tmp_path / "again.spz").positions, told.positions)
    assert spz.read(tmp_path / "again.spz").meta.axes is None


@pytest.mark.parametrize(
    ("name", "axes"),
    [("ksplat/l2-sh2.ply", "RDF"), ("sog/v2.sog", "RDF"), ("gltf/spz_2.glb", "RUB"), ("spz/v1.spz", "RUB")],
)
def test_the_axes_of_a_format_change_nothing(name: str, axes: str) -> None:
    usual, told = load(FIXTURES / name), load(FIXTURES / name, axes=axes)
    assert (told.source is None) == (usual.source is None)
    assert all(np.array_equal(array, getattr(told, key)) for key, array in usual.arrays().items())
    assert replace(told.meta, axes=None) == replace(usual.meta, axes=None)


def test_codes_that_cannot_turn_are_said_to_be_lost() -> None:
    turned = load(FIXTURES / "sog" / "v2.sog", axes="RUB")
    assert turned.source is None
    assert turned.meta.ignored == ("the codes of sog: turned, they are floats",)


def test_rows_that_repair_drops_do_not_keep_the_rest_from_turning() -> None:
    path = FIXTURES / "spz" / "v1.spz"
    scene = load(path, repair=True, axes="RDF")
    assert np.array_equal(scene.positions, load(path, repair=True).positions * np.float32([1, -1, -1]))


@pytest.mark.parametrize("axes", ["RD", "RRF", "XYZ", "RDFU", "", "RIB", "R F"])
def test_letters_that_are_no_axes_are_refused(axes: str) -> None:
    with pytest.raises(SceneError, match="a letter each of R or L, U or D, F or B"):
        checked_axes(axes)
    with pytest.raises(SceneError):
        load(FIXTURES / "spz" / "v1.spz", axes=axes)


def test_a_splatz_has_its_own_axes(tmp_path) -> None:
    save(load(FIXTURES / "spz" / "v1.spz"), tmp_path / "a.splatz")
    with pytest.raises(FormatError, match=r"a \.splatz has no other axes"):
        load(tmp_path / "a.splatz", axes="RDF")
