""".ksplat: what its own library writes is read as another tool reads it, and lying headers are refused."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest

from splatzip.errors import CorruptError, FormatError, SceneError, TruncatedError, UnsupportedVersionError
from splatzip.formats import ksplat, ply, splat
from splatzip.formats.registry import format_of_name
from splatzip.kernels import exact_log
from splatzip.kernels.dequantize import dequantize
from splatzip.scene import Scene

FIXTURES = Path(__file__).parents[1] / "fixtures" / "ksplat"
NAMES = ("l0-sh0", "l0-sh2", "l1-sh0", "l1-sh2", "l2-sh1", "l2-sh2")
SECTION = 4096  # offset of the first section header


def patched(path: Path, name: str, *changes: tuple[int, str, object]) -> Path:
    """A fixture with values replaced: (offset, struct type, value)."""
    raw = bytearray((FIXTURES / f"{name}.ksplat").read_bytes())
    for offset, kind, value in changes:
        struct.pack_into("<" + kind, raw, offset, value)
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_every_level_is_read_as_splat_transform_reads_it(name: str) -> None:
    ours, theirs = ksplat.read(FIXTURES / f"{name}.ksplat"), ply.read(FIXTURES / f"{name}.ply")
    for attribute, array in ours.arrays().items():
        np.testing.assert_allclose(array, getattr(theirs, attribute), 1e-6, 1e-7, err_msg=attribute)
    assert ours.meta.ignored == ()


@pytest.mark.parametrize("name", NAMES)
def test_codes_and_tables_are_those_of_the_file(name: str) -> None:
    source = ksplat.read(FIXTURES / f"{name}.ksplat").source
    assert source is not None
    level, degree = int(name[1]), int(name[-1])
    assert source.header["compression_level"] == level
    assert source.codes["positions"].dtype == (np.uint16 if level else np.uint32)
    assert ("sh" in source.codes) == (degree > 0)
    assert list(source.tables["sh_degrees"]) == [degree, degree]
    buckets = source.codes["buckets"][:, 0].astype(int)
    assert (np.diff(buckets) >= 0).all()
    sizes = np.bincount(buckets)
    assert sizes[source.tables["bucket_sections"] == 0].sum() == 60
    if level:
        assert (sizes[:16] == 3).all()  # the full buckets come first
        assert (sizes[16:24] < 3).all()
        assert list(source.tables["full_buckets"]) == [16, 8]


@pytest.mark.parametrize("name", NAMES)
def test_codes_mean_the_same_in_any_order(name: str) -> None:
    scene = ksplat.read(FIXTURES / f"{name}.ksplat")
    source = scene.source
    assert source is not None
    order = np.random.default_rng(0).permutation(len(scene))
    shuffled = {key: values[order] for key, values in source.codes.items()}
    floats = dequantize("ksplat", 1, shuffled, source.tables, source.header)
    for attribute, array in scene.arrays().items():
        assert floats[attribute].tobytes() == array[order].tobytes()


def test_the_dequantizer_is_the_formula_of_the_format_to_the_bit() -> None:
    rng = np.random.default_rng(1)
    n, buckets, sections = 5000, 40, 3
    halves = rng.integers(0, 0x7C00, (n, 7), np.uint16)  # every finite half that is not negative
    halves[0] = 0
    codes = {
        "positions": rng.integers(0, 1 << 16, (n, 3), np.uint16),
        "scales": np.ascontiguousarray(halves[:, :3]),
        "rotations": np.ascontiguousarray(halves[:, 3:]),
        "colors": rng.integers(0, 256, (n, 4), np.uint8),
        "buckets": rng.integers(0, buckets, (n, 1), np.uint32),
        "sh": rng.integers(0, 256, (n, 24), np.uint8),
    }
    tables = {
        "bucket_centers": rng.normal(size=(buckets, 3)).astype(np.float32),
        "bucket_sections": rng.integers(0, sections, buckets, np.uint32),
        "block_sizes": np.array([5, 0.3, 7], np.float32),
        "ranges": np.array([32767, 1000, 1], np.uint32),
        "sh_degrees": np.array([2, 1, 0], np.uint32),
    }
    low, high = float(np.float32(-0.3)), float(np.float32(0.7))
    floats = dequantize("ksplat", 1, codes, tables, {"compression_level": 2, "sh_min": low, "sh_max": high})
    bucket = codes["buckets"][:, 0]
    section = tables["bucket_sections"][bucket]
    ranges = tables["ranges"].astype(np.float64)
    factor = tables["block_sizes"].astype(np.float64) / 2 / ranges
    offset = (codes["positions"] - ranges[section][:, None]) * factor[section][:, None]
    scales = codes["scales"].view(np.float16).astype(np.float64)
    values = (codes["sh"] / 255.0 * (high - low) + low).astype(np.float32)
    sh = np.concatenate(
        [values[:, :9].reshape(n, 3, 3).transpose(0, 2, 1), values[:, 9:].reshape(n, 3, 5).transpose(0, 2, 1)], 1
    )
    sh[section == 1, 3:] = 0
    sh[section == 2] = 0
    expected = {
        "positions": (offset + tables["bucket_centers"][bucket]).astype(np.float32),
        "log_scales": exact_log(np.maximum(scales, 2.0**-25)).astype(np.float32),
        "rotations": codes["rotations"].view(np.float16).astype(np.float32),
    }
    for name, array in expected.items():
        assert floats[name].tobytes() == array.tobytes(), name
    assert floats["sh"][:, 1:].tobytes() == sh.tobytes()


def test_sections_of_different_degree_share_a_scene(tmp_path: Path) -> None:
    # The second section becomes degree 0: its rows shrink from 48 to 24 bytes and the rest of the file is unused.
    path = patched(tmp_path / "a.ksplat", "l2-sh2", (SECTION + 1024 + 40, "H", 0))
    scene = ksplat.read(path, repair=True)
    assert scene.sh_degree == 2
    whole = ksplat.read(FIXTURES / "l2-sh2.ksplat")
    assert np.array_equal(scene.sh[:60], whole.sh[:60])
    assert not scene.sh[60:, 1:].any()
    assert any("bytes after the last section" in line for line in scene.meta.ignored)


def test_zeros_in_the_header_stand_for_the_defaults(tmp_path: Path) -> None:
    changes = [(36, "f", 0.0), (40, "f", 0.0), (SECTION + 24, "I", 0), (SECTION + 1024 + 24, "I", 0)]
    scene = ksplat.read(patched(tmp_path / "a.ksplat", "l2-sh2", *changes))
    assert scene.source is not None
    assert (scene.source.header["sh_min"], scene.source.header["sh_max"]) == (-1.5, 1.5)
    whole = ksplat.read(FIXTURES / "l2-sh2.ksplat")
    assert np.array_equal(scene.positions, whole.positions)  # 32767, as the file said before


def test_slots_that_a_section_does_not_use_are_reported(tmp_path: Path) -> None:
    path = patched(tmp_path / "a.ksplat", "l1-sh2", (16, "I", 115), (SECTION, "I", 55))
    scene = ksplat.read(path)
    assert len(scene) == 115
    assert scene.meta.ignored == ("5 empty slots",)
    whole = ksplat.read(FIXTURES / "l1-sh2.ksplat")
    assert np.array_equal(scene.positions, np.delete(whole.positions, range(55, 60), 0))


def test_a_zero_quaternion_is_named_or_dropped(tmp_path: Path) -> None:
    first = SECTION + 2 * 1024 + 4 * 8 + 12 * 24 + 12  # after 8 lengths, 24 centres, a position and a scale
    path = patched(tmp_path / "a.ksplat", "l1-sh0", *((first + 2 * i, "H", 0) for i in range(4)))
    with pytest.raises(SceneError, match="row 0: zero quaternion"):
        ksplat.read(path)
    scene = ksplat.read(path, repair=True)
    assert len(scene) == 119
    assert scene.source is None


def test_content_decides_and_writing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "unnamed"
    for name in NAMES:
        path.write_bytes((FIXTURES / f"{name}.ksplat").read_bytes())
        assert ksplat.sniff(path.read_bytes(), path)
        assert not splat.sniff(path.read_bytes(), path)
    assert not ksplat.sniff(b"ply\n" + bytes(5000), path)
    with pytest.raises(FormatError, match="can be read but not written"):
        format_of_name(Path("a.ksplat"))


@pytest.mark.parametrize("name", ["l0-sh2", "l1-sh0", "l2-sh2"])
def test_every_truncation_is_refused(tmp_path: Path, name: str) -> None:
    raw = (FIXTURES / f"{name}.ksplat").read_bytes()
    cut = tmp_path / "cut.ksplat"
    for length in [*range(0, len(raw), 97), *range(len(raw) - 50, len(raw))]:
        cut.write_bytes(raw[:length])
        with pytest.raises(TruncatedError):
            ksplat.read(cut)


@pytest.mark.parametrize(
    ("name", "change", "error", "words"),
    [
        ("l1-sh2", (1, "B", 0), UnsupportedVersionError, "version 0.0"),
        ("l1-sh2", (0, "B", 1), UnsupportedVersionError, "version 1.1"),
        ("l1-sh2", (20, "H", 3), FormatError, "compression level 3"),
        ("l1-sh2", (16, "I", 0), FormatError, "no splats"),
        ("l1-sh2", (16, "I", 121), CorruptError, "announces 121 splats, the sections hold 120"),
        ("l1-sh2", (4, "I", 0), TruncatedError, "0 section headers"),
        ("l1-sh2", (4, "I", 0xFFFFFFFF), TruncatedError, "4294967295 section headers need"),
        ("l2-sh2", (36, "f", float("nan")), CorruptError, "not finite"),
        ("l1-sh2", (SECTION, "I", 61), CorruptError, "section 0 holds 61 splats in 60 slots"),
        ("l1-sh2", (SECTION + 4, "I", 0xFFFFFFFF), TruncatedError, "section 0 ends at byte"),
        ("l1-sh2", (SECTION + 8, "I", 1), CorruptError, "section 0: its buckets hold 28 of 60"),
        ("l1-sh2", (SECTION + 12, "I", 0xFFFFFFFF), TruncatedError, "section 0 ends at byte"),
        ("l1-sh2", (SECTION + 12, "I", 23), CorruptError, "23 buckets of 12 bytes, expected 24 of 12"),
        ("l1-sh2", (SECTION + 20, "H", 8), CorruptError, "24 buckets of 8 bytes"),
        ("l1-sh2", (SECTION + 32, "I", 0xFFFFFFFF), CorruptError, "24 buckets of 12 bytes"),
        ("l1-sh2", (SECTION + 36, "I", 0xFFFFFFFF), TruncatedError, "section 0 ends at byte"),
        ("l1-sh2", (SECTION + 1024 + 40, "H", 3), FormatError, "section 1 has SH degree 3"),
        ("l1-sh2", (SECTION + 2048, "I", 0), CorruptError, "its buckets hold"),
    ],
)
def test_lying_headers_are_refused_by_place(
    tmp_path: Path, name: str, change: tuple[int, str, object], error: type[FormatError], words: str
) -> None:
    with pytest.raises(error, match=words):
        ksplat.read(patched(tmp_path / "a.ksplat", name, change))


def test_a_bucket_larger_than_any_file_holds_what_is_there(tmp_path: Path) -> None:
    scene = ksplat.read(patched(tmp_path / "a.ksplat", "l1-sh0", (SECTION + 8, "I", 0xFFFFFFFF)))
    assert isinstance(scene, Scene)
    assert scene.source is not None
    assert not scene.source.codes["buckets"][:60].any()


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bits_give_a_scene_or_a_named_error(tmp_path: Path, name: str) -> None:
    raw = (FIXTURES / f"{name}.ksplat").read_bytes()
    used = [*range(48), *range(SECTION, SECTION + 48), *range(SECTION + 1024, SECTION + 1072), *range(6144, len(raw))]
    rng = np.random.default_rng(2)
    for _ in range(300):
        flipped = bytearray(raw)
        for _ in range(rng.integers(1, 4)):
            flipped[rng.choice(used[:144] if rng.random() < 0.5 else used)] ^= 1 << rng.integers(8)
        (tmp_path / "a.ksplat").write_bytes(flipped)
        with contextlib.suppress(FormatError, SceneError):
            assert len(ksplat.read(tmp_path / "a.ksplat")) > 0


def test_codes_that_name_what_does_not_exist_are_refused() -> None:
    source = ksplat.read(FIXTURES / "l2-sh2.ksplat").source
    assert source is not None

    def decode(**changes: object) -> None:
        codes, tables, header = dict(source.codes), dict(source.tables), dict(source.header)
        for name, value in changes.items():
            target = next(group for group in (codes, tables, header) if name in group)
            target[name] = value
        dequantize("ksplat", 1, codes, tables, header)

    buckets = source.codes["buckets"].copy()
    buckets[7] = len(source.tables["bucket_centers"])
    with pytest.raises(CorruptError, match="splat 7 names a bucket"):
        decode(buckets=buckets)
    sections = source.tables["bucket_sections"].copy()
    sections[5] = 2
    with pytest.raises(CorruptError, match="bucket 5 names a section"):
        decode(bucket_sections=sections)
    with pytest.raises(FormatError, match="section 1 of the"):
        decode(ranges=np.array([32767, 0], np.uint32))
    with pytest.raises(FormatError, match="section 0 of the"):
        decode(sh_degrees=np.array([0xFFFFFFFF, 2], np.uint32))
    with pytest.raises(FormatError, match="section 0 of the"):
        decode(sh=source.codes["sh"][:, :9].copy())  # less than the sections' degree needs
    with pytest.raises(FormatError, match="10 SH values"):
        decode(sh=source.codes["sh"][:, :10].copy())
    with pytest.raises(FormatError, match="bucket_centers"):
        decode(bucket_centers=source.tables["bucket_centers"][:-1].copy())
    with pytest.raises(FormatError, match="not finite"):
        decode(sh_max=float("inf"))
    with pytest.raises(FormatError, match="not finite"):
        decode(sh_max=10**400)
    for number in (1.0, True):
        with pytest.raises(FormatError, match="compression level"):
            decode(compression_level=number)
    with pytest.raises(FormatError, match="compression level 7"):
        decode(compression_level=7)
    with pytest.raises(FormatError, match="positions"):
        decode(compression_level=0)
