"""Splat PLYs whose names are not the trainers': the same scene as if they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from plyfile import PlyData, PlyElement

from splatzip.errors import FormatError, SceneError, UnsupportedFeatureError
from splatzip.formats import ply

N = 40
SH_C0 = 0.28209479177387814
NAMES = (*"xyz", "f_dc_0", "f_dc_1", "f_dc_2", *(f"f_rest_{i}" for i in range(9)), "opacity")
NAMES += ("scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3")


def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {name: rng.normal(size=N).astype(np.float32) for name in NAMES}


def written(path: Path, cols: dict[str, np.ndarray]) -> Path:
    rows = np.rec.fromarrays(list(cols.values()), names=list(cols))
    PlyData([PlyElement.describe(rows, "vertex")], byte_order="<").write(str(path))
    return path


@pytest.mark.parametrize("prefix", ["scalar_", "scal_", "scalar_scal_"])
def test_cloudcompare_puts_a_prefix_before_most_names(tmp_path: Path, prefix: str) -> None:
    usual = ply.read(written(tmp_path / "a.ply", columns()))
    renamed = {name if name in "xyz" else prefix + name: values for name, values in columns().items()}
    renamed["scalar_Original_cloud_index"] = np.zeros(N, np.float32)
    scene = ply.read(written(tmp_path / "b.ply", renamed))
    for name, values in usual.arrays().items():
        np.testing.assert_array_equal(scene.arrays()[name], values, name)
    assert scene.meta.ignored == ("property scalar_Original_cloud_index",)


def test_a_name_without_prefix_wins(tmp_path: Path) -> None:
    scene = ply.read(written(tmp_path / "a.ply", {"scalar_opacity": np.ones(N, np.float32), **columns()}))
    np.testing.assert_array_equal(scene.opacity_logits, columns()["opacity"])
    assert scene.meta.ignored == ("property scalar_opacity",)


def test_nerfstudios_colours_in_bytes_are_sh_of_degree_0(tmp_path: Path) -> None:
    cols = {name: values for name, values in columns().items() if not name.startswith("f_")}
    rgb = np.random.default_rng(1).integers(0, 256, (N, 3), np.uint8)
    scene = ply.read(written(tmp_path / "a.ply", cols | {"red": rgb[:, 0], "green": rgb[:, 1], "blue": rgb[:, 2]}))
    assert scene.sh_degree == 0
    np.testing.assert_allclose(255 * (0.5 + SH_C0 * scene.sh[:, 0].astype(np.float64)), rgb, atol=1e-4)
    assert scene.meta.ignored == ()


def test_colours_of_another_type_do_not_stand_for_sh(tmp_path: Path) -> None:
    cols = {name: values for name, values in columns().items() if not name.startswith("f_")}
    cols |= dict.fromkeys(("red", "green", "blue"), np.zeros(N, np.float32))
    with pytest.raises(FormatError, match="missing properties f_dc_0 f_dc_1 f_dc_2"):
        ply.read(written(tmp_path / "a.ply", cols))


def test_the_3d_filter_of_mip_splatting_is_applied_as_the_project_fuses_it(tmp_path: Path) -> None:
    cols = columns()
    width = np.random.default_rng(2).uniform(0.1, 3, N).astype(np.float32)
    width[:2] = 0
    cols["opacity"][2:4] = -30, 30
    scene = ply.read(written(tmp_path / "a.ply", cols | {"filter_3D": width}))
    # As save_fused_ply has it, in double precision.
    squares = np.exp(np.stack([cols[f"scale_{i}"] for i in range(3)], 1).astype(np.float64)) ** 2
    after = squares + width[:, None].astype(np.float64) ** 2
    fade = np.sqrt(squares.prod(1) / after.prod(1))
    alpha = fade / (1 + np.exp(-cols["opacity"].astype(np.float64)))
    np.testing.assert_allclose(np.exp(2.0 * scene.log_scales), after, rtol=1e-6)
    np.testing.assert_allclose(1 / (1 + np.exp(-scene.opacity_logits.astype(np.float64))), alpha, rtol=1e-6)
    for i in range(3):
        assert np.array_equal(scene.log_scales[:2, i], cols[f"scale_{i}"][:2])
    assert np.array_equal(scene.opacity_logits[:2], cols["opacity"][:2])
    assert len(scene.meta.ignored) == 1
    assert "property filter_3D, which is applied" in scene.meta.ignored[0]


def test_a_scale_of_zero_is_the_smallest_that_is_none(tmp_path: Path) -> None:
    cols = columns()
    cols["scale_2"][[3, 5]] = -np.inf
    scene = ply.read(written(tmp_path / "a.ply", cols))
    np.testing.assert_allclose(np.exp(scene.log_scales[[3, 5], 2].astype(np.float64)), 2.0**-126, rtol=1e-5)
    assert np.array_equal(np.delete(scene.log_scales[:, 2], [3, 5]), np.delete(cols["scale_2"], [3, 5]))
    assert scene.meta.ignored == ("scales of 0 (-Inf) of 2 splats, which become 2^-126",)
    cols["scale_2"][9] = np.inf
    with pytest.raises(SceneError, match="row 9: Inf in log_scales"):
        ply.read(written(tmp_path / "b.ply", cols))


def test_anchors_of_scaffold_gs_are_named(tmp_path: Path) -> None:
    cols = {name: values for name, values in columns().items() if not name.startswith("f_")}
    cols |= {"f_offset_0": np.zeros(N, np.float32), "f_anchor_feat_0": np.zeros(N, np.float32)}
    with pytest.raises(UnsupportedFeatureError, match="anchors of Scaffold-GS"):
        ply.read(written(tmp_path / "a.ply", cols))
