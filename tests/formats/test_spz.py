"""SPZ: the reference library's files decode to its floats, its floats become its codes, and lies are refused."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zstandard

from splatzip.errors import CorruptError, FormatError, SceneError, TruncatedError
from splatzip.formats import spz, spz_container
from splatzip.kernels.dequantize import dequantize
from splatzip.scene import QuantizedSource, Scene, SceneMeta

FIXTURES = Path(__file__).parents[1] / "fixtures" / "spz"
REFERENCE = ["v2_sh3", "v3_sh2", "v4_sh4", "v4_axes_RFU"]


def reference(name: str) -> dict[str, np.ndarray]:
    with np.load(FIXTURES / f"{name}.npz") as arrays:
        return dict(arrays)


def same_codes(a: Scene, b: Scene) -> bool:
    assert a.source is not None
    assert b.source is not None
    return all(np.array_equal(codes, b.source.codes[name]) for name, codes in a.source.codes.items())


@pytest.mark.parametrize("name", REFERENCE)
def test_floats_are_those_of_the_reference_decoder_bit_for_bit(name: str) -> None:
    scene = spz.read(FIXTURES / f"{name}.spz")
    for attribute, expected in reference(name).items():
        assert np.array_equal(getattr(scene, attribute), expected), attribute


@pytest.mark.parametrize("version", [3, 4])
def test_codes_are_those_of_the_reference_writer(tmp_path: Path, version: int) -> None:
    scene = Scene(**reference("v4_sh4_input"))
    spz.write(scene, tmp_path / "a.spz", version=version)
    assert same_codes(spz.read(FIXTURES / "v4_sh4.spz"), spz.read(tmp_path / "a.spz"))


def test_version_1_halves_and_three_byte_quaternions() -> None:
    scene = spz.read(FIXTURES / "v1.spz")
    assert scene.positions.tolist() == [[1.5, 2.25, -0.125], [1000.0, -(2.0**-20), 0.0]]
    assert scene.opacity_logits.tolist() == [-np.inf, np.inf]
    assert scene.log_scales.tolist() == [[-10, 0, 5.9375], [-9.9375, -9.875, -9.8125]]
    np.testing.assert_allclose(scene.rotations[0], [0.99998, 0.0039, -0.0039, -0.0039], atol=1e-4)
    np.testing.assert_allclose(scene.rotations[1], [0, -1, -0.0039, -1], atol=1e-4)
    # Degree 1 is y, z, x: the first two turn over with y and z.
    assert (scene.sh[0, 1:] * 128).tolist() == [[0, -1, -2], [-3, -4, -5], [6, 7, 8]]
    assert scene.source is not None
    assert scene.source.records == ((0x12340001, b"abc"),)


def test_dequantize_of_the_registry_is_what_the_reader_uses() -> None:
    scene = spz.read(FIXTURES / "v3_sh2.spz")
    assert scene.source is not None
    s = scene.source
    for name, array in dequantize("spz", s.version, s.codes, s.tables, s.header).items():
        assert np.array_equal(array, getattr(scene, name))


def test_the_coordinate_system_record_is_remembered_and_written_back(tmp_path: Path) -> None:
    scene = spz.read(FIXTURES / "v4_axes_RFU.spz")
    assert scene.meta.axes == "RFU"
    for version in (3, 4):
        spz.write(scene, tmp_path / "a.spz", version=version)
        again = spz.read(tmp_path / "a.spz")
        assert same_codes(scene, again)
        assert again.source is not None
        assert scene.source is not None
        assert (again.source.header["axes"], again.source.records) == ("RFU", scene.source.records)
        assert np.array_equal(again.sh, scene.sh)


def test_the_antialias_flag_is_read_and_written(tmp_path: Path) -> None:
    scene = spz.read(FIXTURES / "v2_sh3.spz")
    assert scene.meta.antialiased
    spz.write(scene.edited(), tmp_path / "a.spz")
    assert spz.read(tmp_path / "a.spz").meta.antialiased
    spz.write(scene.edited(meta=SceneMeta()), tmp_path / "a.spz")
    assert not spz.read(tmp_path / "a.spz").meta.antialiased


def test_version_2_rewritten_as_4_keeps_all_codes_but_rotations(tmp_path: Path) -> None:
    scene = spz.read(FIXTURES / "v2_sh3.spz")
    assert spz.write(scene, tmp_path / "a.spz") == []
    again = spz.read(tmp_path / "a.spz")
    for name in ("positions", "log_scales", "opacity_logits", "sh"):
        assert np.array_equal(getattr(scene, name), getattr(again, name)), name
    angle = np.abs((scene.rotations * again.rotations).sum(1))
    assert angle.min() > 1 - 1e-5


def one_splat(**changes: np.ndarray) -> Scene:
    arrays = {
        "positions": np.zeros((1, 3)),
        "log_scales": np.full((1, 3), -3),
        "rotations": np.array([[1, 0, 0, 0]]),
        "opacity_logits": np.zeros(1),
        "sh": np.zeros((1, 1, 3)),
    }
    return Scene(**{**arrays, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("reach", [1e-4, 0.03, 1.0, 100.0, 2047.9, 3000.0, 1e5, 8e6])
def test_positions_never_wrap_around(tmp_path: Path, reach: float) -> None:
    lost = spz.write(one_splat(positions=np.array([[reach, -reach, 0]])), tmp_path / "a.spz")
    got = spz.read(tmp_path / "a.spz").positions[0]
    step = max(2 * reach / 2**23, min(2.0**-12, reach * 2.0**-12))
    assert np.abs(got - [reach, -reach, 0]).max() <= step / 2 + np.spacing(np.float32(reach))
    assert bool(lost) == (reach > 2048)


def test_a_position_that_nothing_can_hold_names_its_row(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"row 0: position .* is beyond"):
        spz.write(one_splat(positions=np.array([[1e7, 0, 0]])), tmp_path / "a.spz")
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_a_byte_is_said(tmp_path: Path) -> None:
    scene = one_splat(log_scales=np.array([[-12, 0, 0]]), sh=np.full((1, 4, 3), 5.0))
    lost = spz.write(replace(scene, meta=SceneMeta(title="a chair")), tmp_path / "a.spz")
    assert [line.split(":")[0] for line in lost] == ["title", "log_scales", "sh of degree 0", "sh above degree 0"]


@pytest.mark.parametrize("version", [2, 3])
def test_floats_that_came_from_codes_are_coded_as_they_were(tmp_path: Path, version: int) -> None:
    name = {2: "v2_sh3", 3: "v3_sh2"}[version]
    scene = spz.read(FIXTURES / f"{name}.spz")
    spz.write(scene.edited(), tmp_path / "a.spz", version=version, sh1_bits=8, sh_rest_bits=8)
    again = spz.read(tmp_path / "a.spz")
    assert again.source is not None
    assert scene.source is not None
    assert again.source.version == version
    assert again.source.codes.keys() == scene.source.codes.keys()
    for key, codes in scene.source.codes.items():
        assert np.abs(again.source.codes[key].astype(np.int64) - codes).max() == 0, key


def test_version_4_rewritten_as_2_keeps_all_codes_but_rotations(tmp_path: Path) -> None:
    scene = spz.read(FIXTURES / "v4_sh4.spz")
    assert spz.write(scene, tmp_path / "a.spz", version=2) == [
        "SH degree 4 in version 2: readers older than SPZ 4 refuse it"
    ]
    again = spz.read(tmp_path / "a.spz")
    for name in ("positions", "log_scales", "opacity_logits", "sh"):
        assert np.array_equal(getattr(scene, name), getattr(again, name)), name
    unit = [one.rotations / np.linalg.norm(one.rotations, axis=1, keepdims=True) for one in (scene, again)]
    assert np.abs((unit[0] * unit[1]).sum(1)).min() > 0.99  # where w is small, a byte of x moves it far


def test_an_unknown_version_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="choose 2, 3 or 4"):
        spz.write(one_splat(), tmp_path / "a.spz", version=1)


@pytest.mark.parametrize(
    "field",
    [{"flags": "1"}, {"flags": 256}, {"flags": -1}, {"reserved": "zz"}, {"reserved": 7}, {"fractional_bits": 300}],
)
def test_header_fields_that_no_file_has_are_not_written(tmp_path: Path, field: dict[str, object]) -> None:
    """A .splatz carries the fields without asking what they say."""
    scene = spz.read(FIXTURES / "v3_sh2.spz")
    assert scene.source is not None
    damaged = replace(scene, source=replace(scene.source, header={**scene.source.header, **field}))
    with pytest.raises(FormatError, match="header fields"):
        spz.write(damaged, tmp_path / "a.spz")
    assert list(tmp_path.iterdir()) == []


def test_opaque_and_invisible_splats_come_back(tmp_path: Path) -> None:
    scene = one_splat().take(np.zeros(2, int)).edited(opacity_logits=np.array([np.inf, -np.inf]))
    spz.write(scene, tmp_path / "a.spz")
    assert spz.read(tmp_path / "a.spz").opacity_logits.tolist() == [np.inf, -np.inf]


def legacy(version: int = 3, splats: int = 2, degree: int = 0, bits: int = 12, flags: int = 0, body: int = 40) -> bytes:
    return struct.pack("<4sIIBBBB", b"NGSP", version, splats, degree, bits, flags, 0) + bytes(body)


@pytest.mark.parametrize(
    ("inflated", "words"),
    [
        (legacy(body=39), "39 bytes of splats, 2 splats need 40"),
        (legacy(body=41), "continues after"),
        (legacy(body=50_000_000), "continues after"),
        (legacy(splats=0), "holds no splats"),
        (legacy(splats=4_000_000_000), "4000000000 splats .* cannot be in a file"),
        (legacy(degree=5), "SH degree 5"),
        (legacy(bits=31), "31 fractional bits"),
        (legacy(version=4), "version 4 in this container"),
        (legacy(version=0), "version 0"),
        (legacy()[:10], "10 bytes in the gzip stream"),
        (b"NGPS" + legacy()[4:], "no NGSP"),
        (legacy(flags=128, body=52), "Spark's detail levels"),
        (legacy(flags=2, body=44), "extension record at byte 56 is cut short"),
        (legacy(flags=2) + struct.pack("<III", 0xADBE0003, 4, 17), "coordinate-system record"),
    ],
)
def test_a_gzip_file_that_lies_is_refused(tmp_path: Path, inflated: bytes, words: str) -> None:
    path = tmp_path / "a.spz"
    path.write_bytes(gzip.compress(inflated))
    with pytest.raises(FormatError, match=words):
        spz.read(path)


def test_splats_that_take_no_bytes_are_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "a.spz"
    path.write_bytes(gzip.compress(legacy(splats=4_000_000, degree=0, body=80_000_000)))  # 78 KB
    with pytest.raises(FormatError, match=r"4000000 splats .* cannot be in a file"):
        spz.read(path)


def test_gzip_trailer_and_trailing_bytes_are_checked(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.spz", gzip.compress(legacy())
    for data, error in [
        (whole + b"x", CorruptError),
        (whole + whole, CorruptError),
        (whole[:-8] + b"\0" + whole[-7:], CorruptError),
        (whole[:-1], TruncatedError),
    ]:
        path.write_bytes(data)
        with pytest.raises(error):
            spz.read(path)


def test_every_truncation_and_every_flipped_byte_is_an_error_or_a_scene(tmp_path: Path) -> None:
    whole = (FIXTURES / "v4_axes_RFU.spz").read_bytes()
    for length in range(0, len(whole), 7):
        with pytest.raises(FormatError):
            spz.read_bytes(whole[:length], "cut")
    refused = 0
    for at in range(0, len(whole), 3):
        data = bytearray(whole)
        data[at] ^= 0x41
        try:
            assert len(spz.read_bytes(bytes(data), "flipped")) == 40
        except (FormatError, SceneError):
            refused += 1
    assert refused > 20
    with pytest.raises(CorruptError, match="3 bytes after the last stream"):
        spz.read_bytes(whole + b"abc", "longer")


def test_a_zstd_frame_that_claims_another_size_is_refused_before_it_is_unpacked() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 26))
    widths = spz_container.stream_widths(4, 0)
    streams = [zstandard.ZstdCompressor().compress(bytes(width)) for width in widths.values() if width]
    streams[0] = bomb
    toc = b"".join(struct.pack("<QQ", len(s), w) for s, w in zip(streams, widths.values(), strict=False))
    data = struct.pack("<4sIIBBBBI12x", b"NGSP", 4, 1, 0, 12, 0, 5, 32) + toc + b"".join(streams)
    with pytest.raises(CorruptError, match="stream positions at byte 112: the zstd frame does not hold the 9 bytes"):
        spz.read_bytes(data, "bomb")


def test_half_infinity_is_a_bad_row_that_repair_drops(tmp_path: Path) -> None:
    body = bytearray(gzip.decompress((FIXTURES / "v1.spz").read_bytes()))
    body[16:18] = struct.pack("<e", np.inf)
    path = tmp_path / "a.spz"
    path.write_bytes(gzip.compress(bytes(body)))
    with pytest.raises(SceneError, match="row 0: Inf in positions"):
        spz.read(path)
    scene = spz.read(path, repair=True)
    assert (len(scene), scene.source, dict(scene.meta.dropped)) == (1, None, {"Inf in positions": 1})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 5}, "version 5"),
        ({"header": {"sh_degree": 2, "fractional_bits": 12, "axes": "XYZ"}}, "axes XYZ"),
        ({"header": {"sh_degree": 3, "fractional_bits": 12}}, "array 'sh'"),
        ({"header": {"sh_degree": 2, "fractional_bits": 31}}, "31 fractional bits"),
        ({"header": {"sh_degree": True, "fractional_bits": 12}}, "SH degree True"),
        ({"header": {"sh_degree": 2, "fractional_bits": 12.0}}, "12.0 fractional bits"),
        ({"positions": np.full((40, 3), 1 << 24, np.uint32)}, "row 0 does not fit 24 bits"),
        ({"alphas": np.zeros((39, 1), np.uint8)}, "array 'alphas'"),
        ({"rotations": np.zeros((40, 1), np.uint16)}, "array 'rotations'"),
    ],
)
def test_the_dequantizer_refuses_codes_that_no_file_has(changes: dict[str, object], words: str) -> None:
    scene = spz.read(FIXTURES / "v3_sh2.spz")
    assert scene.source is not None
    s: QuantizedSource = scene.source
    codes = {name: changes.get(name, array) for name, array in s.codes.items()}
    with pytest.raises(FormatError, match=words):
        dequantize("spz", changes.get("version", 3), codes, {}, changes.get("header", s.header))  # type: ignore[arg-type]


def test_codes_of_hostile_rotations_stay_finite() -> None:
    scene = spz.read(FIXTURES / "v3_sh2.spz")
    assert scene.source is not None
    codes = {**scene.source.codes, "rotations": np.full((40, 1), 0xFFFFFFFF, np.uint32)}
    rotations = dequantize("spz", 3, codes, {}, scene.source.header)["rotations"]
    assert np.isfinite(rotations).all()
    assert rotations.any(1).all()


def test_sniffing_is_by_content_and_keeps_other_gzip_files_out() -> None:
    assert spz.sniff(b"NGSP\4\0\0\0", Path("a.bin"))
    assert spz.sniff((FIXTURES / "v1.spz").read_bytes(), Path("a.bin"))
    assert not spz.sniff(gzip.compress(b"something else"), Path("a.tar.gz"))
    assert spz.sniff(b"\x1f\x8bdamaged", Path("a.spz"))
    assert not spz.sniff(zlib.compress(legacy()), Path("a.spz"))


@pytest.mark.scenes
@pytest.mark.parametrize(
    ("name", "splats", "degree", "version"),
    [("pod/pod.spz", 101407, 3, 2), ("biker/biker.spz", 152746, 0, 4), ("leica/leica.spz", 8192, 3, 2)],
)
def test_real_scenes_read_and_survive_a_round_trip(
    scenes: Path, tmp_path: Path, name: str, splats: int, degree: int, version: int
) -> None:
    scene = spz.read(scenes / "scenes" / name)
    assert scene.source is not None
    assert (len(scene), scene.sh_degree, scene.source.version) == (splats, degree, version)
    assert spz.write(scene, tmp_path / "a.spz") == []
    again = spz.read(tmp_path / "a.spz")
    for attribute in ("positions", "log_scales", "opacity_logits", "sh"):
        assert np.array_equal(getattr(scene, attribute), getattr(again, attribute))
    if version == 4:
        assert same_codes(scene, again)


def test_without_threads_or_memory_to_compress_the_bytes_are_the_same_or_there_are_none(monkeypatch) -> None:
    source = spz.read(FIXTURES / "v4_sh4.spz").source
    assert source is not None
    packed = spz_container.serialize(source)

    class NoThreads(spz_container.ThreadPoolExecutor):
        def submit(self, *_: object, **__: object) -> None:
            raise RuntimeError("can't start new thread")

    class NoMemory:
        def __init__(self, **_: object) -> None: ...
        def compress(self, _: bytes) -> bytes:
            raise zstandard.ZstdError("cannot compress: Allocation error : not enough memory")

    monkeypatch.setattr(spz_container, "ThreadPoolExecutor", NoThreads)
    assert spz_container.serialize(source) == packed
    monkeypatch.setattr(zstandard, "ZstdCompressor", NoMemory)
    with pytest.raises(MemoryError, match="not enough memory"):
        spz_container.serialize(source)
