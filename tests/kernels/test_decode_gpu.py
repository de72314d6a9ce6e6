"""Decoding on a GPU: the same bits as the CPU, the same errors, and words where there is none."""

from __future__ import annotations

import importlib
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import splatzip
from splatzip import BackendError, CorruptError, FormatError, decompress
from splatzip.kernels import cuda_decode, device
from splatzip.kernels.cuda_decode import GpuDecoder

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(path.parent for path in (ROOT / "tests" / "vectors").glob("*/input.splatz"))
SOME = ROOT / "tests" / "vectors" / "stepped_tiers_tiles" / "input.splatz"


CHANGED = (
    *("stepped_tiers_tiles", "stepped_classes", "residual_vq_geometry", "vec_tree"),
    *("columns_float32", "columns_spz3", "columns_sog2_tiles", "columns_compressed_ply", "columns_ksplat0"),
)


def outcome(file: bytes, *, name: str, strict: bool = True) -> dict[str, bytes] | str:
    """The bytes of each attribute, or the error, as a device of that name gives them."""
    try:
        scene = decompress(file, strict=strict, device="cuda" if name == "cuda" else "cpu")
    except FormatError as error:
        return f"{type(error).__name__}: {error}"
    return {name: array.tobytes() for name, array in {**scene.arrays(), "origin": scene.origin}.items()}


@pytest.mark.gpu
@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_vectors_have_the_expected_bits(folder: Path) -> None:
    expected = {name: array.tobytes() for name, array in np.load(folder / "expected.npz").items()}
    data = (folder / "input.splatz").read_bytes()
    assert outcome(data, name="cuda") == expected
    assert outcome(data, name="cuda") == expected  # from memory that was used before


@pytest.mark.gpu
@pytest.mark.parametrize("name", CHANGED)
def test_changed_files_get_the_bits_or_the_error_of_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("scripts", "tests"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    changed = importlib.import_module("test_decoders_agree").changed
    data = (ROOT / "tests" / "vectors" / name / "input.splatz").read_bytes()
    rng = random.Random(name)
    for _ in range(200):
        file = changed(data, rng, importlib.import_module("vectors.taken_apart"))
        assert outcome(file, name="cuda") == outcome(file, name="cpu")


@pytest.mark.gpu
def test_parts_of_a_cut_file_have_the_bits_of_the_cpu() -> None:
    data = SOME.read_bytes()
    for cut in range(len(data) // 4, len(data), len(data) // 8):
        assert outcome(data[:cut], name="cuda", strict=False) == outcome(data[:cut], name="cpu", strict=False)


@pytest.mark.gpu
def test_a_whole_scene_has_the_bits_of_the_cpu() -> None:
    chair = splatzip.load(ROOT / "datasets" / "samples" / "chair" / "point_cloud.ply")
    data = splatzip.compress(chair, preset="fast")
    assert outcome(data, name="cuda") == outcome(data, name="cpu")


@pytest.mark.gpu
def test_arrays_on_the_device_are_shared_with_torch() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs torch for CUDA")
    seen: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        original = GpuDecoder.stepped
        patch.setattr(GpuDecoder, "stepped", lambda *arguments: seen.append(original(*arguments)) or seen[0])
        scene = decompress(SOME.read_bytes(), device="cuda")
    positions = torch.from_dlpack(seen[0].arrays()[0])
    assert positions.is_cuda
    assert np.array_equal(positions.cpu().numpy(), scene.positions)


def test_without_a_gpu_decompress_says_so_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_module", lambda: SimpleNamespace(devices=lambda: ([], "there is no NVIDIA driver")))
    for folder in ("stepped_tiers_tiles", "columns_spz3"):
        with pytest.raises(BackendError, match=r"^device cuda: there is no NVIDIA driver; use device cpu$"):
            decompress(ROOT / "tests" / "vectors" / folder / "input.splatz", device="cuda")


def with_decoder(monkeypatch: pytest.MonkeyPatch, status: int, why: str) -> None:
    """A GPU whose decoder always says that."""
    module = SimpleNamespace(devices=lambda: ([{}], ""))
    monkeypatch.setattr(device, "_module", lambda: module)
    decoder = GpuDecoder(core=SimpleNamespace(decode_stepped=lambda *_: (None, status, why)))
    monkeypatch.setattr(cuda_decode, "shared_decoder", lambda: decoder)


def test_too_little_video_memory_is_a_backend_error_that_says_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    with_decoder(monkeypatch, -4, "900 MB of video memory are needed, 500 MB are free")
    with pytest.raises(BackendError, match=r"^device cuda: 900 MB of video memory are needed, 500 MB are free; use"):
        decompress(SOME, device="cuda")


def test_what_the_gpu_refuses_gets_the_error_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    taken_apart = importlib.import_module("vectors.taken_apart")
    parts = taken_apart.taken_apart(SOME.read_bytes())
    payload = bytearray(parts.runs[0].payloads[0])
    payload[-1] ^= 0x80
    parts.runs[0].payloads[0] = bytes(payload)
    broken = taken_apart.put_together(parts)
    with_decoder(monkeypatch, -10, "")
    with pytest.raises(CorruptError, match=r"tile 0 tier 0 layer 0 at byte \d+: its codes make no sense"):
        decompress(broken, device="cuda")


def test_a_gpu_that_refuses_a_whole_file_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    with_decoder(monkeypatch, -10, "")
    with pytest.raises(BackendError, match="the GPU refused a file that is whole"):
        decompress(SOME, device="cuda")
