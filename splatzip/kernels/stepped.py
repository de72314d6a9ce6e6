"""Codec STEPPED in native code: a scene's arrays to chunks and back (docs/FORMAT.md 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from splatzip import _core
from splatzip.errors import STATUS
from splatzip.kernels.device import Engine, make_core

Floats = NDArray[np.float32]

FIRST_TIER_TABLES = 2  # id of the TABLES that only the first tier uses; mirrored in native/src/stepped_encode.cpp


@dataclass(frozen=True)
class EncodedChunk:
    """One chunk and where it belongs; `box` is low x y z, high x y z."""

    tile: int
    tier: int
    layer: int
    splats: int
    box: tuple[float, ...]
    payload: bytes


class LostValue(NamedTuple):
    """A value too large for its code, so that another would be decoded: its row, and which of the five arrays."""

    row: int
    array: int


class EncodedScene(NamedTuple):
    """A scene in codec STEPPED: the contents of its chunks.

    Attributes:
        params: STEPS.
        tables: TABLES, by layer, which is their id.
        tier_tables: TABLES by tier, ids 2 on; none if the tiers have no tables of their own.
        books: CODEBOOKS, by id; empty where an attribute is coded number by number.
        chunks: of tiles, sorted by (tile, tier, layer).
        order: (N,) source row of each decoded row.
        lost: the first value that is lost, if any is.
    """

    params: bytes
    tables: tuple[bytes, bytes]
    tier_tables: list[bytes]
    books: tuple[bytes, ...]
    chunks: list[EncodedChunk]
    order: NDArray[np.int64]
    lost: LostValue | None


@dataclass(frozen=True)
class ChunkPlace:
    """A chunk to decode: its key, its first row in the output, its place in the file."""

    tile: int
    tier: int
    layer: int
    splats: int
    row: int
    offset: int
    size: int


def encode_stepped(
    arrays: Sequence[Floats], *, sh_degree: int, tiers: NDArray[np.uint8] | None, classes: NDArray[np.int8] | None,
    options: dict[str, Any], fitted: bytes, threads: int, device: Engine = "cpu",
) -> EncodedScene:  # fmt: skip
    """Encode positions, log_scales, rotations, opacity_logits, sh; `fitted`: parameters of an EncodedScene, or none.

    `device` looks for entries while codebooks are trained: the same bytes from each.
    """
    search = make_core(device, "search") if device != "cpu" and any(options["books"]) else None  # lives until the end
    both = np.zeros((0, 2), np.int8) if classes is None else np.ascontiguousarray(classes, np.int8)
    out = _core.encode_stepped(
        *arrays,
        sh_degree=sh_degree,
        **_tiers(tiers),
        classes=both,
        fitted=fitted,
        search=0 if search is None else search.address,
        threads=threads,
        **options,
    )
    chunks = [EncodedChunk(*c) for c in out["chunks"]]
    return EncodedScene(
        out["params"],
        out["tables"],
        out["tier_tables"],
        out["books"],
        chunks,
        np.asarray(out["order"]),
        LostValue(*out["lost"]) if out["lost"] else None,
    )


class RoundCall(NamedTuple):
    """What is to be rounded and how, as the kernels of the CPU and of GPUs take it; no books."""

    arrays: Sequence[Floats]
    options: dict[str, Any]

    @staticmethod
    def of(
        arrays: Sequence[Floats], *, sh_degree: int, tiers: NDArray[np.uint8] | None, classes: NDArray[np.int8],
        options: dict[str, Any], fitted: bytes,
    ) -> RoundCall:  # fmt: skip
        """Arguments as of `encode_stepped`."""
        unbooked = {name: value for name, value in options.items() if name not in ("books", "prices", "shares")}
        scene = {"sh_degree": sh_degree, "classes": np.ascontiguousarray(classes, np.int8), "fitted": fitted}
        return RoundCall(arrays, {**unbooked, **scene, **_tiers(tiers)})


def round_stepped(call: RoundCall, *, threads: int) -> tuple[list[Floats], LostValue | None]:
    """What a decoder would have of the five arrays, row for row."""
    rounded, lost = _core.round_stepped(*call.arrays, **call.options, threads=threads)
    return [np.asarray(array) for array in rounded], LostValue(*lost) if lost else None


def _tiers(tiers: NDArray[np.uint8] | None) -> dict[str, Any]:
    if tiers is None:
        return {"tiers": np.zeros(0, np.uint8), "tier_count": 1}
    return {"tiers": np.ascontiguousarray(tiers, np.uint8), "tier_count": int(tiers.max()) + 1}


def decode_stepped(
    file: memoryview, params: bytes, books: Sequence[bytes], tables: Sequence[bytes], chunks: Sequence[ChunkPlace],
    splats: int, threads: int,
) -> list[Floats] | tuple[type[Exception], int]:  # fmt: skip
    """Decode chunks, sorted by (tile, tier, layer), into `splats` rows.

    Returns: positions, log_scales, rotations, opacity_logits, sh; or the error class and what failed: the index
        of a chunk, -1 for the parameters, -2 - b for the CODEBOOKS chunk b, -5 - t for the TABLES chunk t.
    """
    data, places = np.frombuffer(file, np.uint8), places_of(chunks)
    arrays, status, failed = _core.decode_stepped(data, params, list(books), list(tables), places, splats, threads)
    if status != 0:
        return STATUS[status], failed
    return [np.asarray(a) for a in arrays]


def places_of(chunks: Sequence[ChunkPlace]) -> list[tuple[int, int, int, int, int, int, int]]:
    """The chunks as the native decoders take them."""
    return [(c.tile, c.tier, c.layer, c.splats, c.row, c.offset, c.size) for c in chunks]
