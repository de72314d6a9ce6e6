"""Codec COLUMNS in native code: integer columns of point sets to chunks and back (docs/FORMAT.md 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip import _core

Integers = NDArray[np.uint32]


@dataclass(frozen=True)
class ColumnInput:
    """What the encoder is told of a component.

    Attributes:
        layer: 0 or 1.
        group: components of a group share a stream, 0..31.
        shared: components of the group share their contexts, too (small alphabets).
        raw_bits: low bits that are stored as they are.
        axis: 0..2 if the component is that coordinate, else -1.
    """

    layer: int
    group: int
    shared: bool = False
    raw_bits: int = 0
    axis: int = -1


@dataclass(frozen=True)
class EncodedColumns:
    """Chunks of a point set: specification, tables by layer, payloads by layer and tile, source row of each place."""

    spec: bytes
    tables: list[bytes]
    chunks: list[list[bytes]]
    order: NDArray[np.int64]


@dataclass(frozen=True)
class ColumnsTile:
    """Where the chunks of a tile are in the file; no `rest`: layer 1 is missing or there is none."""

    splats: int
    geometry: tuple[int, int]
    rest: tuple[int, int] | None = None


@dataclass(frozen=True)
class ColumnTarget:
    """Where a component's numbers go: bits [shift, shift + bits) of a column of an array (N, K) of zeros.

    Attributes:
        folded: numbers are unfolded first, sign and magnitude (FORMAT.md 7.5).
    """

    array: NDArray[Any]
    column: int
    shift: int
    bits: int
    folded: bool = False


@dataclass(frozen=True)
class BadColumns:
    """What could not be decoded: one of these.

    Attributes:
        spec: the specification.
        tables: the TABLES chunk of that id.
        tile: that tile's `layer`.
        target: a number with more bits than its target has; coordinates count first.
    """

    spec: bool = False
    tables: int | None = None
    tile: int = -1
    layer: int = 0
    target: int | None = None


def morton_order(coordinates: Integers) -> NDArray[np.int64]:
    """Rows in the Morton order of their coordinates (N, 3)."""
    return np.asarray(_core.morton_order(np.ascontiguousarray(coordinates, np.uint32)))


def encode_columns(
    coordinates: Integers, values: Integers, columns: Sequence[ColumnInput], order: NDArray[np.int64],
    starts: NDArray[np.int64], *, neighbours: bool = True, value_map: Sequence[int] = (),
    tables_id: int = 0, align: int = 0, threads: int = 0,
) -> EncodedColumns:  # fmt: skip
    """Encode N points.

    Args:
        coordinates: (N, 3), what points are sorted by.
        values: (C, N), one row a component.
        columns: the components; layer 0 before layer 1, those of a group next to each other.
        order, starts: rows tile after tile, and where each tile starts; the last start is N.
        neighbours: predict from near points, not only from the same point.
        value_map: what codes stand for, not falling, below 2^14: predictions are linear in it; without neighbours only.
        tables_id: of the TABLES chunk of layer 0; layer 1 has the next.
        align: tiles start at a multiple of 2^align of coordinate 0.
    """
    spec, tables, chunks, rows = _core.encode_columns(
        np.ascontiguousarray(coordinates, np.uint32),
        np.ascontiguousarray(values, np.uint32),
        [(c.layer, c.group, c.shared, c.raw_bits, c.axis) for c in columns],
        np.ascontiguousarray(order, np.int64),
        np.ascontiguousarray(starts, np.int64),
        neighbours,
        list(value_map),
        tables_id,
        align,
        threads,
    )
    return EncodedColumns(spec, tables, chunks, np.asarray(rows))


def zero_codes(splats: int, columns: int, dtype: str) -> NDArray[Any]:
    """(splats, columns) of uint8, uint16 or uint32: `decode_columns` fills it, and memory comes as it is filled."""
    return np.asarray(getattr(_core, f"zeros_{dtype}")(splats, columns))


def component_layers(spec: bytes) -> list[int] | None:
    """The layer of each component, or None if the bytes are not a specification."""
    layers: list[int] | None = _core.describe_columns(spec)
    return layers


def decode_columns(
    data: memoryview, spec: bytes, tables: Sequence[bytes], tiles: Sequence[ColumnsTile],
    coordinates: Sequence[ColumnTarget | None], components: Sequence[ColumnTarget],
    *, prefix: tuple[int, Integers] | None = None, forget: bool = False, threads: int = 0,
) -> BadColumns | None:  # fmt: skip
    """Inverse of `encode_columns`, apart from the order of points inside a tile.

    Args:
        data: the file, which the places of `tiles` count in.
        tables: TABLES chunks by their ids, empty where there is none.
        coordinates: where the three go, None where one is not asked for.
        components: where each goes; those of missing layers are not filled.
        prefix: (shift, (N,)): what coordinate 0 holds from bit `shift` on goes into the array, what is below into its
            target.
        forget: nobody else has `data`, and chunks that were decoded may be lost: their memory goes back to the system.
    Returns: None, or what is wrong.
    """
    targets = [
        (None, 0, 0, 1, False) if t is None else (t.array, t.column, t.shift, t.bits, t.folded)
        for t in (*coordinates, *components)
    ]
    shift, numbers = prefix or (32, np.zeros(0, np.uint32))
    wrong = _core.decode_columns(
        np.frombuffer(data, np.uint8),
        spec,
        list(tables),
        [(t.splats, *t.geometry, *(t.rest or (0, 0))) for t in tiles],
        targets,
        shift,
        numbers,
        forget,
        threads,
    )
    if wrong is None:
        return None
    what, number, *layer = wrong
    if what == "spec":
        return BadColumns(spec=True)
    if what == "tile":
        return BadColumns(tile=number, layer=layer[0])
    return BadColumns(tables=number) if what == "tables" else BadColumns(target=number)
