"""The pieces of scripts/gpu_check, dry: what it will work out on a GPU, on one that is emulated."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from emulated_gpu import use_emulation

import splatzip
from splatzip import Camera, Scene
from splatzip.kernels.cuda_rasterize import BatchCounts, CudaRasterizer
from splatzip.kernels.device import Gpu
from splatzip.raster.view import view_of

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
    rasterizer.render([view_of(CAMERA, part.origin, exact_extent=True)], depth=False)
    counts = rasterizer.count()
    assert counts.groups == -(-len(part) // 32)
    assert 0 < counts.seen_groups <= counts.groups
    assert 0 < counts.seen <= 32 * counts.seen_groups
    assert counts.seen < counts.entries
    away = Camera.look_at((0, 0, -50), (0, 0, -99), width=101, height=67, fov_x_rad=0.9, name="away")
    rasterizer.render([view_of(away, part.origin, exact_extent=True)], depth=False)
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


@pytest.fixture
def written(part: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a measurement's main function on a small scene and an emulated GPU; the rows of the file that it wrote."""
    scene = tmp_path / "part" / "point_cloud.ply"
    scene.parent.mkdir()
    splatzip.save(part.take(np.arange(0, len(part), 6)), scene)
    facts = importlib.import_module("benchmark.gpu_facts")
    use_emulation(monkeypatch)
    monkeypatch.setattr(facts, "gpus", lambda: [Gpu("NVIDIA H100 80GB HBM3", (9, 0), 132, 1 << 36)])
    monkeypatch.setattr(facts, "ROOT", tmp_path)
    monkeypatch.setattr(facts, "FOLDER", tmp_path / "gpu")
    monkeypatch.setattr(sys, "argv", ["benchmark", str(scene)])

    def run(name: str, **changes: Any) -> list[dict[str, Any]]:
        module = importlib.import_module(f"benchmark.gpu{name and f'_{name}'}")
        for attribute, value in changes.items():
            monkeypatch.setattr(module, attribute, value)
        module.main()
        part_name = name or "decode"
        found = json.loads((tmp_path / "gpu" / f"nvidia_h100_80gb_hbm3_{part_name}.json").read_text())
        assert found["device"] == "NVIDIA H100 80GB HBM3"
        rows: list[dict[str, Any]] = found[part_name]
        return rows

    return run


@pytest.mark.cuda
def test_decoding_is_measured_to_the_end(written: Any) -> None:
    from splatzip import _cuda

    module = SimpleNamespace(
        pinned=lambda size: np.empty(size, np.uint8), make_decoder=lambda: _cuda.make_emulated_decoder(False)
    )
    rows = written("", SPLATS=(700, 900), REPETITIONS=1, WARM_UP=0, bandwidth=lambda: None, require_cuda=lambda: module)
    assert [(row["scene"], row["splats"]) for row in rows] == [("part", 700), ("part", 900)]


@pytest.mark.cuda
def test_the_viewers_path_is_measured_to_the_end(written: Any) -> None:
    measure = importlib.import_module("benchmark.gpu_viewer").measure
    rows = written(
        "viewer", SPLATS=(700,), WIDTH=96, HEIGHT=64, REPETITIONS=1, measure=partial(measure, pictures=2),
        served=lambda file: 12.0,
    )  # fmt: skip
    assert rows[0]["splats"] == 700
    assert rows[0]["pictures_a_second"] > 0


@pytest.mark.cuda
def test_parity_is_measured_to_the_end(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def compress(scene: Scene, *, preset: str, device: str, progress: Any) -> bytes:
        assert (preset, device) in {("balanced", "cpu"), ("balanced", "cuda")}
        progress(0.5, "writing")
        return bytes(len(scene))

    monkeypatch.setattr(splatzip, "compress", compress)
    row = written("parity", MANY=800)[0]
    assert row["balanced_cuda_of_a_million"]["bytes"] == 800
    assert set(row["balanced_cpu"]["by_step"]) == {"making views", "writing"}
    assert all(most < 1e-3 for most, _ in row["gradients"].values())


@pytest.mark.cuda
@pytest.mark.parametrize("peer", ["none", "works", "fails"])
def test_pictures_are_measured_to_the_end_whatever_the_peer_does(
    peer: str, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    gpu_pictures = importlib.import_module("benchmark.gpu_pictures")
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: SimpleNamespace(cuda_stream=0))
    rendering = ModuleType("gsplat.rendering")

    def rasterization(
        means: Any, quats: Any, scales: Any, opacities: Any, colors: Any, viewmats: Any, Ks: Any, width: int,
        height: int, near_plane: float = 0.01, eps2d: float = 0.3, sh_degree: int | None = None, packed: bool = True,
    ) -> Any:  # fmt: skip
        if peer == "fails":
            raise ImportError("it could not be compiled")
        assert (viewmats.shape, Ks.shape, quats.shape[1], opacities.ndim) == ((1, 4, 4), (1, 3, 3), 4, 1)
        assert scales.min() > 0
        assert (*colors.shape[1:], sh_degree) == (16, 3, 3)
        return torch.zeros((1, height, width, 3)), torch.zeros((1, height, width, 1)), {}

    monkeypatch.setattr(rendering, "rasterization", rasterization, raising=False)
    monkeypatch.setitem(sys.modules, "gsplat", ModuleType("gsplat"))
    monkeypatch.setitem(sys.modules, "gsplat.rendering", rendering)
    cameras = gpu_pictures.orbit_views
    rows = written(
        "pictures", SPLATS=(600,), WIDTH=96, HEIGHT=54, REPETITIONS=1, WARM_UP=0, DEVICE="cpu", bandwidth=lambda: 1e12,
        find_spec=lambda name: peer != "none",
        orbit_views=lambda scene: SimpleNamespace(cameras=cameras(scene).cameras[:5]),
    )  # fmt: skip
    ours, peers = ["splatzip", "splatzip, float32"], ["gsplat", "gsplat, packed"]
    assert [row["renderer"] for row in rows] == 2 * (ours + (peers if peer == "works" else []))
    assert rows[0]["db_beside_splatzip_float32"] > 60
    assert 0 < rows[0]["share_of_bandwidth"] < 1
