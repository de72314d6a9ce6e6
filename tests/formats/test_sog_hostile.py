"""SOG files that are damaged or lie: one named error, soon, and no memory taken on their word."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from splatzip.errors import CorruptError, FormatError, SplatzipError, TruncatedError, UnsupportedFeatureError
from splatzip.formats import sog
from splatzip.kernels.dequantize import dequantize

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sog"
SIGNALLING = np.full(256, 0x7F800001, np.uint32).view(np.float32)  # NaN that raises a floating point exception


def files_of(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as z:
        return {name: z.read(name) for name in z.namelist()}


def archive_of(files: dict[str, bytes], path: Path, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as z:
        for name, data in files.items():
            z.writestr(name, data)
    return path


def webp(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", lossless=True, exact=True)
    return out.getvalue()


def changed_meta(change: Callable[[Any], None], version: str = "v2") -> dict[str, bytes]:
    if version == "v1":
        files = {file.name: file.read_bytes() for file in (FIXTURES / "v1").iterdir()}
    else:
        files = files_of(FIXTURES / "v2.sog")
    meta = json.loads(files["meta.json"])
    change(meta)
    return files | {"meta.json": json.dumps(meta).encode()}


def put(*keys: str | int, value: Any) -> Callable[[Any], None]:
    def change(meta: Any) -> None:
        for key in keys[:-1]:
            meta = meta[key]
        meta[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("version", value=3), "SOG version 3 is not 1 or 2"),
        (put("version", value=True), "SOG version True"),
        (put("model", value="2dgs"), "surfels"),
        (put("lodLevels", value=2), "several detail levels"),
        (put("count", value=0), "count is 0, expected an integer from 1"),
        (put("count", value=1e9), "count is 1000000000.0, expected an integer"),
        (put("count", value=401), r"means_l.webp: \d+ pixels for 401 splats"),
        (put("count", value=16383**2), "counts 268402689 splats, more than its images can hold"),
        (put("means", value=[]), "field 'means' is not an object"),
        (put("means", "mins", value=[0, 0]), "means.mins does not hold 3 numbers"),
        (put("means", "mins", 1, value="0"), r"means.mins\[1\] is 0, expected a number"),
        (put("means", "maxs", 2, value=1e300), r"means.maxs\[2\] is 1e\+300"),
        (put("means", "maxs", 2, value=10**400), r"means.maxs\[2\] is 1000"),
        (put("means", "maxs", 2, value=88), "means of the SOG source: a number is not finite, or too large"),
        (put("scales", "codebook", value=[0.0] * 255), "scales.codebook does not hold 256 numbers"),
        (put("scales", "codebook", 5, value=None), r"scales.codebook\[5\] is None"),
        (put("sh0", "codebook", 0, value=True), r"sh0.codebook\[0\] is True"),
        (put("quats", "files", value=["../quats.webp"]), "only plain file names are allowed"),
        (put("quats", "files", value=["/etc/passwd"]), "only plain file names are allowed"),
        (put("quats", "files", value=["C:\\quats.webp"]), "only plain file names are allowed"),
        (put("quats", "files", value=[7]), "only plain file names are allowed"),
        (put("quats", "files", value=[]), "quats.files does not name 1 images"),
        (put("quats", "files", value=["gone.webp"]), "gone.webp: missing in the archive, where meta.json names it"),
        (put("shN", "bands", value=4), "bands is 4, expected an integer from 1 to 3"),
        (put("shN", "bands", value=3), "192 pixels wide, expected 960"),
        (put("shN", "count", value=257), "4 lines of 64 entries, meta.json counts 257 entries"),
        (put("shN", "count", value=1), "and SH label"),
        (lambda meta: meta.pop("sh0"), "field 'sh0' is missing"),
    ],
)
def test_meta_that_lies_is_refused(tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        sog.read(archive_of(changed_meta(change), tmp_path / "a.sog"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("means", "shape", value=[11]), r"means.shape is not \[splats, 3\]"),
        (put("means", "shape", value=[17, 3]), "16 pixels for 17 splats"),
        (put("shN", "mins", value=[0.0, 0.0]), "shN.mins does not hold 1 numbers"),
        (put("sh0", "maxs", 3, value=3.5e38), r"sh0.maxs\[3\]"),
    ],
)
def test_version_1_meta_that_lies_is_refused(tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        sog.read(archive_of(changed_meta(change, "v1"), tmp_path / "a.sog"))


def test_one_image_named_for_everything_counts_once(tmp_path: Path) -> None:
    image = webp(np.zeros((2000, 2000, 4), np.uint8)) + bytes(300_000)
    names = ("means", "quats", "scales", "sh0")

    def name_it(meta: Any) -> None:
        meta["count"] = 4_000_000
        meta.pop("shN")
        for name in names:
            meta[name]["files"] = ["a.webp"] * len(meta[name]["files"])

    with pytest.raises(FormatError, match="4000000 splats, more than its images can hold"):
        sog.read(archive_of(changed_meta(name_it) | {"a.webp": image}, tmp_path / "a.sog"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[" * 100_000, "nested too deeply|not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b'{"means": NaN}', "NaN is not JSON"),
        (b" " * (5 << 20), "cannot be right"),
    ],
)
def test_meta_that_is_no_meta_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    files = files_of(FIXTURES / "v2.sog") | {"meta.json": text}
    with pytest.raises(FormatError, match=message):
        sog.read(archive_of(files, tmp_path / "a.sog"))


def with_size(data: bytes, width: int, height: int) -> bytes:
    """A lossless WebP that claims another size."""
    bits = struct.unpack("<I", data[21:25])[0] & 0xF0000000 | (height - 1) << 14 | (width - 1)
    return data[:21] + struct.pack("<I", bits) + data[25:]


def animation() -> bytes:
    out = io.BytesIO()
    frames = [Image.fromarray(np.full((20, 20, 3), value, np.uint8)) for value in (0, 255)]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: with_size(data, 16383, 16383), "16383 x 16383 pixels, but meta.json leaves room for at most"),
        (lambda data: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\x7f\xff\xff\xff" * 2 + data, "2147483647 x 2147483647"),
        (lambda data: data[: len(data) // 2], "cannot be decoded"),
        (lambda data: b"", r"neither WebP nor PNG \(0 bytes\)"),
        (lambda data: b"GIF89a" + data, "neither WebP nor PNG"),
        (lambda data: animation(), "an animation"),
        (lambda data: webp(np.zeros((20, 20, 4), np.uint8)), "rotation mode 0"),
        (lambda data: webp(np.zeros((8, 20, 4), np.uint8)), "160 pixels for 260 splats"),
    ],
)
def test_images_that_lie_are_refused(tmp_path: Path, change: Callable[[bytes], bytes], message: str) -> None:
    files = files_of(FIXTURES / "v2.sog")
    files["quats.webp"] = change(files["quats.webp"])
    with pytest.raises(FormatError, match=message):
        sog.read(archive_of(files, tmp_path / "a.sog"))


def test_png_is_read_too_as_the_specification_allows(tmp_path: Path) -> None:
    files = files_of(FIXTURES / "v2.sog")
    out = io.BytesIO()
    Image.open(io.BytesIO(files["quats.webp"])).save(out, "PNG")
    again = sog.read(archive_of(files | {"quats.webp": out.getvalue()}, tmp_path / "a.sog"))
    assert np.array_equal(again.rotations, sog.read(FIXTURES / "v2.sog").rotations)


def test_missing_image_of_a_folder_is_named(tmp_path: Path) -> None:
    for name, data in files_of(FIXTURES / "v2.sog").items():
        if name != "scales.webp":
            (tmp_path / name).write_bytes(data)
    with pytest.raises(FormatError, match=r"scales\.webp: missing; a SOG folder needs meta\.json and every image"):
        sog.read(tmp_path)


def test_archives_that_are_no_scene_or_several_say_so(tmp_path: Path) -> None:
    files = files_of(FIXTURES / "v2.sog")
    two = {f"{folder}/{name}": data for folder in "ab" for name, data in files.items()}
    with pytest.raises(FormatError, match="2 SOG scenes in one archive; unpack it"):
        sog.read(archive_of(two, tmp_path / "two.zip"))
    with pytest.raises(UnsupportedFeatureError, match="a streamed SOG in an archive; unpack it"):
        sog.read(archive_of(two | {"lod-meta.json": b"{}"}, tmp_path / "levels.zip"))
    with pytest.raises(FormatError, match=r"so not a SOG \('out/point_cloud.ply' is in it: unpack it"):
        sog.read(archive_of({"out/point_cloud.ply": b"ply\n"}, tmp_path / "ply.zip"))
    with pytest.raises(FormatError, match=r"without meta.json, so not a SOG$"):
        sog.read(archive_of({"deep/er/meta.json": b"{}"}, tmp_path / "deep.zip"))


def test_zip_bomb_is_not_inflated(tmp_path: Path) -> None:
    files = files_of(FIXTURES / "v2.sog") | {"meta.json": b"{" + b" " * (3 << 20)}
    with pytest.raises(FormatError, match=r"meta\.json: 3145729 bytes from \d+ cannot be right"):
        sog.read(archive_of(files, tmp_path / "a.sog", zipfile.ZIP_DEFLATED))


def test_unknown_zip_compression_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="zip compression 14"):
        sog.read(archive_of(files_of(FIXTURES / "v2.sog"), tmp_path / "a.sog", zipfile.ZIP_LZMA))


def test_files_beside_the_scene_are_reported(tmp_path: Path) -> None:
    files = files_of(FIXTURES / "v2.sog") | {"notes.txt": b"hello"}
    assert sog.read(archive_of(files, tmp_path / "a.sog")).meta.ignored == ("file 'notes.txt' of the archive",)


def test_every_hundredth_truncation_of_an_archive_is_refused(tmp_path: Path) -> None:
    data = (FIXTURES / "v2.sog").read_bytes()
    for length in range(2, len(data), 100):
        (tmp_path / "a.sog").write_bytes(data[:length])
        with pytest.raises((TruncatedError, CorruptError)):
            sog.read(tmp_path / "a.sog")


def test_flipped_bits_of_an_archive_are_refused_or_outside_the_codes(tmp_path: Path) -> None:
    data = (FIXTURES / "v2.sog").read_bytes()
    whole = sog.read(FIXTURES / "v2.sog")
    random = np.random.default_rng(7)
    refused = 0
    for position in random.integers(0, len(data), 150):
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(random.integers(8))
        (tmp_path / "a.sog").write_bytes(damaged)
        try:
            scene = sog.read(tmp_path / "a.sog")
        except FormatError:
            refused += 1
        else:  # the archive's checksums leave only its own dates and flags
            assert np.array_equal(scene.sh, whole.sh)
            assert np.array_equal(scene.positions, whole.positions)
    assert refused > 130


@pytest.mark.parametrize("folder", ["v1", "v2_folder"])
def test_flipped_bits_of_a_folder_give_an_error_or_a_scene(tmp_path: Path, folder: str) -> None:
    files = {file.name: file.read_bytes() for file in sorted((FIXTURES / folder).iterdir())}
    random = np.random.default_rng(8)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for _ in range(120):
        name = list(files)[random.integers(len(files))]
        damaged = bytearray(files[name])
        damaged[random.integers(len(damaged))] ^= 1 << int(random.integers(8))
        (tmp_path / name).write_bytes(damaged)
        with suppress(SplatzipError):
            assert len(sog.read(tmp_path)) >= 1
        (tmp_path / name).write_bytes(files[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda codes, tables: codes.pop("scales"), "no array 'scales'"),
        (lambda codes, tables: codes.update(scales=codes["scales"][:-1]), "is 259x3 uint8, expected 260x3 uint8"),
        (lambda codes, tables: codes.update(labels=codes["labels"] + np.uint16(1000)), "the palette has 256 rows"),
        (lambda codes, tables: codes.update(positions=codes["positions"].astype(np.int64)), "expected anyx3 uint16"),
        (lambda codes, tables: tables.pop("palette"), "no array 'palette'"),
        (lambda codes, tables: tables.update(palette=tables["palette"][:, :8]), "has 8 values, expected 9, 24 or 45"),
        (lambda codes, tables: tables.update(shN=np.full(256, np.nan, np.float32)), "shN of the SOG source"),
        (lambda codes, tables: tables.update(shN=SIGNALLING), "shN of the SOG source"),
        (lambda codes, tables: tables.update(sh0=tables["sh0"][:7]), "is 7 float32, expected 256 float32"),
    ],
)
def test_codes_of_a_hostile_container_are_refused(change: Callable[[Any, Any], Any], message: str) -> None:
    source = sog.read(FIXTURES / "v2.sog").source
    assert source is not None
    codes, tables = dict(source.codes), dict(source.tables)
    change(codes, tables)
    with pytest.raises(FormatError, match=message):
        dequantize("sog", 2, codes, tables, source.header)


def test_header_of_a_hostile_container_names_no_files(tmp_path: Path) -> None:
    scene = sog.read(FIXTURES / "v2.sog")
    assert scene.source is not None
    header = {"means": {"files": ["../evil", "x"]}, "scales": 7, "count": -1, "shN": []}
    object.__setattr__(scene.source, "header", header)
    sog.write(scene, tmp_path / "out" / "meta.json")
    assert {file.name for file in tmp_path.iterdir()} == {"out"}
    assert np.array_equal(sog.read(tmp_path / "out").sh, scene.sh)
