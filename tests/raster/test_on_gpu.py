"""From a file's bytes to pictures where a scene lies on a GPU: emulated, and, where there is one, on it."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from emulated_gpu import use_emulation

import splatzip
from splatzip import BackendError, Camera, CorruptError, FormatError, GpuScene, Profile, Scene
from splatzip.encode import encode
from splatzip.kernels import device
from splatzip.raster import score
from splatzip.raster.rasterize import CudaPictures
from splatzip.stream import columns_on_gpu

score_module = importlib.import_module("splatzip.raster.score")
ROOT = Path(__file__).resolve().parents[2]
VECTORS = sorted(path.parent for path in (ROOT / "tests" / "vectors").glob("*/input.splatz"))
CHAIR = ROOT / "datasets" / "samples" / "chair" / "point_cloud.ply"
MACHINES = [
    pytest.param("emulated", marks=pytest.mark.cuda),
    pytest.param("device", marks=[pytest.mark.cuda, pytest.mark.gpu]),
]


@pytest.fixture(params=MACHINES)
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU: one that is emulated, or the machine's."""
    if request.param == "emulated":
        use_emulation(monkeypatch)


def chair(preset: Any) -> tuple[Scene, bytes, Camera]:
    """A part of a real scene, its file, and a look at it."""
    scene = splatzip.load(CHAIR).take(np.arange(0, 43_000, 14))
    camera = Camera.look_at((1.1, -1.5, 0.9), (0.0, 0.0, 0.1), width=101, height=67, fov_x_rad=0.9, name="near")
    return scene, splatzip.compress(scene, preset=preset), camera


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("folder", VECTORS, ids=[folder.name for folder in VECTORS])
def test_vectors_have_the_expected_bits_on_the_device(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_on_gpu, "decode_scene", None)  # nothing of codec COLUMNS goes through the host
    scene = splatzip.decompress_on_gpu(folder / "input.splatz")
    expected = np.load(folder / "expected.npz")
    host = scene.download()
    assert {name: array.tobytes() for name, array in host.arrays().items()} == {
        name: expected[name].tobytes() for name in host.arrays()
    }
    assert scene.origin.tobytes() == expected["origin"].tobytes()
    assert (len(scene), scene.sh_degree) == (len(host), host.sh_degree)


def outcome(decode: Callable[[], Scene]) -> dict[str, bytes] | str:
    """The bytes of each attribute, or why a file is refused."""
    try:
        return {name: array.tobytes() for name, array in decode().arrays().items()}
    except FormatError as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", [folder.name for folder in VECTORS if folder.name.startswith("columns_")])
def test_changed_codes_become_the_bits_or_the_error_of_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("scripts", "tests"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    changed = importlib.import_module("test_decoders_agree").changed
    data = (ROOT / "tests" / "vectors" / name / "input.splatz").read_bytes()
    rng = random.Random(name)
    files = [changed(data, rng, importlib.import_module("vectors.taken_apart")) for _ in range(25)]
    wanted = [outcome(lambda file=file: splatzip.decompress(file)) for file in files]
    assert 0 < sum(isinstance(one, str) for one in wanted) < len(files)
    assert [outcome(lambda file=file: splatzip.decompress_on_gpu(file).download()) for file in files] == wanted


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("format", ["compressed.ply", "spz", "sog"])
def test_a_real_scene_that_came_quantized_becomes_floats_where_its_codes_lie(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splatzip.save(splatzip.load(CHAIR).take(np.arange(0, 43_000, 7)), tmp_path / f"chair.{format}")
    data = splatzip.compress(splatzip.load(tmp_path / f"chair.{format}"), preset="lossless")
    wanted = outcome(lambda: splatzip.decompress(data))
    monkeypatch.setattr(columns_on_gpu, "decode_scene", None)
    assert outcome(lambda: splatzip.decompress_on_gpu(data).download()) == wanted


@pytest.mark.cuda
def test_codes_are_not_decoded_where_their_floats_would_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splatzip.save(splatzip.load(CHAIR).take(np.arange(3000)), tmp_path / "chair.spz")
    data = splatzip.compress(splatzip.load(tmp_path / "chair.spz"), preset="lossless")
    floats = 236 * 3000
    use_emulation(monkeypatch, memory=4 * floats)
    assert len(splatzip.decompress_on_gpu(data)) == 3000
    use_emulation(monkeypatch, memory=floats)
    with pytest.raises(BackendError, match=r"^device cuda: 2 MB of video memory are needed, 0 MB are free; use"):
        splatzip.decompress_on_gpu(data)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("preset", ["fast", "lossless"])
def test_pictures_of_what_was_decoded_there_are_those_of_what_the_host_decoded(preset: str) -> None:
    _, data, camera = chair(preset)
    there = splatzip.decompress_on_gpu(data)
    beside = CudaPictures(splatzip.decompress(data))
    found, wanted = splatzip.render(there, camera), beside.render(camera)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(found, wanted, strict=True))
    bytes_found = splatzip.renderer(there).render_bytes(camera)
    assert bytes_found.dtype == np.uint8
    assert np.array_equal(bytes_found, (np.clip(wanted.color, 0, 1) * 255 + 0.5).astype(np.uint8))


@pytest.mark.usefixtures("gpu")
def test_a_scene_of_the_host_is_brought_there_and_back() -> None:
    scene, _, camera = chair("fast")
    there = GpuScene.of(scene)
    assert {n: a.tobytes() for n, a in there.download().arrays().items()} == {
        n: a.tobytes() for n, a in scene.arrays().items()
    }
    for name in ("positions", "log_scales", "opacity_logits"):  # by themselves
        assert getattr(there, name).tobytes() == getattr(scene, name).tobytes()
    assert there.float_bytes == scene.float_bytes
    assert np.array_equal(splatzip.render(there, camera).color, CudaPictures(scene).render(camera).color)


@pytest.mark.usefixtures("gpu")
def test_part_of_a_file_is_drawn_as_the_host_decodes_it() -> None:
    data = (ROOT / "tests" / "vectors" / "stepped_tiers_tiles" / "input.splatz").read_bytes()
    part = data[: len(data) * 3 // 4]
    wanted = splatzip.decompress(part, strict=False)
    assert wanted.meta.missing
    found = splatzip.decompress_on_gpu(part, strict=False)
    assert found.meta.missing == wanted.meta.missing
    assert {n: a.tobytes() for n, a in found.download().arrays().items()} == {
        n: a.tobytes() for n, a in wanted.arrays().items()
    }


@pytest.mark.usefixtures("gpu")
def test_scores_are_close_to_those_of_the_cpu_wherever_the_scene_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, _, camera = chair("fast")
    wanted = score(scene, [camera], what={"weight", "removal"}, weights=[0.5])
    monkeypatch.setattr(score_module, "chosen_device", lambda choice: choice)
    for found in (
        score(scene, [camera], what={"weight", "removal"}, weights=[0.5], device="cuda"),
        score(GpuScene.of(scene), [camera], what={"weight", "removal"}, weights=[0.5]),
    ):
        for name in ("weight", "removal", "most_weight", "squared_weight"):
            ours, theirs = getattr(found, name), getattr(wanted, name)
            assert np.linalg.norm(ours - theirs) < 1e-3 * np.linalg.norm(theirs), name
        assert found.geometry_curvature is None


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "golden_bad").glob("*.splatz")), ids=lambda path: path.stem)
def test_bad_files_get_the_errors_of_the_cpu(path: Path) -> None:
    with pytest.raises(splatzip.FormatError) as wanted:
        splatzip.decompress(path)
    with pytest.raises(type(wanted.value)) as found:
        splatzip.decompress_on_gpu(path)
    assert str(found.value) == str(wanted.value)


@pytest.mark.usefixtures("gpu")
def test_bits_that_are_no_numbers_are_refused_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    scene, _, _ = chair("fast")
    scene.sh[7, 2, 1] = np.nan
    data = encode(scene, Profile.preset_named("lossless"))  # compress refuses it
    with pytest.raises(CorruptError, match="NaN in sh"):
        splatzip.decompress_on_gpu(data)


@pytest.mark.cuda
def test_too_little_memory_says_how_much_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, data, camera = chair("fast")
    words = r"^device cuda: \d+ MB of video memory are needed, \d+ MB are free; "
    use_emulation(monkeypatch, memory=1 << 16)
    with pytest.raises(BackendError, match=words + "use device cpu$"):
        splatzip.decompress_on_gpu(data)
    with pytest.raises(BackendError, match=words + "use device cpu$"):
        CudaPictures(scene)
    use_emulation(monkeypatch, memory=2 << 20)
    pictures = CudaPictures(scene.take(np.arange(2000)))
    pictures.render(Camera.look_at((1.1, -1.5, 0.9), (0, 0, 0.1), width=64, height=48, fov_x_rad=0.9, name="small"))
    large = Camera.look_at((1.1, -1.5, 0.9), (0, 0, 0.1), width=640, height=480, fov_x_rad=0.9, name="large")
    with pytest.raises(BackendError, match=words + "draw fewer or smaller pictures at once$"):
        pictures.render(large)
    assert pictures.render_bytes(camera).shape == (67, 101, 3)  # a smaller one still fits


@pytest.mark.cuda
def test_the_cpu_draws_no_scene_that_lies_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    use_emulation(monkeypatch)
    scene, _, camera = chair("fast")
    there = GpuScene.of(scene)
    with pytest.raises(BackendError, match=r"download\(\) gives one"):
        splatzip.renderer(there, device="cpu")
    with pytest.raises(BackendError, match=r"download\(\) gives one"):
        splatzip.render(there, camera, backend="native")


def test_scores_on_a_gpu_that_is_not_there_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_module", lambda: SimpleNamespace(devices=lambda: ([], "there is no NVIDIA driver")))
    scene, _, camera = chair("fast")
    with pytest.raises(BackendError, match=r"^device cuda: there is no NVIDIA driver; use device cpu$"):
        score(scene, [camera], device="cuda")


def test_without_a_gpu_it_says_so_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_module", lambda: SimpleNamespace(devices=lambda: ([], "there is no NVIDIA driver")))
    with pytest.raises(BackendError, match=r"^device cuda: there is no NVIDIA driver; use device cpu$"):
        splatzip.decompress_on_gpu(VECTORS[0] / "input.splatz")
