"""Section 8 of FORMAT.md in numpy gives the bits of the native dequantizers, on real files of every source format."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import splatzip
from splatzip.kernels.dequantize import dequantize
from splatzip.kernels.dequantize_spz import AXES
from splatzip.scene import QuantizedSource

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
FILES = sorted(
    [
        *(FIXTURES / "spz").glob("*.spz"),
        *(FIXTURES / "sog").glob("*.sog"),
        FIXTURES / "sog" / "v1",
        FIXTURES / "sog" / "v2_folder",
        *(FIXTURES / "compressed_ply").glob("*.compressed.ply"),
        *(FIXTURES / "ksplat").glob("*.ksplat"),
    ]
)


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module("reference.sources")


def compare(reference: Any, source: QuantizedSource) -> None:
    shapes = {name: (array.shape[1], array.dtype.name) for name, array in source.codes.items()}
    header, tables, codes = dict(source.header), dict(source.tables), dict(source.codes)
    with np.errstate(all="ignore"):
        expected = dequantize(source.format, source.version, codes, tables, header)
        found = reference.dequantize(reference.Source(source.format, source.version, header, shapes, tables, codes))
    for name, array in expected.items():
        assert found[name].shape == array.shape
        bits = [np.ascontiguousarray(values, np.float32).view(np.uint32) for values in (found[name], array)]
        assert np.array_equal(*bits), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_real_codes_become_the_same_floats(path: Path, reference: Any) -> None:
    source = splatzip.load(path).source
    assert source is not None
    compare(reference, source)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_any_byte_becomes_the_same_floats(path: Path, reference: Any) -> None:
    source = splatzip.load(path).source
    assert source is not None
    rng = np.random.default_rng(7)
    codes = {
        name: rng.integers(0, 256, array.shape).astype(np.uint8) if array.dtype == np.uint8 else array
        for name, array in source.codes.items()
    }
    if source.format == "sog":
        codes["rotations"][:, 3] |= 252
    compare(reference, QuantizedSource(source.format, source.version, codes, source.tables, source.header))


@pytest.mark.parametrize("axes", AXES)
def test_all_axes_of_spz_are_turned_the_same(axes: str, reference: Any) -> None:
    source = splatzip.load(FIXTURES / "spz" / "v4_sh4.spz").source
    assert source is not None
    header = {**source.header, "axes": axes}
    compare(reference, QuantizedSource("spz", source.version, source.codes, source.tables, header))


def test_every_scale_and_colour_of_splat_becomes_the_same_floats(reference: Any) -> None:
    scales = [0, 1, 0x00800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0x80000000, 0x80000001, 0xBF800000]
    n = 256
    byte = np.arange(n, dtype=np.uint8)[:, None]
    codes = {
        "positions": np.arange(3 * n, dtype=np.uint32).reshape(n, 3) * 5_000_011,
        "scales": np.resize(np.array(scales, np.uint32), (n, 3)),
        "colors": np.tile(byte, (1, 4)),
        "rotations": np.tile(byte, (1, 4)),
    }
    compare(reference, QuantizedSource("splat", 1, codes))
