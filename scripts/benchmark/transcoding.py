"""Lossless transcoding: bytes over the source's, and whether every code and every float comes back.

Splats and palette rows may come back in another order, nothing else may differ. So both scenes are brought into one
order (by a hash of everything that a splat says) and then compared exactly: equal hashes do not count as equal.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import splatzip
from benchmark.quality import size_of
from benchmark.scenes import BenchScene
from splatzip import QuantizedSource, Scene
from splatzip.encode import encode
from splatzip.profile import Profile

_COMPRESSED_PLY_CHUNK = 256
# Name of a format -> suffix that writes it again.
_SUFFIX = {"spz": ".spz", "sog": ".sog", "compressed_ply": ".compressed.ply", "splat": ".splat"}


def measure_transcoding(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """One row: sizes, and what is identical after a round trip."""
    coded = splatzip.compress(source, preset="lossless")
    splatzip.verify(coded)
    decoded = splatzip.decompress(coded)
    yield {
        "preset": "lossless",
        "source_bytes": scene.size_bytes,
        "most_of_source": scene.most_of_source,
        "bytes_one_tier": len(encode(source, Profile.preset_named("lossless"), tiers=np.zeros(len(source), np.uint8))),
        **size_of(coded, source),
        **identities(source, decoded),
        "written_again": codes_written_again(source, decoded),
    }


def identities(source: Scene, decoded: Scene) -> dict[str, bool]:
    """Whether floats, codes, tables, and header with records are the same, up to the order of rows."""
    if source.source is None or decoded.source is None:
        return {"floats": False, "codes": False, "tables": False, "header": False}
    wanted, have = source.source, decoded.source
    same_codes = _same_rows(_splat_columns(wanted), _splat_columns(have))
    tables = wanted.tables.keys() | have.tables.keys()
    return {
        "floats": _same_rows(_bits(source), _bits(decoded)),
        "codes": (wanted.format, wanted.version) == (have.format, have.version) and same_codes,
        "tables": all(_same_table(name, wanted, have) for name in tables),
        "header": dict(wanted.header) == dict(have.header) and wanted.records == have.records,
    }


def codes_written_again(source: Scene, decoded: Scene) -> bool | None:
    """Whether the source's own format, written from the decoded scene, holds the same.

    None where we write no such file: another version of the format (SPZ 2, SOG 1), or none at all (ksplat).
    """
    if source.source is None or source.source.format not in _SUFFIX:
        return None
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / f"again{_SUFFIX[source.source.format]}"
        splatzip.save(decoded, again)
        written = splatzip.load(again)
        if written.source is None or written.source.version != source.source.version:
            return None
        found = identities(source, written)
    return found["floats"] and found["codes"] and found["tables"]


def _splat_columns(source: QuantizedSource) -> list[NDArray[Any]]:
    """Everything that the codes say of each splat, rows of tables in the place of their numbers."""
    columns = []
    for name, codes in source.codes.items():
        if name == "labels" and "palette" in source.tables:
            columns.append(source.tables["palette"][codes[:, 0]])
        else:
            columns.append(codes)
    if source.format == "compressed_ply":
        columns.append(source.tables["chunks"][np.arange(source.splats) // _COMPRESSED_PLY_CHUNK])
    return columns


def _bits(scene: Scene) -> list[NDArray[Any]]:
    return [array.view(np.uint32) for array in scene.arrays().values()]


def _same_table(name: str, wanted: QuantizedSource, have: QuantizedSource) -> bool:
    if name not in wanted.tables or name not in have.tables:
        return False
    a, b = wanted.tables[name], have.tables[name]
    if name in ("palette", "chunks"):  # rows that nothing uses count, too
        return _same_rows([a], [b])
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _same_rows(wanted: list[NDArray[Any]], have: list[NDArray[Any]]) -> bool:
    """Whether two tables hold the same rows, in any order."""
    a, b = _row_bytes(wanted), _row_bytes(have)
    if a.shape != b.shape:
        return False
    return bool((a[np.argsort(_hash(a), kind="stable")] == b[np.argsort(_hash(b), kind="stable")]).all())


def _row_bytes(columns: list[NDArray[Any]]) -> NDArray[np.uint8]:
    flat = [np.ascontiguousarray(c).reshape(len(c), -1) for c in columns if c.size]
    return np.concatenate([c.view(np.uint8).reshape(len(c), -1) for c in flat], axis=1)


def _hash(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """64 bits of each row; rows that share them by chance would look different, never equal."""
    odd = np.random.default_rng(0).integers(1 << 63, size=(rows.shape[1],), dtype=np.uint64) | np.uint64(1)
    total = np.zeros(len(rows), np.uint64)
    for column, weight in enumerate(odd.tolist()):
        total += rows[:, column].astype(np.uint64) * np.uint64(weight)
    return total
