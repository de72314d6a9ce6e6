""".splat: the codes of a file come back to the bit, and a float scene becomes the nearest codes."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest

from splatzip.errors import FormatError, SceneError
from splatzip.formats import splat
from splatzip.kernels import exact_log
from splatzip.kernels.dequantize import dequantize
from splatzip.scene import Scene, SceneMeta

RECORD_BYTES = 32


def record(
    position: tuple[float, ...] = (1, 2, 3),
    scale: tuple[float, ...] = (0.1, 0.2, 0.3),
    rgba: tuple[int, ...] = (10, 128, 250, 200),
    rotation: tuple[int, ...] = (255, 128, 128, 128),
) -> bytes:
    """One splat, byte for byte as the viewer's source lays it out."""
    return struct.pack("<6f8B", *position, *scale, *rgba, *rotation)


def file(path: Path, *records: bytes) -> Path:
    path.write_bytes(b"".join(records))
    return path


def scene(**changes: object) -> Scene:
    """Three splats of a float scene."""
    arrays: dict[str, object] = {
        "positions": np.arange(9.0).reshape(3, 3),
        "log_scales": np.linspace(-8, 0, 9).reshape(3, 3),
        "rotations": [[1, 0, 0, 0], [0, -3, 0, 0], [1e-30, 1e-30, 1e-30, 1e-30]],
        "opacity_logits": [-np.inf, 0, np.inf],
        "sh": np.linspace(-1.7, 1.7, 9).reshape(3, 1, 3),
    }
    return Scene(**{**arrays, **changes})  # type: ignore[arg-type]


def test_a_record_means_what_the_viewer_draws(tmp_path: Path) -> None:
    read = splat.read(file(tmp_path / "a.splat", record(), record(rgba=(0, 255, 127, 0), rotation=(0, 64, 192, 129))))
    np.testing.assert_array_equal(read.positions[0], [1, 2, 3])
    np.testing.assert_allclose(np.exp(read.log_scales[0]), [0.1, 0.2, 0.3], 1e-6)
    np.testing.assert_allclose(0.5 + 0.28209479177387814 * read.sh[0, 0], np.array([10, 128, 250]) / 255, 1e-6)
    np.testing.assert_allclose(1 / (1 + np.exp(-read.opacity_logits[0])), 200 / 255, 1e-6)
    np.testing.assert_array_equal(read.rotations, [[127 / 128, 0, 0, 0], [-1, -0.5, 0.5, 1 / 128]])
    assert read.opacity_logits[1] == -np.inf
    assert read.sh_degree == 0
    assert read.meta == SceneMeta()


def test_the_dequantizer_is_the_formula_of_the_format_to_the_bit() -> None:
    rng = np.random.default_rng(3)
    n = 20_000
    scales = rng.integers(0, 0x7F800000, (n, 3), np.uint32)  # every finite scale, subnormals too
    scales[0] = 0, 0x80000000, 1
    codes = {
        "positions": rng.integers(0, 0x7F800000, (n, 3), np.uint32),
        "scales": scales,
        "colors": rng.integers(0, 256, (n, 4), np.uint8),
        "rotations": rng.integers(0, 256, (n, 4), np.uint8),
    }
    floats = dequantize("splat", 1, codes, {}, {})
    linear = np.maximum(scales.view(np.float32).astype(np.float64), 2.0**-126)
    color, alpha = codes["colors"][:, :3] / 255.0, codes["colors"][:, 3].astype(np.float64)
    with np.errstate(divide="ignore"):
        logits = exact_log(alpha / (255 - alpha))
    logits[alpha == 0], logits[alpha == 255] = -np.inf, np.inf
    expected = {
        "positions": codes["positions"].view(np.float32),
        "log_scales": exact_log(linear).astype(np.float32),
        "rotations": (codes["rotations"].astype(np.float32) - 128) / 128,
        "opacity_logits": logits.astype(np.float32),
        "sh": ((color - 0.5) / 0.28209479177387814).astype(np.float32)[:, None],
    }
    for name, array in expected.items():
        assert floats[name].tobytes() == np.ascontiguousarray(array).tobytes(), name


@pytest.mark.parametrize("scale", [0.0, -0.0, 1e-45])
def test_a_scale_of_zero_is_the_smallest_normal_float(tmp_path: Path, scale: float) -> None:
    path = file(tmp_path / "a.splat", record(scale=(scale, 1, 1)))
    read = splat.read(path)
    assert read.log_scales[0, 0] == pytest.approx(-126 * np.log(2))
    assert splat.write(read, tmp_path / "b.splat") == []
    assert (tmp_path / "b.splat").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (record(scale=(1, -1, 1)), "row 1: NaN in log_scales"),
        (record(scale=(1, np.inf, 1)), "row 1: Inf in log_scales"),
        (record(scale=(1, -np.inf, 1)), "row 1: NaN in log_scales"),
        (record(scale=(np.nan, 1, 1)), "row 1: NaN in log_scales"),
        (record(position=(np.nan, 1, 1)), "row 1: NaN in positions"),
        (record(rotation=(128, 128, 128, 128)), "row 1: zero quaternion in rotations"),
    ],
)
def test_a_bad_splat_is_named_or_dropped_with_the_codes(tmp_path: Path, bad: bytes, words: str) -> None:
    path = file(tmp_path / "a.splat", record(), bad, record())
    with pytest.raises(SceneError, match=words):
        splat.read(path)
    repaired = splat.read(path, repair=True)
    assert len(repaired) == 2
    assert list(repaired.meta.dropped.values()) == [1]
    assert repaired.source is None


def test_the_nearest_codes_are_written(tmp_path: Path) -> None:
    assert splat.write(scene(), tmp_path / "a.splat") == []
    rows = np.fromfile(tmp_path / "a.splat", splat.RECORD)
    np.testing.assert_array_equal(rows["positions"].view("<f4").reshape(3, 3), scene().positions)
    np.testing.assert_allclose(rows["scales"].view("<f4").reshape(3, 3), np.exp(scene().log_scales), 1e-6)
    np.testing.assert_array_equal(rows["colors"][:, 3], [0, 128, 255])
    np.testing.assert_array_equal(rows["colors"][0, :3], np.rint(255 * (0.5 + 0.2820948 * scene().sh[0, 0])))
    np.testing.assert_array_equal(rows["rotations"], [[255, 128, 128, 128], [128, 0, 128, 128], [192, 192, 192, 192]])


def test_what_splat_cannot_hold_is_said(tmp_path: Path) -> None:
    rich = scene(
        sh=np.full((3, 4, 3), 9.0),
        origin=np.array([1e7, 0, 0]),
        meta=SceneMeta(antialiased=True, comments=("by hand",)),
    )
    assert splat.write(rich, tmp_path / "a.splat") == [
        "SH above degree 0: .splat has no place for degree 1",
        "origin [10000000.0, 0.0, 0.0]: added to the positions, which are rounded to float32",
        "colours outside 0..1 of 3 splats: clipped",
        "antialiased: .splat has no place for it",
        "comments: .splat has no place for it",
    ]


def test_extreme_scales_are_written_as_scales_that_can_be_read(tmp_path: Path) -> None:
    extreme = scene(log_scales=np.repeat([[-200.0], [100.0], [0.0]], 3, 1))
    splat.write(extreme, tmp_path / "a.splat")
    assert np.isfinite(splat.read(tmp_path / "a.splat").log_scales).all()


def test_every_truncation_is_refused_unless_whole_splats_remain(tmp_path: Path) -> None:
    raw = record() * 3
    for length in range(len(raw)):
        path = file(tmp_path / "a.splat", raw[:length])
        if length and length % RECORD_BYTES == 0:  # the format cannot tell
            assert len(splat.read(path)) == length // RECORD_BYTES
        else:
            with pytest.raises(FormatError, match=f"{length} bytes are"):
                splat.read(path)


def test_content_without_an_extension_is_recognised_and_noise_is_not(tmp_path: Path) -> None:
    path = tmp_path / "unnamed"
    splat.write(scene(), path)
    assert splat.sniff(path.read_bytes(), path)
    path.write_bytes(np.random.default_rng(0).bytes(RECORD_BYTES * 100))
    assert not splat.sniff(path.read_bytes(), path)
    path.write_bytes(bytes(RECORD_BYTES * 100))
    assert not splat.sniff(path.read_bytes(), path)


def test_flipped_bits_give_a_scene_or_a_named_error(tmp_path: Path) -> None:
    splat.write(scene(), tmp_path / "a.splat")
    raw = (tmp_path / "a.splat").read_bytes()
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        with contextlib.suppress(FormatError, SceneError):
            assert len(splat.read(file(tmp_path / "b.splat", flipped))) == 3


def test_codes_of_another_shape_are_refused_before_native_code_sees_them() -> None:
    good = {"positions": (2, 3), "scales": (2, 3), "colors": (2, 4), "rotations": (2, 4)}
    types = {"positions": np.uint32, "scales": np.uint32, "colors": np.uint8, "rotations": np.uint8}
    for name in good:
        codes = {key: np.zeros(shape, types[key]) for key, shape in good.items()}
        with pytest.raises(FormatError, match=name):
            dequantize("splat", 1, {**codes, name: codes[name][:1, :1]}, {}, {})
        with pytest.raises(FormatError, match=name):
            dequantize("splat", 1, {**codes, name: codes[name].astype(np.int64)}, {}, {})
        with pytest.raises(FormatError, match=name):
            dequantize("splat", 1, {key: value for key, value in codes.items() if key != name}, {}, {})
    with pytest.raises(FormatError, match="version 2"):
        dequantize("splat", 2, codes, {}, {})


@pytest.mark.scenes
@pytest.mark.parametrize("name", ["scenes/chair_splat/chair.splat", "dynamic/head11/0.splat"])
def test_real_files_come_back_to_the_byte(scenes: Path, tmp_path: Path, name: str) -> None:
    path = scenes / name
    read = splat.read(path)
    assert splat.write(read, tmp_path / "a.splat") == []
    assert (tmp_path / "a.splat").read_bytes() == path.read_bytes()
    # Without its codes the length of a quaternion is lost, one step of a byte, and what a float32 logarithm rounds.
    assert splat.write(read.edited(), tmp_path / "b.splat") == []
    ours, theirs = (np.fromfile(p, splat.RECORD) for p in (tmp_path / "b.splat", path))
    for field in ("positions", "colors"):
        assert np.array_equal(ours[field], theirs[field])
    np.testing.assert_allclose(ours["scales"].view("<f4"), theirs["scales"].view("<f4"), 1e-6)
    assert np.abs(ours["rotations"].astype(int) - theirs["rotations"]).max() <= 1
