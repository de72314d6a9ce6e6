"""Scales and rotations from codebooks: close enough, closer with more of them, and never mistaken for numbers."""

from __future__ import annotations

import numpy as np
import pytest

from splatzip import CorruptError, FormatError, Profile, Scene, compress, decompress, info
from splatzip.container import Kind, open_file
from splatzip.encode import encode
from splatzip.quantize import residual_vq, stepped, sub_vector_vq

R, S = residual_vq.Options, sub_vector_vq.Options


def errors(scene: Scene, options: stepped.Options) -> tuple[float, float]:
    """Mean errors of log scales, and of the rotation matrices of splats whose three scales differ."""
    source = scene.take(stepped.encode(scene, options).order)
    decoded = decompress(encode(scene, Profile("fast", options), tiers=np.zeros(len(scene), np.uint8)))
    scales = np.abs(np.sort(decoded.log_scales, 1) - np.sort(source.log_scales, 1)).mean()
    ours, theirs = (axes_by_scale(s) for s in (decoded, source))
    apart = np.diff(np.sort(source.log_scales, 1), axis=1).min(1) > 0.7
    turned = 1 - np.abs((ours * theirs).sum(1))[apart]
    return float(scales), float(turned.mean())


def axes_by_scale(scene: Scene) -> np.ndarray:
    """(N, 3, 3) columns: axes in the order of their scales."""
    w, x, y, z = (scene.rotations / np.linalg.norm(scene.rotations, axis=1, keepdims=True)).T.astype(float)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    matrix = np.array(rows).transpose(2, 0, 1)
    return np.take_along_axis(matrix, np.argsort(scene.log_scales, 1)[:, None, :], axis=2)


@pytest.mark.parametrize(("few", "many"), [(R(1, 32), R(4, 64)), (S(3, 8), S(3, 128))], ids=["residual", "sub-vector"])
def test_more_entries_bring_scales_and_rotations_closer(chair: Scene, few: stepped.Books, many: stepped.Books) -> None:
    coarse, fine = (
        errors(chair, stepped.Options(-1.0, scale_books=books, rotation_books=books)) for books in (few, many)
    )
    assert fine[0] < 0.7 * coarse[0]
    assert fine[1] < 0.7 * coarse[1]


def test_the_published_settings_come_close_to_numbers(chair: Scene) -> None:
    scalar = errors(chair, stepped.Options(-1.0))
    for name in ("residual_vq", "sub_vector_vq"):
        scale_books, rotation_books = stepped.GEOMETRY_CODINGS[name]
        booked = errors(chair, stepped.Options(-1.0, scale_books=scale_books, rotation_books=rotation_books))
        assert booked[0] < 2.5 * scalar[0]
        assert booked[1] < 2.5 * scalar[1]


def test_a_large_scene_has_books_of_the_same_errors_in_runs_as_in_one(chair: Scene) -> None:
    """Tiles of 16 runs choose 16 splats' entries at once, small ones one after the other."""
    books = {"scale_books": R(3, 32), "rotation_books": R(3, 32)}
    small, large = (errors(chair, stepped.Options(-1.0, tile_splats=t, **books)) for t in (1500, 10500))
    assert np.allclose(small, large, rtol=0.4)


@pytest.mark.parametrize("attribute", ["scale_books", "rotation_books"])
def test_lost_codebooks_of_geometry_leave_nothing(chair: Scene, attribute: str) -> None:
    data = bytearray(encode(chair.take(np.arange(200)), Profile("fast", stepped.Options(**{attribute: R(2, 16)}))))
    entry = next(s for s in open_file(bytes(data)).shared if s.kind == Kind.CODEBOOKS)
    data[entry.offset] ^= 1
    with pytest.raises(CorruptError):
        decompress(bytes(data))
    with pytest.raises(FormatError, match="a codebook of its"):
        decompress(bytes(data), strict=False)


def test_codings_are_chosen_by_name(chair: Scene) -> None:
    data = compress(chair, sh_coding="sub_vector_vq", geometry_coding="residual_vq")
    assert open_file(data).shared_ids(Kind.CODEBOOKS) == [0, 1, 2]
    assert info(data)["splats"] == len(chair)


def test_only_outliers_encode_and_decode(chair: Scene) -> None:
    rng = np.random.default_rng(0)
    wild = chair.take(np.arange(300)).edited(
        log_scales=rng.uniform(-50, 50, (300, 3)).astype(np.float32),
        positions=(rng.normal(0, 1, (300, 3)) * 10 ** rng.uniform(-6, 6, (300, 1))).astype(np.float32),
    )
    books = {name: R(4, 64) for name in ("sh_books", "scale_books", "rotation_books")}
    assert len(decompress(encode(wild, Profile("fast", stepped.Options(2.0, **books))))) == 300


def test_the_bits_of_an_attribute_hold_its_codebooks(chair: Scene) -> None:
    names = ("sh", "scale", "rotation")
    options = stepped.Options(-1.0, sh_books=R(1, 512, 0.0), scale_books=R(1, 512, 0.0), rotation_books=R(1, 512, 0.0))
    data = encode(chair, Profile("fast", options))
    books = {s.id: s.size for s in open_file(data).shared if s.kind == Kind.CODEBOOKS}
    attributes = info(data)["attributes"]
    for id_, name in enumerate(names):
        assert attributes[name]["bytes"] > books[id_] > 500
    assert sum(a["bytes"] for a in attributes.values()) > 0.95 * len(data)
