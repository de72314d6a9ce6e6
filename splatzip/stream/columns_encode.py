"""Encodes a scene's integers losslessly as a .splatz file of codec COLUMNS.

    scene.source (or the bits of its floats)  ->  components  ->  tiles  ->  [kernels.columns]  ->  container

Layer 0 holds what a first picture needs, layer 1 the SH (and, for SOG, the palette before it).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.container import Box, Codec, Kind, Root, Run, SharedChunk, TileChunk, json_chunks, json_values, write_file
from splatzip.container.layout import FLOAT32
from splatzip.kernels.columns import encode_columns, morton_order
from splatzip.kernels.dequantize_compressed_ply import CHUNK_SPLATS
from splatzip.kernels.dequantize_sog import numbers_of
from splatzip.scene import QuantizedSource, Scene
from splatzip.stream.columns_layout import PALETTE_TABLES, Layout, green_first, layout_of, palette_inputs, take
from splatzip.stream.compensation import Compensation, closed_form
from splatzip.stream.tiers import SHARES_LOSSLESS, by_importance, importance, run_order

TILE_SPLATS = 32768  # lossless files are about bytes: 0.1 % less than 16,384
SMALL_TILE = 2500  # tiers but the last have four tiles, of at least so many splats: they come one by one
# Bits of floats hardly know their neighbours: small tiles cost 0.1 %, and a tile in work takes 1.5 times its floats.
FLOAT_TILES = 32
FLOAT_TILE_SPLATS = (SMALL_TILE, 8192)
PALETTE_TILE = 32768
MAP_LEVELS = 1 << 14


def encode_scene(
    scene: Scene, *, tiers: NDArray[np.uint8] | None = None, compensation: Compensation | None = None,
    threads: int = 0, settings: Mapping[str, str] | None = None,
) -> bytes:  # fmt: skip
    """Code a scene losslessly: the codes of its source, or the bits of its floats.

    Args:
        tiers: (N,) importance tier of each splat; None: estimated without rendering. A compressed.ply has a single
            tier: its codes are relative to chunks of 256, which stay whole.
        compensation: how splats stand in for later tiers; None: in closed form.
        threads: 0 for every core; the bytes do not depend on it.
        settings: what the file's settings chunk says.
    Returns: a whole .splatz file.
    """
    source = scene.source or float_source(scene)
    codes, tables = dict(source.codes), dict(source.tables)
    needs_rest: list[SharedChunk] = []
    if "labels" in codes and "palette" in tables:
        rank, needs_rest = _encode_palette(tables.pop("palette"), tables.get("shN"), threads)
        codes["labels"] = rank[codes["labels"]]
    layout = layout_of(source.format, source.version, shapes_of(codes))
    if source.format == "compressed_ply":
        tiers = np.zeros(len(scene), np.uint8)
    elif tiers is None:
        tiers = by_importance(importance(scene, threads=threads), SHARES_LOSSLESS)
    if compensation is None:
        compensation = closed_form(tiers, scene.log_scales)
    coordinates = _coordinates(source, layout, codes)
    order = _order(source, coordinates)
    order = order[np.argsort(tiers[order], kind="stable")]
    starts = _starts_of_tiers(np.bincount(tiers), _tile_splats(source))
    encoded = encode_columns(
        coordinates,
        _components(codes, layout, len(scene)),
        [component.column_input for component in layout.components],
        order,
        starts,
        align=layout.prefix_shift or 0,
        threads=threads,
    )
    described, raw = describe(source, codes, tables)
    needs = [
        *json_chunks(Kind.META, scene.meta.stored()),  # says where to look from
        *json_chunks(Kind.TIERS, compensation.stored()),
        SharedChunk(Kind.SOURCE, 0, described),
        *([SharedChunk(Kind.SOURCE, 1, raw)] if raw else []),
        SharedChunk(Kind.COLUMNS, 0, encoded.spec),
        SharedChunk(Kind.TABLES, 0, encoded.tables[0]),
    ]
    boxes = _boxes(scene.positions[encoded.order], starts)
    tier_of_tile = tiers[order[starts[:-1]]]
    tier_count, layers = int(tiers.max()) + 1, len(encoded.chunks)
    runs = []
    for tier, layer in run_order(tier_count, layers):
        if tier == 0 and layer == 1:
            needs = [*needs_rest, SharedChunk(Kind.TABLES, 1, encoded.tables[1])]
        tiles = [
            TileChunk(tile, int(starts[tile + 1] - starts[tile]), boxes[tile], encoded.chunks[layer][tile])
            for tile in np.flatnonzero(tier_of_tile == tier).tolist()
        ]
        runs.append(Run(tier, layer, tiles, needs if tier == 0 else []))
    corners = np.array(boxes)
    box: Box = (tuple(corners[:, 0].min(0).tolist()), tuple(corners[:, 1].max(0).tolist()))
    root = Root(Codec.COLUMNS, len(scene), scene.sh_degree, tier_count, layers, tuple(scene.origin.tolist()), box)
    return write_file(root, runs, json_chunks(Kind.SETTINGS, settings or {}))


def _components(codes: Mapping[str, NDArray[Any]], layout: Layout, splats: int) -> NDArray[np.uint32]:
    """(C, N), component by component: what `take` gives is small enough to stay in the cache until it is copied."""
    values = np.empty((len(layout.components), splats), np.uint32)
    for row, component in zip(values, layout.components, strict=True):
        row[:] = take(codes, component)
    return values


def float_source(scene: Scene) -> QuantizedSource:
    """The bits of a float scene, as if they were codes."""
    codes = {name: array.view(np.uint32).reshape(len(scene), -1) for name, array in scene.arrays().items()}
    return QuantizedSource(FLOAT32, 1, codes)


def shapes_of(codes: Mapping[str, NDArray[Any]]) -> dict[str, tuple[int, str]]:
    """Columns and dtype name of each array."""
    return {name: (array.shape[1], array.dtype.name) for name, array in codes.items()}


def describe(
    source: QuantizedSource, codes: Mapping[str, NDArray[Any]], tables: Mapping[str, NDArray[Any]]
) -> tuple[bytes, bytes]:
    """The two SOURCE chunks: JSON, and the bytes of tables and records that it lists."""
    values = {
        "format": source.format,
        "version": source.version,
        "codes": {name: list(shape) for name, shape in shapes_of(codes).items()},
        "tables": [[name, table.dtype.name, list(table.shape)] for name, table in tables.items()],
        "records": [[kind, len(payload)] for kind, payload in source.records],
        "header": dict(source.header),
    }
    little = [np.ascontiguousarray(t, t.dtype.newbyteorder("<")).tobytes() for t in tables.values()]
    return json_values.dumps(values), b"".join([*little, *(payload for _, payload in source.records)])


def _coordinates(source: QuantizedSource, layout: Layout, codes: Mapping[str, NDArray[Any]]) -> NDArray[np.uint32]:
    coordinates = np.stack([take(codes, component) for component in layout.coordinates], axis=1)
    if layout.prefix_shift is not None:
        prefix = codes["buckets"][:, 0] if "buckets" in codes else np.arange(source.splats) // CHUNK_SPLATS
        coordinates[:, 0] += prefix.astype(np.uint32) << np.uint32(layout.prefix_shift)
    return coordinates


def _order(source: QuantizedSource, coordinates: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Rows tile after tile: by position; where positions are relative to chunks or buckets, by those.

    Runs of the Morton order code smaller than the boxes of a kd-tree: -0.3 bits a splat on karangkidul.
    """
    if source.format == "compressed_ply":
        return np.arange(source.splats)
    if source.format == "ksplat" and source.codes["positions"].dtype == np.uint16:
        return np.argsort(source.codes["buckets"][:, 0], kind="stable")
    return morton_order(coordinates)


def _tile_splats(source: QuantizedSource) -> int:
    if source.format != FLOAT32:
        return TILE_SPLATS
    fewest, most = FLOAT_TILE_SPLATS
    return min(max(source.splats // FLOAT_TILES, fewest), most)


def _starts(count: int, size: int) -> NDArray[np.int64]:
    return np.append(np.arange(0, count, size), count)


def _starts_of_tiers(counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    firsts = np.cumsum(counts) - counts
    sizes = [min(max(-(-int(count) // 4), SMALL_TILE), size) for count in counts[:-1]]
    tiers = [
        first + _starts(int(count), own)[:-1] for first, count, own in zip(firsts, counts, [*sizes, size], strict=True)
    ]
    return np.append(np.concatenate(tiers), counts.sum())


def _boxes(positions: NDArray[np.float32], starts: NDArray[np.int64]) -> list[Box]:
    low = np.minimum.reduceat(positions, starts[:-1])
    high = np.maximum.reduceat(positions, starts[:-1])
    return [(tuple(a), tuple(b)) for a, b in zip(low.tolist(), high.tolist(), strict=True)]


def _encode_palette(
    palette: NDArray[np.uint8], codebook: NDArray[Any] | None, threads: int
) -> tuple[NDArray[np.uint16], list[SharedChunk]]:
    """The new number of each row, and the chunks that hold them.

    Palette rows are points, too: three of their numbers are the coordinates that they are sorted by.
    """
    coefficients = palette.shape[1] // 3
    columns = palette[:, green_first(coefficients)].astype(np.uint32)
    inputs = palette_inputs(coefficients)
    coordinates = np.ascontiguousarray(columns[:, [c for c, entry in enumerate(inputs) if entry.axis >= 0]])
    starts = _starts(len(palette), PALETTE_TILE)
    encoded = encode_columns(
        coordinates,
        columns.T,
        inputs,
        morton_order(coordinates),
        starts,
        neighbours=False,
        value_map=value_map(codebook),
        tables_id=PALETTE_TABLES,
        threads=threads,
    )
    rank = np.empty(len(palette), np.uint16)
    rank[encoded.order] = np.arange(len(palette))
    rows = np.diff(starts).tolist()
    return rank, [
        SharedChunk(Kind.COLUMNS, 1, encoded.spec),
        SharedChunk(Kind.TABLES, PALETTE_TABLES, encoded.tables[0]),
        *(
            SharedChunk(Kind.PALETTE, i, count.to_bytes(4, "little") + chunk)
            for i, (count, chunk) in enumerate(zip(rows, encoded.chunks[0], strict=True))
        ),
    ]


def value_map(codebook: NDArray[Any] | None) -> list[int]:
    """The entries of a codebook on a grid of 2^14, or nothing if they do not rise with the code."""
    if codebook is None or codebook.shape != (256,):
        return []
    values = numbers_of(codebook)
    if np.isnan(values[0]):
        values[0] = values[1]
    span = values[-1] - values[0]
    if not np.isfinite(span) or span <= 0 or (np.diff(values) < 0).any():
        return []
    grid = np.floor((values - values[0]) / span * (MAP_LEVELS - 1) + 0.5)
    return [int(value) for value in grid]
