"""What a GPU would decode, lane by lane on the CPU: the native decoder's bits, whatever order lanes take."""

from __future__ import annotations

import importlib
import random
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import splatzip
from splatzip import BackendError, FormatError, decode
from splatzip.kernels import cuda_decode
from splatzip.kernels.cuda_decode import GpuDecoder

pytestmark = pytest.mark.cuda

ROOT = Path(__file__).resolve().parents[2]
VECTORS = sorted(path.parent for path in (ROOT / "tests" / "vectors").glob("*/input.splatz"))


CHANGED = (
    *("stepped_tiers_tiles", "stepped_classes", "residual_vq_geometry", "vec_tree"),
    *("columns_float32", "columns_spz3", "columns_sog2_tiles", "columns_compressed_ply", "columns_ksplat0"),
)


@pytest.fixture(params=[False, True], ids=["rising", "falling"])
def emulated(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that is emulated, lanes from the first to the last, or the other way around."""
    use_emulation(monkeypatch, falling=request.param)


def use_emulation(monkeypatch: pytest.MonkeyPatch, **how: Any) -> None:
    _cuda = importlib.import_module("splatzip._cuda")
    decoder = GpuDecoder(core=_cuda.make_emulated_decoder(**how))
    monkeypatch.setattr(cuda_decode, "shared_decoder", lambda: decoder)
    monkeypatch.setattr(decode, "require_cuda", lambda: _cuda)


def decoded(file: bytes, device: Literal["cpu", "cuda"] = "cuda") -> dict[str, bytes] | str:
    """The bytes of each attribute, or why a file is refused."""
    try:
        scene = splatzip.decompress(file, device=device)
    except FormatError as error:
        return f"{type(error).__name__}: {error}"
    return {name: array.tobytes() for name, array in {**scene.arrays(), "origin": scene.origin}.items()}


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("folder", VECTORS, ids=[folder.name for folder in VECTORS])
def test_vectors_have_the_expected_bits(folder: Path) -> None:
    expected = {name: array.tobytes() for name, array in np.load(folder / "expected.npz").items()}
    assert decoded((folder / "input.splatz").read_bytes()) == expected


@pytest.mark.parametrize("name", CHANGED)
def test_changed_files_are_taken_or_refused_as_by_the_native_decoder(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("scripts", "tests"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    changed = importlib.import_module("test_decoders_agree").changed
    data = (ROOT / "tests" / "vectors" / name / "input.splatz").read_bytes()
    rng = random.Random(name)
    files = [changed(data, rng, importlib.import_module("vectors.taken_apart")) for _ in range(40)]
    expected = [decoded(file, "cpu") for file in files]
    assert 0 < sum(isinstance(one, str) for one in expected) < len(files)
    use_emulation(monkeypatch, falling=True)
    assert [decoded(file) for file in files] == expected


def test_with_little_memory_tiles_are_decoded_in_batches_to_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    data = (ROOT / "tests" / "vectors" / "stepped_tiers_tiles" / "input.splatz").read_bytes()
    expected = decoded(data, "cpu")
    for memory in (1 << 24, 1 << 19, 1 << 18):
        use_emulation(monkeypatch, falling=False, memory=memory)
        assert decoded(data) == expected


def test_too_little_memory_for_a_tile_is_said_before_any_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    use_emulation(monkeypatch, falling=False, memory=1 << 17)
    words = r"^device cuda: 1 MB of video memory are needed, 0 MB are free; use device cpu$"
    with pytest.raises(BackendError, match=words):
        decoded((ROOT / "tests" / "vectors" / "stepped_tiers_tiles" / "input.splatz").read_bytes())


def test_tiles_of_codec_columns_are_decoded_in_batches_too(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = splatzip.load(ROOT / "datasets" / "samples" / "chair" / "point_cloud.ply").take(np.arange(3000))
    data = splatzip.compress(scene, preset="lossless")
    assert splatzip.info(data)["tiles"] > 1
    expected = decoded(data, "cpu")
    for memory in (1 << 30, 3 << 20):
        use_emulation(monkeypatch, falling=False, memory=memory)
        assert decoded(data) == expected
    use_emulation(monkeypatch, falling=False, memory=1 << 20)
    with pytest.raises(
        BackendError, match=r"^device cuda: \d MB of video memory are needed, 1 MB are free; use device"
    ):
        decoded(data)
