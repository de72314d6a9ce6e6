"""Open3D and back: what its tools pick is whole splats. Skipped where Open3D cannot be imported."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import splatzip
from splatzip.errors import BackendError, SceneError

CHAIR = Path(__file__).resolve().parents[2] / "datasets/samples/chair/point_cloud.ply"
NAMES = ("positions", "log_scales", "rotations", "opacity_logits", "sh")


@pytest.fixture(scope="module")
def o3d():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports in turn
        return pytest.importorskip("open3d", exc_type=ImportError)


@pytest.fixture(scope="module")
def chair():
    return splatzip.load(CHAIR)


def test_a_scene_comes_back_from_open3d(o3d, chair):
    again = splatzip.from_open3d(splatzip.to_open3d(chair), like=chair)
    for name in set(NAMES) - {"log_scales"}:
        np.testing.assert_array_equal(getattr(again, name), getattr(chair, name))
    np.testing.assert_allclose(again.log_scales, chair.log_scales, atol=1e-6)
    assert again.meta == chair.meta


def test_attributes_are_those_that_open3d_reads_from_a_splat_ply(o3d, chair):
    ours, theirs = splatzip.to_open3d(chair), o3d.t.io.read_point_cloud(str(CHAIR))
    shared = set(theirs.point) - {"normals"}
    assert shared == {"positions", "scale", "rot", "opacity", "f_dc", "f_rest"}
    for name in shared:
        np.testing.assert_allclose(ours.point[name].numpy(), theirs.point[name].numpy(), rtol=1e-5, atol=1e-6)


def test_an_open3d_box_crops_whole_splats_and_the_counts_agree(o3d, chair, tmp_path):
    low, high = np.quantile(chair.positions, [0.3, 0.8], axis=0)
    box = o3d.t.geometry.AxisAlignedBoundingBox(o3d.core.Tensor(low), o3d.core.Tensor(high))
    inside = splatzip.from_open3d(splatzip.to_open3d(chair).crop(box), like=chair)
    ours = splatzip.transform(chair, crop=[*low, *high])
    assert 0 < len(inside) == len(ours) < len(chair)
    np.testing.assert_array_equal(inside.sh, ours.sh)
    splatzip.save(inside, tmp_path / "part.ply")
    assert len(splatzip.load(tmp_path / "part.ply")) == len(
        o3d.t.io.read_point_cloud(str(tmp_path / "part.ply")).point.positions
    )
    coded = splatzip.compress(tmp_path / "part.ply", preset="fast")
    assert splatzip.info(coded)["splats"] == len(inside)


def test_an_origin_far_away_survives(o3d, chair):
    far = chair.edited(origin=np.array([5e5, 5e6, 100.0]))
    cloud = splatzip.to_open3d(far)
    assert abs(cloud.point.positions.numpy() - (far.positions + far.origin)).max() < 1e-8
    again = splatzip.from_open3d(cloud, like=far)
    np.testing.assert_allclose(again.positions, far.positions, atol=1e-6)


def test_a_cloud_without_splats_is_refused_by_name(o3d):
    cloud = o3d.t.geometry.PointCloud(o3d.core.Tensor(np.zeros((3, 3), np.float32)))
    with pytest.raises(SceneError, match="without scale has no splats"):
        splatzip.from_open3d(cloud)
    with pytest.raises(SceneError, match="without positions"):
        splatzip.from_open3d(o3d.geometry.PointCloud())


def test_without_open3d_the_error_says_how_to_get_it(chair, monkeypatch):
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(BackendError, match=r"pip install 'splatzip\[open3d\]'"):
        splatzip.to_open3d(chair)
