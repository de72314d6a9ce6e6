"""Native and reference decoder say the same of chunks that were changed below right checksums: the same bits, or no."""

from __future__ import annotations

import importlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splatzip import FormatError, Profile, Scene, compress, decompress
from splatzip.container.layout import Kind
from splatzip.quantize import stepped

ROOT = Path(__file__).resolve().parents[1]
NAMES = ["stepped_degree1", "stepped_tiers_tiles", "stepped_single_splat", "stepped_same_place"]
NAMES += ["columns_spz3", "columns_sog2_tiles", "columns_float32"]
CASES = 30


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Modules that are no part of the package."""
    for folder in ("docs", "scripts"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    names = ("reference_decoder", "reference.numbers", "vectors.taken_apart")
    return {name: importlib.import_module(name) for name in names}


def changed(data: bytes, rng: random.Random, taken_apart: Any) -> bytes:
    """The file with a byte of one of its chunks changed, left out or put in; early bytes, which say more, first."""
    parts = taken_apart.taken_apart(data)
    places = [(parts.shared, i) for i, (kind, *_) in enumerate(parts.shared) if kind < 128]
    places += [(run.payloads, i) for run in parts.runs for i in range(len(run.payloads))]
    where, i = rng.choice(places)
    payload = bytearray(where[i] if isinstance(where[i], bytes) else where[i][2])
    at = rng.randrange(min(len(payload), rng.choice([40, len(payload)])))
    payload[at : at + rng.randrange(2)] = bytes([rng.randrange(256)])[: rng.randrange(2)]
    where[i] = bytes(payload) if isinstance(where[i], bytes) else (*where[i][:2], bytes(payload))
    made: bytes = taken_apart.put_together(parts)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_both_decoders_take_or_refuse_a_changed_file_alike(name: str, outside: dict[str, Any]) -> None:
    data = (ROOT / "tests" / "vectors" / name / "input.splatz").read_bytes()
    rng = random.Random(name)
    taken = 0
    for case in range(CASES):
        file = changed(data, rng, outside["vectors.taken_apart"])
        try:
            native = decompress(file).arrays()
        except FormatError:
            with pytest.raises(outside["reference.numbers"].BadFile):
                outside["reference_decoder"].decode(file)
            continue
        reference = outside["reference_decoder"].decode(file)
        taken += 1
        for attribute, array in native.items():
            assert reference[attribute].tobytes() == array.tobytes(), (case, attribute)
    assert 0 < taken < CASES


@pytest.mark.parametrize("factor", [1.0, 30.0, 3e3, 3e5])
def test_both_decoders_take_codes_of_any_size_alike(
    factor: float, outside: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planes of colour and SH codes are kept in 8, 16 or 32 bits: some splats make theirs larger than most."""
    monkeypatch.setattr(stepped, "_refuse", lambda *_: None)  # codes at their ends are no scene, but legal
    rng = np.random.default_rng(7)
    n, sizes = 600, {"positions": 3, "log_scales": 3, "rotations": 4}
    arrays = {name: rng.normal(size=(n, size)).astype(np.float32) for name, size in sizes.items()}
    sh = rng.normal(size=(n, 4, 3)).astype(np.float32) / 10
    sh[::50] = np.clip(sh[::50] * factor, -9e4, 9e4)
    scene = Scene(**arrays, opacity_logits=np.ones(n, np.float32), sh=sh)
    file = compress(scene, profile=Profile.preset_named("near-lossless"))
    reference = outside["reference_decoder"].decode(file)
    for attribute, array in decompress(file).arrays().items():
        assert reference[attribute].tobytes() == array.tobytes(), attribute


@pytest.mark.parametrize("name", ["stepped_degree1", "columns_spz3"])
def test_a_tables_chunk_may_hold_any_number_of_sets(name: str, outside: dict[str, Any]) -> None:
    data = (ROOT / "tests" / "vectors" / name / "input.splatz").read_bytes()
    parts = outside["vectors.taken_apart"].taken_apart(data)
    count, *sets = parts.payload(Kind.TABLES)
    one_symbol = bytes([99, 0, 0, 2, 0, 0])  # of a stream to come
    parts.replace_shared(Kind.TABLES, 0, bytes([count + 100, *sets]) + one_symbol * 100)
    file = outside["vectors.taken_apart"].put_together(parts)
    reference = outside["reference_decoder"].decode(file)
    for attribute, array in decompress(file).arrays().items():
        assert reference[attribute].tobytes() == array.tobytes(), attribute


@pytest.mark.parametrize("id_", [2, 77, 256])
def test_tables_that_no_stream_of_codec_columns_may_name_are_not_read(id_: int, outside: dict[str, Any]) -> None:
    data = (ROOT / "tests" / "vectors" / "columns_spz3" / "input.splatz").read_bytes()
    parts = outside["vectors.taken_apart"].taken_apart(data)
    parts.shared.append((Kind.TABLES, id_, b"\xff"))
    file = outside["vectors.taken_apart"].put_together(parts)
    reference = outside["reference_decoder"].decode(file)
    for attribute, array in decompress(file).arrays().items():
        assert reference[attribute].tobytes() == array.tobytes(), attribute
