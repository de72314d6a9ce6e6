"""The pieces of scripts/gpu_check, dry: what it will work out on a GPU, on one that is emulated."""

from __future__ import annotations

import ast
import importlib
import subprocess
from pathlib import Path

import numpy as np
import pytest
from emulated_gpu import use_emulation

import splatzip
from splatzip import Camera, Scene
from splatzip.kernels.cuda_rasterize import BatchCounts, CudaRasterizer

ROOT = Path(__file__).resolve().parents[1]
CHAIR = ROOT / "datasets" / "samples" / "chair" / "point_cloud.ply"
CAMERA = Camera.look_at((1.1, -1.5, 0.9), (0.0, 0.0, 0.1), width=101, height=67, fov_x_rad=0.9, name="near")


@pytest.fixture
def part() -> Scene:
    return splatzip.load(CHAIR).take(np.arange(0, 43_000, 14))


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


def test_the_script_is_one() -> None:
    subprocess.run(["bash", "-n", str(ROOT / "scripts" / "gpu_check")], check=True)


def test_it_runs_modules_that_are_there() -> None:
    words = (ROOT / "scripts" / "gpu_check").read_text().split()
    modules = {word for word in words if word.startswith("benchmark.")}
    assert len(modules) == 4
    for module in modules:
        tree = ast.parse((ROOT / "scripts" / f"{module.replace('.', '/')}.py").read_text())
        assert any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body), module


def test_the_floor_of_a_picture_is_what_must_move_once() -> None:
    least_bytes = importlib.import_module("benchmark.gpu_floor").least_bytes
    counts = BatchCounts(groups=3, seen_groups=2, seen=40, entries=100)
    bytes_of = 3 * 20 + 2 * 32 * (44 + 12 + 90) + 40 * 64 + 100 * 12 + 32 * 16 * 16
    assert least_bytes(counts, size=(32, 16), coefficients=16, precise=False) == bytes_of
    more = 2 * 32 * 90 + 40 * 32
    assert least_bytes(counts, size=(32, 16), coefficients=16, precise=True) == bytes_of + more


@pytest.mark.cuda
def test_counts_are_those_of_the_last_picture(part: Scene) -> None:
    from splatzip import _cuda

    rasterizer = CudaRasterizer(core=_cuda.make_emulated_raster(False, False))
    rasterizer.set_scene(part.arrays())
    lens, black = [(CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy)], np.zeros(3, np.float32)
    settings = {"exact_extent": True, "antialias": False, "depth": False}
    rasterizer.render([CAMERA.world_to_camera], part.origin, lens, (101, 67), black, **settings)
    counts = rasterizer.count()
    assert counts.groups == -(-len(part) // 32)
    assert 0 < counts.seen_groups <= counts.groups
    assert 0 < counts.seen <= 32 * counts.seen_groups
    assert counts.seen < counts.entries
    away = Camera.look_at((0, 0, -50), (0, 0, -99), width=101, height=67, fov_x_rad=0.9, name="away")
    rasterizer.render([away.world_to_camera], part.origin, lens, (101, 67), black, **settings)
    assert rasterizer.count()[1:] == (0, 0, 0)


@pytest.mark.cuda
def test_gradients_are_near_enough_to_pass(part: Scene) -> None:
    from splatzip import _cuda

    gradients = importlib.import_module("benchmark.gpu_parity").gradients
    found = gradients(part, CAMERA, core=_cuda.make_emulated_raster(True, False))
    assert set(found) == set(part.arrays())
    assert all(most < 1e-4 for most, _ in found.values())


@pytest.mark.cuda
def test_the_way_to_the_first_picture_can_be_gone(part: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu_viewer = importlib.import_module("benchmark.gpu_viewer")
    use_emulation(monkeypatch)
    file = tmp_path / "part.splatz"
    file.write_bytes(splatzip.compress(part, preset="fast"))
    monkeypatch.setattr(gpu_viewer, "REPETITIONS", 1)
    row = gpu_viewer.measure(file, [CAMERA], pictures=2)
    assert row["first_seconds"] > 0 < row["pictures_a_second"]
    assert [(c.width, c.height) for c in gpu_viewer.cameras_of(part)] == [(1280, 720)] * 12


@pytest.mark.cuda
def test_scenes_are_repeated_and_decoded_as_they_will_be_timed(part: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from splatzip import _cuda

    gpu = importlib.import_module("benchmark.gpu")
    twice = gpu.repeated(part.take(np.arange(500)), 1100)
    assert len(twice) == 1100
    monkeypatch.setattr(gpu, "REPETITIONS", 1)
    monkeypatch.setattr(gpu, "WARM_UP", 0)
    use_emulation(monkeypatch)

    class Module:
        pinned = staticmethod(lambda size: np.empty(size, np.uint8))
        make_decoder = staticmethod(lambda: _cuda.make_emulated_decoder(False))

    row = gpu.measure(twice, Module, 1e12)
    assert row["splats"] == 1100
    assert 0 < row["share_of_bandwidth"] < 1
