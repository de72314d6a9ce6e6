"""Preset balanced with the kernels for GPUs, run by the CPU or by a GPU: nearly the file of the CPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from splatzip import BackendError, Profile, Scene, compress, decompress, info, load, recipes, targets
from splatzip import balance as stages
from splatzip.kernels import device
from splatzip.optimize import repair, settle
from splatzip.raster.metrics import psnr
from splatzip.raster.rasterize import render
from splatzip.views import pseudo_views

SAMPLE = Path(__file__).resolve().parents[1] / "datasets" / "samples" / "chair" / "point_cloud.ply"
ENGINES = [
    pytest.param("emulated", marks=pytest.mark.cuda),
    pytest.param("cuda", marks=[pytest.mark.cuda, pytest.mark.gpu]),
]
SHORT = stages.Options(
    views=10,
    scoring_views=5,
    tier_views=3,
    repair=repair.Options(steps=12),
    settle=settle.Options(replace(settle.Options().rates, steps=12), every=2, replan=3),
)


@pytest.fixture(scope="module")
def chair() -> Scene:
    whole = load(SAMPLE)
    return whole.take(np.arange(0, len(whole), 12))


def profile() -> Profile:
    return replace(Profile.preset_named("balanced"), balance=SHORT)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_file_is_as_large_as_the_cpus_and_shows_as_much(chair: Scene, engine: device.Engine) -> None:
    on_cpu, found = (targets.encode_balanced(chair, profile(), threads=1, device=name) for name in ("cpu", engine))
    assert len(found) == pytest.approx(len(on_cpu), rel=0.005)
    facts, wanted = info(found), info(on_cpu)
    assert facts["splats"] == pytest.approx(wanted["splats"], rel=0.005)
    assert facts["quality"]["psnr_db"] == pytest.approx(wanted["quality"]["psnr_db"], abs=0.1)


@pytest.mark.parametrize("engine", ENGINES)
def test_recipes_choose_and_teach_on_a_gpu_too(chair: Scene, engine: device.Engine) -> None:
    cameras = [camera.scaled(0.4) for camera in pseudo_views(chair, count=4, threads=1).cameras]
    recipe = recipes.recipe_named("lightgaussian")
    quick = replace(recipe, repair=replace(recipe.repair, steps=8))
    quick = replace(quick, teach=replace(quick.teach, steps=replace(quick.teach.steps, steps=8)))
    on_cpu, found = (recipes.reduced(chair, cameras, quick, threads=1, device=name) for name in ("cpu", engine))
    assert len(found) == len(on_cpu)
    np.testing.assert_allclose(found.positions, on_cpu.positions, atol=1e-2)
    assert psnr(*(render(scene, cameras[0]).color.clip(0, 1) for scene in (found, on_cpu))) > 40


def test_without_a_gpu_compress_says_so_before_it_reads_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_module", lambda: SimpleNamespace(devices=lambda: ([], "there is no NVIDIA driver")))
    with pytest.raises(BackendError, match=r"^device cuda: there is no NVIDIA driver; use device cpu$"):
        compress("not/there.ply", device="cuda")


def test_auto_is_the_cpu_where_there_is_no_gpu(chair: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_module", lambda: None)
    few = chair.take(np.arange(300))
    assert compress(few, profile=profile(), device="auto") == compress(few, profile=profile())
    assert len(decompress(compress(few, preset="fast", device="auto"))) == 300


def test_a_device_that_nobody_has_is_named(chair: Scene) -> None:
    with pytest.raises(BackendError, match="there is no device 'tpu'; choose auto, cpu or cuda"):
        compress(chair, device="tpu")  # type: ignore[arg-type]
