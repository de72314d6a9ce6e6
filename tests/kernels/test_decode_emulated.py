"""What a GPU would decode, lane by lane on the CPU: the native decoder's bits, whatever order lanes take."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import splatzip
from splatzip import FormatError, decode
from splatzip.errors import STATUS
from splatzip.kernels.stepped import ChunkPlace

pytestmark = pytest.mark.cuda

ROOT = Path(__file__).resolve().parents[2]
VECTORS = sorted(path.parent for path in (ROOT / "tests" / "vectors").glob("*/input.splatz"))
STEPPED = [folder for folder in VECTORS if not folder.name.startswith("columns")]


def emulator(*, falling: bool) -> Callable[..., Any]:
    """What decodes in place of the native decoder; lanes from the first to the last, or the other way around."""
    _cuda = importlib.import_module("splatzip._cuda")

    def emulate(
        file: memoryview, params: bytes, books: Sequence[bytes], tables: Sequence[bytes],
        chunks: Sequence[ChunkPlace], splats: int, _threads: int,
    ) -> Any:  # fmt: skip
        places = [(c.tile, c.tier, c.layer, c.splats, c.row, c.offset, c.size) for c in chunks]
        data = np.frombuffer(file, np.uint8)
        arrays, status = _cuda.emulate_stepped(data, params, list(books), list(tables), places, splats, falling)
        return [np.asarray(array) for array in arrays] if status == 0 else (STATUS[status], -1)

    return emulate


def decoded(file: bytes) -> dict[str, bytes] | None:
    """The bytes of each attribute, or None for a file that is refused."""
    try:
        scene = splatzip.decompress(file)
    except FormatError:
        return None
    return {name: array.tobytes() for name, array in {**scene.arrays(), "origin": scene.origin}.items()}


@pytest.mark.parametrize("falling", [False, True], ids=["rising", "falling"])
@pytest.mark.parametrize("folder", STEPPED, ids=[folder.name for folder in STEPPED])
def test_vectors_have_the_expected_bits(folder: Path, falling: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "decode_stepped", emulator(falling=falling))
    expected = {name: array.tobytes() for name, array in np.load(folder / "expected.npz").items()}
    assert decoded((folder / "input.splatz").read_bytes()) == expected


@pytest.mark.parametrize("name", ["stepped_tiers_tiles", "stepped_classes", "residual_vq_geometry", "vec_tree"])
def test_changed_files_are_taken_or_refused_as_by_the_native_decoder(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("scripts", "tests"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    changed = importlib.import_module("test_decoders_agree").changed
    data = (ROOT / "tests" / "vectors" / name / "input.splatz").read_bytes()
    rng = random.Random(name)
    files = [changed(data, rng, importlib.import_module("vectors.taken_apart")) for _ in range(40)]
    expected = [decoded(file) for file in files]
    assert 0 < sum(one is None for one in expected) < len(files)
    monkeypatch.setattr(decode, "decode_stepped", emulator(falling=True))
    assert [decoded(file) for file in files] == expected
