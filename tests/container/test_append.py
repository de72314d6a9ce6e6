"""A chunk added to a file that was written before."""

from __future__ import annotations

import numpy as np
import pytest

from splatzip import CorruptError, Profile, Scene, SceneMeta, decompress, info
from splatzip.container import Kind, SharedChunk, open_file, with_chunk
from splatzip.encode import encode
from splatzip.quantize.stepped import Options

QUALITY = SharedChunk(Kind.QUALITY, 0, b'{"psnr_db":45.0}')


def scene(splats: int) -> Scene:
    random = np.random.default_rng(3)
    arrays = [random.normal(size=(splats, width)) for width in (3, 3, 4)]
    sh = random.normal(size=(splats, 4, 3))
    return Scene(*arrays, random.normal(size=splats), sh, meta=SceneMeta(title="A scene"))


@pytest.fixture(params=[1, 200])
def file(request: pytest.FixtureRequest) -> bytes:
    """One file whose entries fit into the root; one of so many tiers that they stand in index blocks."""
    tiers = (np.arange(400) % request.param).astype(np.uint8)
    made = encode(scene(400), Profile("fast", Options(-1.0)), tiers=tiers)
    assert bool(open_file(made).root.indexes) == (request.param > 1)
    return made


def test_the_file_with_one_more_chunk_is_whole_and_holds_the_same(file: bytes) -> None:
    more = with_chunk(file, QUALITY)
    before, after = open_file(file), open_file(more)
    assert bool(after.root.indexes) == bool(before.root.indexes)
    assert after.shared_payload(Kind.QUALITY) == QUALITY.payload
    assert [(e.kind, e.id, e.size) for e in after.shared[:-1]] == [(e.kind, e.id, e.size) for e in before.shared]
    a, b = decompress(file), decompress(more)
    assert all(np.array_equal(x, b.arrays()[name]) for name, x in a.arrays().items())
    assert info(more)["quality"] == {"psnr_db": 45.0}
    assert info(more)["meta"] == info(file)["meta"] == {"title": "A scene"}


def test_a_chunk_that_is_there_is_not_added_again(file: bytes) -> None:
    with pytest.raises(ValueError, match=r"has a chunk \(130, 0\) already"):
        with_chunk(with_chunk(file, QUALITY), QUALITY)


def test_a_damaged_file_is_not_made_whole(file: bytes) -> None:
    damaged = bytearray(file)
    damaged[-3] ^= 1
    with pytest.raises(CorruptError):
        with_chunk(bytes(damaged), QUALITY)


def test_quality_that_is_no_json_object_is_named_by_info(file: bytes) -> None:
    bad = with_chunk(file, SharedChunk(Kind.QUALITY, 0, b"45 dB"))
    assert len(decompress(bad)) == 400  # no decoder relies on it
    with pytest.raises(CorruptError, match=r"chunk \(130, 0\): it is not JSON"):
        info(bad)
