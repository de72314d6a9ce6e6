"""Codec STEPPED in native code: a scene's arrays to chunks and back (docs/FORMAT.md 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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


class Steps(NamedTuple):
    """How fine the steps of a scene are, and how it is divided; docs/FORMAT.md 6.1 has the numbers.

    Attributes:
        opacity_levels, opacity_power, softness, scale_powers: of the format.
        rules: of three scales, axis and spin of needles and of discs, position, colour and SH: the base, the most half
            octaves above it, and the exponents of the features.
        tile_splats, shared_tiles, diffusion, sh_dead_zone: see quantize.stepped.Options.
        books, prices, shares: of SH, scales and rotations: codebooks, as (first, count, entries) each, what a bit of an
            index is worth, and for which share of the splats they are.
    """

    opacity_levels: int
    opacity_power: int
    softness: float
    scale_powers: Sequence[int]
    rules: Sequence[Sequence[float]]
    tile_splats: int
    shared_tiles: bool
    diffusion: float
    sh_dead_zone: float
    books: Sequence[Sequence[tuple[int, int, int]]]
    prices: Sequence[float]
    shares: Sequence[float]


class Source(NamedTuple):
    """A scene to encode or to round, and how. Native code reads the fields by name (native/bind/stepped_source.h).

    Attributes:
        arrays: positions, log_scales, rotations, opacity_logits, sh.
        tiers: (N,) ascending from 0; None: one tier.
        classes: (N, 2) of geometry and of colour, or None.
        fitted: the parameters of an EncodedScene, whose bases and predictions are taken; or empty.
    """

    arrays: Sequence[Floats]
    steps: Steps
    tiers: NDArray[np.uint8] | None
    classes: NDArray[np.int8] | None
    fitted: bytes


def encode_stepped(source: Source, *, threads: int, device: Engine = "cpu") -> EncodedScene:
    """Encode a scene.

    `device` looks for entries while codebooks are trained: the same bytes from each.
    """
    needs_search = device != "cpu" and any(source.steps.books)
    search = make_core(device, "search") if needs_search else None  # lives until the end
    out = _core.encode_stepped(source, 0 if search is None else search.address, threads)
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


def round_stepped(source: Source, *, threads: int) -> tuple[list[Floats], LostValue | None]:
    """What a decoder would have of the five arrays, row for row."""
    rounded, lost = _core.round_stepped(source, threads)
    return [np.asarray(array) for array in rounded], LostValue(*lost) if lost else None


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
