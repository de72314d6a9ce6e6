"""A PLY that was exported from a quantized format gets its codes back; nothing else gets any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from splatzip.formats import ply, splat, spz
from splatzip.formats.exported import with_source
from splatzip.scene import Scene

FIXTURES = Path(__file__).parents[1] / "fixtures"


def exported(scene: Scene, path: Path) -> Scene:
    """The scene after a trip through PLY."""
    assert ply.write(scene, path) == []
    return ply.read(path)


@pytest.mark.parametrize("name", ["v2_sh3", "v3_sh2", "v4_sh4"])
def test_a_ply_of_an_spz_has_its_codes_again(tmp_path: Path, name: str) -> None:
    scene = spz.read(FIXTURES / "spz" / f"{name}.spz")
    again = exported(replace(scene, meta=replace(scene.meta, axes=None)), tmp_path / "a.ply")
    assert scene.source is not None
    assert again.source is not None
    assert (again.source.format, again.source.version == 2) == ("spz", scene.source.version == 2)
    for code in ("alphas", "colors", "scales", "sh"):
        assert np.array_equal(again.source.codes[code], scene.source.codes[code])
    # Written as SPZ and read again, every float is the same: that is what the codes are for.
    if again.source.version != 2:
        spz.write(again, tmp_path / "a.spz")
        for attribute, array in spz.read(tmp_path / "a.spz").arrays().items():
            assert array.tobytes() == getattr(scene, attribute).tobytes()


def test_one_changed_bit_is_enough_to_be_a_float_scene(tmp_path: Path) -> None:
    scene = spz.read(FIXTURES / "spz" / "v3_sh2.spz")
    for attribute, array in scene.arrays().items():
        changed = array.copy()
        changed.reshape(-1).view(np.uint32)[-2 if attribute == "rotations" else -1] ^= 1
        assert with_source(scene.edited(**{attribute: changed})).source is None, attribute
    assert with_source(scene.edited()).source is not None


def test_a_trained_scene_has_no_codes() -> None:
    rng = np.random.default_rng(0)
    floats = {"positions": (400, 3), "log_scales": (400, 3), "rotations": (400, 4), "opacity_logits": (400,)}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in floats.items()}
    assert with_source(Scene(**arrays, sh=rng.normal(size=(400, 1, 3)).astype(np.float32))).source is None
    few = Scene(**{name: array[:5] for name, array in arrays.items()}, sh=np.zeros((5, 1, 3), np.float32))
    assert with_source(few).source is None


def test_floats_beyond_every_format_have_no_codes() -> None:
    vast = Scene(
        positions=np.full((2, 3), 3e38),
        log_scales=np.full((2, 3), 80.0),
        rotations=np.ones((2, 4)),
        opacity_logits=np.array([-np.inf, np.inf]),
        sh=np.zeros((2, 4, 3)),
    )
    assert with_source(vast).source is None


@pytest.mark.scenes
@pytest.mark.parametrize("name", ["scenes/chair_splat/chair.splat", "dynamic/head11/5.splat"])
def test_a_ply_of_a_real_splat_has_its_codes_again(scenes: Path, tmp_path: Path, name: str) -> None:
    scene = splat.read(scenes / name)
    again = exported(scene, tmp_path / "a.ply")
    assert scene.source is not None
    assert again.source is not None
    for code in ("positions", "colors", "rotations"):
        assert np.array_equal(again.source.codes[code], scene.source.codes[code])


@pytest.mark.scenes
@pytest.mark.parametrize("name", ["biker/biker.spz", "pod/pod.spz", "leica/leica.spz"])
def test_a_ply_of_a_real_spz_has_its_codes_again(scenes: Path, tmp_path: Path, name: str) -> None:
    scene = spz.read(scenes / "scenes" / name)
    again = exported(scene, tmp_path / "a.ply")
    assert scene.source is not None
    assert again.source is not None
    for code, values in scene.source.codes.items():
        assert np.array_equal(again.source.codes[code], values), code


@pytest.mark.scenes
@pytest.mark.parametrize("name", ["chair", "snowmiku"])
def test_a_real_trained_scene_has_no_codes(scenes: Path, name: str) -> None:
    assert ply.read(scenes / "scenes" / name / "point_cloud.ply").source is None
