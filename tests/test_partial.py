"""Partial decoding gives what is whole of a cut or damaged file, bit for bit, and says what is lacking."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from splatzip import CorruptError, FormatError, Scene, decompress
from splatzip.container import Kind, open_file

VECTORS = Path(__file__).resolve().parent / "vectors"
TIERS = (VECTORS / "stepped_tiers_tiles" / "input.splatz").read_bytes()
STAND_IN = VECTORS / "stepped_stand_in"
EVERYTHING = (VECTORS / "everything" / "input.splatz").read_bytes()


def rows(scene: Scene, *, with_sh: bool) -> list[bytes]:
    """Every splat as bytes."""
    arrays = [a.reshape(len(scene), -1) for a in scene.arrays().values()]
    if not with_sh:
        arrays[-1] = arrays[-1][:, :3]
    return [row.tobytes() for row in np.concatenate(arrays, axis=1)]


def is_part_of(part: Scene, whole: Scene) -> bool:
    """Whether each splat of `part` is one of `whole`, its SH the same or zero."""
    rest = part.sh[:, 1:].any(axis=(1, 2))
    exact = set(rows(whole, with_sh=True))
    bare = set(rows(whole, with_sh=False))
    return all(
        full in exact if has_rest else short in bare
        for full, short, has_rest in zip(rows(part, with_sh=True), rows(part, with_sh=False), rest, strict=True)
    )


def parts(folder: Path) -> dict[int, dict[str, np.ndarray]]:
    """By length of a vector's beginning, the log scales and opacities that are drawn of it."""
    found: dict[int, dict[str, np.ndarray]] = {}
    with np.load(folder / "parts.npz") as stored:
        for key, array in stored.items():
            length, name = key.split(".")
            found.setdefault(int(length), {})[name] = array
    return found


def damaged(data: bytes, at: int) -> bytes:
    out = bytearray(data)
    out[at] ^= 255
    return bytes(out)


def test_a_cut_file_gives_its_whole_tiles_and_more_the_longer_it_is() -> None:
    whole = decompress(TIERS)
    previous = 0
    for length in range(40, len(TIERS), 97):
        try:
            part = decompress(TIERS[:length], strict=False)
        except FormatError:
            assert previous == 0
            continue
        assert previous <= len(part) <= len(whole)
        assert part.meta.missing
        assert is_part_of(part, whole)
        previous = len(part)
    assert previous > len(whole) // 2


def test_a_prefix_of_the_tiers_is_a_prefix_of_the_rows() -> None:
    whole, file = decompress(TIERS), open_file(TIERS)
    second = next(run for run in file.runs if run.entry.tier == 1)
    part = decompress(TIERS[: second.chunks[0].offset], strict=False)
    assert len(part) == sum(chunk.splats for run in file.runs for chunk in run.chunks if run.entry.tier == 0) // 2
    without_sh = whole.edited(sh=np.concatenate([whole.sh[:, :1], np.zeros_like(whole.sh[:, 1:])], axis=1))
    for name, array in part.arrays().items():
        assert array.tobytes() == without_sh.arrays()[name][: len(part)].tobytes()


def test_a_damaged_chunk_costs_its_tile_from_its_tier_on_and_nothing_else() -> None:
    whole, file = decompress(TIERS), open_file(TIERS)
    for run in file.runs:
        for chunk in run.chunks:
            part = decompress(damaged(TIERS, chunk.offset + chunk.size // 2), strict=False)
            assert is_part_of(part, whole)
            if run.entry.layer == 1:
                assert len(part) == len(whole)
                assert int((~part.sh[:, 1:].any(axis=(1, 2))).sum()) >= chunk.splats
                assert f"SH of {chunk.splats} splats" in part.meta.missing
            else:
                later = [
                    c.splats
                    for r in file.runs
                    for c in r.chunks
                    if r.entry.layer == 0 and r.entry.tier >= run.entry.tier and c.tile == chunk.tile
                ]
                assert len(part) == len(whole) - sum(later)
            assert any(f"tile {chunk.tile} of segment 0 tier {run.entry.tier}" in line for line in part.meta.missing)


def test_a_damaged_directory_costs_its_tier_and_the_later_ones() -> None:
    file = open_file(TIERS)
    for run in file.runs:
        first = run.chunks[0].offset - 1
        if run.entry.tier == 0 and run.entry.layer == 0:
            with pytest.raises(FormatError, match="nothing can be decoded"):
                decompress(damaged(TIERS, first), strict=False)
            continue
        part = decompress(damaged(TIERS, first), strict=False)
        kept = [r for r in file.runs if r.entry.layer == 0 and (run.entry.layer or r.entry.tier < run.entry.tier)]
        assert len(part) == sum(chunk.splats for r in kept for chunk in r.chunks)


def test_lost_tables_cost_only_the_chunks_that_use_them() -> None:
    whole, file = decompress(EVERYTHING), open_file(EVERYTHING)
    for entry in file.shared:
        if entry.kind != Kind.TABLES:
            continue
        part = decompress(damaged(EVERYTHING, entry.offset + 5), strict=False)
        assert 0 < len(part) < len(whole)
        assert is_part_of(part, whole)


def test_damage_in_what_is_optional_costs_no_splat() -> None:
    file = open_file(EVERYTHING)
    for entry in file.shared:
        if entry.kind >= 128 and entry.size:
            part = decompress(damaged(EVERYTHING, entry.offset), strict=False)
            assert len(part) == file.root.splats
            assert part.meta.missing


@pytest.mark.parametrize("what", ["header", "root"])
def test_without_header_and_root_there_is_nothing(what: str) -> None:
    with pytest.raises(CorruptError, match=what):
        decompress(damaged(TIERS, 20 if what == "header" else 40), strict=False)


def test_a_whole_file_lacks_nothing() -> None:
    assert decompress(EVERYTHING, strict=False).meta.missing == ()


def test_what_stands_in_for_the_rest_is_as_wide_and_strong_as_the_vector_says() -> None:
    data = (STAND_IN / "input.splatz").read_bytes()
    whole = decompress(data)
    found = parts(STAND_IN)
    for length, drawn in found.items():
        part = decompress(data[:length], strict=False)
        assert len(part) == len(drawn["opacities"]) < len(whole)
        np.testing.assert_allclose(part.log_scales, drawn["log_scales"], atol=2e-6, rtol=1e-6)
        opacities = 1 / (1 + np.exp(-part.opacity_logits.astype(np.float64)))
        np.testing.assert_allclose(opacities, drawn["opacities"], atol=2e-7, rtol=1e-5)
        np.testing.assert_array_equal(part.positions, whole.positions[: len(part)])
    # In the middle of tiers, some splats stand in for what is lacking near them, and others for nothing.
    changed = [(d["log_scales"] != whole.log_scales[: len(d["log_scales"])]).any(axis=1).mean() for d in found.values()]
    assert changed[0] == 1
    assert 0 < min(changed) < 1


def test_the_reference_decoder_draws_the_same_parts() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(VECTORS.parents[1] / "docs"))
        reference = importlib.import_module("reference_decoder")
        data = (STAND_IN / "input.splatz").read_bytes()
        for length, drawn in parts(STAND_IN).items():
            again = reference.decode_part(data, length)
            for name, array in drawn.items():
                np.testing.assert_allclose(again[name], array, rtol=1e-6, err_msg=name)
