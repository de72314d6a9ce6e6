"""Section 7 of FORMAT.md: codec COLUMNS, integers without loss. Over 400 lines, to be read beside that section."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reference.container import COLUMNS, PALETTE, SOURCE, TABLES, Chunk, File, json_chunk
from reference.numbers import BadFile, Bytes, Integers, check
from reference.prediction import octree
from reference.sources import Source, dequantize
from reference.streams import MAX_CONTEXTS, Stream, TableSet, open_streams, read_tables

OCTREE, COUNT, POSITION_LOW, COLUMN_0 = 1, 2, 6, 32
BY_LEVEL, BY_FRACTION, DIRECT, COORDINATE = range(4)
MAX_COMPONENTS, MAX_CODED = 96, 1 << 16
MAX_POINTS, MAX_POINTS_PER_BYTE = 1 << 16, 1024
NEIGHBOURS, WINDOW, DISTANCE_BITS, FAR = 4, 16, 12, 32
ERROR_LIMIT, WEIGHT_BITS, MAP_BITS = 4095, 12, 14
LAYER_TABLES, PALETTE_TABLES = (0, 1), 2
DTYPES = ("uint8", "uint16", "uint32", "uint64", "float32")


def wrap(v: int) -> int:
    """v modulo 2^32, signed."""
    return (v + (1 << 31)) % (1 << 32) - (1 << 31)


# --- 7.1 Columns chunk ------------------------------------------------------------------------------------------------


@dataclass
class Column:
    """One component."""

    layer: int
    stream: int
    raw_bits: int
    mode: int
    axis: int
    size: int
    alphabet: Integers | None
    center: int = 0
    level_bias: int = 0
    error_bias: int = 0
    level: list[tuple[int, int]] = field(default_factory=list)
    error: list[tuple[int, int]] = field(default_factory=list)
    pair: tuple[int, int] | None = None
    first_context: int = 0
    error_cuts: list[int] = field(default_factory=list)
    level_cuts: list[int] = field(default_factory=list)


@dataclass
class Columns:
    """What a columns chunk says."""

    neighbours: bool
    halvings: int
    map: Integers | None
    columns: list[Column]


def read_columns(data: bytes) -> Columns:
    block = Bytes(data)
    neighbours, halvings, map_size = block.byte(), block.byte(), block.varint()
    check(neighbours <= 1 and halvings <= 8 and map_size <= (0 if neighbours else 256), "columns")
    values = np.cumsum([0, *(block.varint() for _ in range(map_size))])[1:]
    check((values < 1 << MAP_BITS).all(), "the map of columns")
    count = block.varint()
    check(count <= MAX_COMPONENTS, "too many components")
    columns: list[Column] = []
    for _ in range(count):
        columns.append(read_column(block, columns, count))
        check(not map_size or columns[-1].size <= map_size, "a component is wider than the map")
    block.end()
    return Columns(bool(neighbours), halvings, values if map_size else None, columns)


def read_column(block: Bytes, before: list[Column], count: int) -> Column:
    flags, stream, raw_bits, size = block.byte(), block.byte(), block.byte(), block.varint()
    mode, layer, axis, index = flags & 3, flags >> 2 & 1, flags >> 5 & 3, len(before)
    check(stream < 32 and raw_bits < 32 and 1 <= size <= MAX_CODED and axis < 3, "a component")
    check(not before or layer >= before[-1].layer, "layers fall")
    alphabet = None
    if flags & 8:
        steps = [block.varint() + (1 if k else 0) for k in range(size)]
        check(max(steps) <= 1 << 32, "an alphabet")
        alphabet = np.cumsum(steps)
    check((size - 1 if alphabet is None else int(alphabet[-1])) >> (32 - raw_bits) == 0, "a component has over 32 bits")
    column = Column(layer, stream, raw_bits, mode, axis, size, alphabet)
    if mode == COORDINATE:
        check(raw_bits == 0 and alphabet is None, "a coordinate")
        return column
    column.center = block.varint()
    check(column.center < MAX_CODED, "a centre")
    column.level_bias, column.error_bias = wrap(block.signed()), wrap(block.signed())
    column.level = read_terms(block, 2 * index + 2)
    check(all(f != 2 * index for f, _ in column.level), "a level that knows itself")
    column.error = read_terms(block, 2 * count + 2 + index)
    check(all(f < 2 * index or f == 2 * index + 1 or f >= 2 * count for f, _ in column.error), "a term of an error")
    if flags & 128:
        column.pair = (block.byte(), block.byte())
        check(max(column.pair) < index, "a pair")
    if flags & 16:
        check(before and before[-1].mode != COORDINATE, "no contexts to share")
        column.first_context = before[-1].first_context
        column.error_cuts, column.level_cuts = before[-1].error_cuts, before[-1].level_cuts
    else:
        column.first_context = block.byte()
        column.error_cuts, column.level_cuts = read_cuts(block), read_cuts(block)
    contexts = (len(column.error_cuts) + 1) * (len(column.level_cuts) + 1)
    check(column.first_context + contexts <= MAX_CONTEXTS, "contexts of a component")
    return column


def read_terms(block: Bytes, limit: int) -> list[tuple[int, int]]:
    count, feature, terms = block.varint(), -1, []
    check(count <= limit, "terms")
    for _ in range(count):
        feature += 1 + block.varint()
        weight = block.signed()
        check(feature < limit and weight == wrap(weight), "a term")
        terms.append((feature, weight))
    return terms


def read_cuts(block: Bytes) -> list[int]:
    count, cut, cuts = block.varint(), 0, []
    check(count < MAX_CONTEXTS, "cuts")
    for _ in range(count):
        step = block.signed()
        cut += step
        check(step == wrap(step) and cut == wrap(cut), "a cut")
        cuts.append(cut)
    return cuts


# --- 7.2 Chunks, 7.3 Passes and planes --------------------------------------------------------------------------------


@dataclass
class Pass:
    """Places (of the points in coding order) of a pass, their neighbours' places, how far those are."""

    places: slice
    near: Integers | None  # (4, points)
    far: Integers


@dataclass
class Points:
    """The points of a chunk."""

    ranks: Integers  # by place
    passes: list[Pass]
    coordinates: Integers  # (n, 3) by rank
    values: list[Integers]  # coded, by component and place
    errors: list[Integers]
    raw: list[Integers]


def arrange(columns: Columns, cells: Integers, coordinates: Integers, depth: int) -> Points:
    n, halvings = len(cells), columns.halvings
    starts = [np.arange(0, n, 1 << halvings)]
    for p in range(1, halvings + 1):
        s = 1 << (halvings - p)
        starts.append(np.arange(s, n, 2 * s))
    ranks = np.concatenate(starts)
    place = np.empty(n, np.int64)
    place[ranks] = np.arange(n)
    grid = cells >> max(0, depth - DISTANCE_BITS)
    passes, begin = [], 0
    for p, of_pass in enumerate(starts):
        near, far = None, np.full(len(of_pass), FAR)
        if p and columns.neighbours and len(of_pass):
            near, far = neighbours(grid, place, of_pass, 1 << (halvings - p))
        passes.append(Pass(slice(begin, begin + len(of_pass)), near, far))
        begin += len(of_pass)
    empty = [np.zeros(n, np.int64) for _ in columns.columns]
    return Points(ranks, passes, coordinates, [v.copy() for v in empty], [v.copy() for v in empty], empty)


def neighbours(grid: Integers, place: Integers, ranks: Integers, s: int) -> tuple[Integers, Integers]:
    n, m = len(grid), np.arange(len(ranks))
    k = m[:, None] + np.arange(1 - WINDOW, 1 + WINDOW)
    known = (k >= 0) & (2 * s * k < n)
    d = grid[np.where(known, 2 * s * k, 0)] - grid[ranks][:, None]
    square = np.where(known, d[..., 0] ** 2 + d[..., 1] ** 2 + d[..., 2] ** 2, 1 << 40)
    order = np.argsort(square, axis=1, kind="stable")[:, :NEIGHBOURS]
    exists, chosen = np.take_along_axis(known, order, 1), np.take_along_axis(k, order, 1)
    chosen = np.where(exists, chosen, chosen[:, :1])
    last = np.take_along_axis(np.take_along_axis(square, order, 1), exists.sum(1, keepdims=True) - 1, 1)[:, 0]
    far = np.array([int(v).bit_length() for v in last], np.int64)
    return place[2 * s * chosen].T, far


def decode_chunk(
    columns: Columns, tables: dict[int, dict[int, TableSet]], n: int, payloads: list[bytes]
) -> tuple[Integers, list[Integers | None]]:
    """Coordinates (n, 3) and values of each component, by rank; None for those of a layer that is not there."""
    check(1 <= n <= MAX_POINTS, "points of a chunk")
    out: list[Integers | None] = [None] * len(columns.columns)
    for layer, payload in enumerate(payloads):
        check(n <= MAX_POINTS_PER_BYTE * len(payload), "points of a chunk")
        block = Bytes(payload)
        if layer == 0:
            depth, low = block.byte(), block.byte()
            origin = [block.varint() for _ in range(3)]
            check(depth <= 21 and low <= 11 and max(origin) < 1 << 32, "the frame of a chunk")
        streams = open_streams(block, tables, COLUMN_0 + 32)
        mine = {COLUMN_0 + c.stream for c in columns.columns if c.layer == layer and c.mode != COORDINATE}
        mine |= {OCTREE, COUNT, POSITION_LOW} if layer == 0 else set()
        check(streams.keys() == mine, "the streams of a chunk")
        if layer == 0:
            codes = np.array(octree(streams[OCTREE], streams[COUNT], depth, n, []), np.int64)
            bits = range(21)
            cells = np.stack([sum(((codes >> (3 * b + a)) & 1) << b for b in bits) for a in range(3)], axis=1)
            lows = [[streams[POSITION_LOW].bits.get(low) for _ in range(3)] for _ in range(n)]
            coordinates = np.array(origin) + (cells << low) + np.array(lows, np.int64)
            check((coordinates < 1 << 32).all(), "a coordinate has over 32 bits")
            for c in columns.columns:
                check(c.mode != COORDINATE or (not low and origin[c.axis] + (1 << depth) <= 1 << 16), "coordinates")
            points = arrange(columns, cells, coordinates, depth)
        for pass_ in points.passes:
            for index, column in enumerate(columns.columns):
                if column.layer == layer and pass_.places.stop > pass_.places.start:
                    code_plane(columns, index, points, pass_, streams)
        for stream in streams.values():
            stream.end()
        for index, column in enumerate(columns.columns):
            if column.layer == layer:
                value = points.values[index] if column.alphabet is None else column.alphabet[points.values[index]]
                by_rank = np.empty(n, np.int64)
                by_rank[points.ranks] = value << column.raw_bits | points.raw[index]
                out[index] = by_rank
    return points.coordinates, out


# --- 7.4 Prediction and contexts --------------------------------------------------------------------------------------


def code_plane(columns: Columns, index: int, points: Points, pass_: Pass, streams: dict[int, Stream]) -> None:
    column, at = columns.columns[index], pass_.places
    values = points.values[index]
    if column.mode == COORDINATE:
        values[at] = points.coordinates[points.ranks[at], column.axis]
    level, size = predict(columns, index, points, pass_)
    if column.mode != COORDINATE:
        stream = streams[COLUMN_0 + column.stream]
        fraction = level % 16
        a, b = size, np.minimum(fraction, 16 - fraction) if column.mode == BY_FRACTION else level
        if column.pair is not None:
            a, b = (16 * np.abs(points.values[j][at] - columns.columns[j].center) for j in column.pair)
        context = np.full(len(level), column.first_context)
        for cut in column.error_cuts:
            context += (cut <= a) * (len(column.level_cuts) + 1)
        for cut in column.level_cuts:
            context += cut <= b
        v = stream.plane(context, signed=column.mode != DIRECT)
        if column.mode != DIRECT:
            v = ((level + 8) >> 4) + np.where((column.mode == BY_FRACTION) & (fraction >= 8), -v, v)
        check(((v >= 0) & (v < column.size)).all(), "a value is not below its size")
        values[at] = v
        if column.raw_bits:
            points.raw[index][at] = [stream.bits.get(column.raw_bits) for _ in range(len(v))]
    points.errors[index][at] = np.minimum(np.abs(16 * values[at] - level), ERROR_LIMIT)


def predict(columns: Columns, index: int, points: Points, pass_: Pass) -> tuple[Integers, Integers]:
    """Level in 1/16 and error size."""
    column, at, count = columns.columns[index], pass_.places, len(columns.columns)

    def near(j: int) -> Integers | None:
        return None if pass_.near is None else points.values[j][pass_.near]

    def sums(j: int) -> Integers:
        v = near(j)
        n = at.stop - at.start
        return np.full(n, NEIGHBOURS * columns.columns[j].center) if v is None else v[0] + v[1] + v[2] + v[3]

    def spread(j: int) -> Integers:
        v = near(j)
        if v is None:
            return np.zeros(at.stop - at.start, np.int64)
        d = np.abs(NEIGHBOURS * v - sums(j))
        return np.minimum(d[0] + d[1] + d[2] + d[3], ERROR_LIMIT)

    def told(j: int) -> Integers:
        v = points.values[j][at]
        return v if columns.map is None else columns.map[np.minimum(v, len(columns.map) - 1)]

    def square(j: int) -> Integers:
        other = columns.columns[j]
        d = (points.values[j][at] - other.center) >> max(0, (other.size - 1).bit_length() - 8)
        return d * d % (1 << 16)

    total = np.full(at.stop - at.start, column.level_bias)
    for feature, weight in column.level:
        total = wrapped(total + weight * (sums if feature % 2 else told)(feature >> 1))
    top = 16 * (column.size - 1)
    if columns.map is None:
        level = np.clip(total >> (WEIGHT_BITS - 4), 0, top)
    else:
        level = np.minimum(code_of(columns.map, np.clip(total >> WEIGHT_BITS, 0, (1 << MAP_BITS) - 1)), top)
    total = np.full(at.stop - at.start, column.error_bias)
    for feature, weight in column.error:
        if feature >= 2 * count + 2:
            value = square(feature - 2 * count - 2)
        elif feature == 2 * count + 1:
            value = np.minimum(np.abs(level - 16 * column.center), ERROR_LIMIT)
        elif feature == 2 * count:
            value = pass_.far
        else:
            value = spread(feature >> 1) if feature % 2 else points.errors[feature >> 1][at]
        total = wrapped(total + weight * value)
    return level, total >> WEIGHT_BITS


def wrapped(v: Integers) -> Integers:
    return (v + (1 << 31)) % (1 << 32) - (1 << 31)


def code_of(map_: Integers, t: Integers) -> Integers:
    """The code, in 1/16, that stands for a mapped value."""
    k = np.maximum(np.searchsorted(map_, t, side="right") - 1, 0)
    after = np.minimum(k + 1, len(map_) - 1)
    step = np.maximum(map_[after] - map_[k], 1)
    inside = (k + 1 < len(map_)) & (t > map_[k])
    return 16 * k + np.where(inside, 16 * (t - map_[k]) // step, 0)


# --- 7.5 Source, components, palette ----------------------------------------------------------------------------------

Field = tuple[str, int, int, int, bool]  # array, column, shift, bits, folded


def fields_of(source: Source) -> tuple[list[Field], list[Field], int | None]:
    """Coordinates, components (those of layer 1 last), bits below a chunk's or bucket's number in coordinate 0."""
    shapes, version = source.shapes, source.version

    def plain(name: str, columns: list[int], *, folded: bool = False) -> list[Field]:
        bits = 8 * np.dtype(shapes[name][1]).itemsize
        return [(name, c, 0, bits, folded) for c in columns]

    def words(name: str, parts: list[tuple[int, int]], *, folded: bool = False) -> list[Field]:
        return [(name, 0, shift, bits, folded) for shift, bits in parts]

    def sh(*, folded: bool = False, first: int = 0, channel_major: bool = False) -> list[Field]:
        if "sh" not in shapes:
            return []
        b = shapes["sh"][0] // 3 - first
        if channel_major:
            return plain("sh", [c * b + k for k in range(b) for c in (1, 0, 2)], folded=folded)
        return plain("sh", [3 * (k + first) + c for k in range(b) for c in (1, 0, 2)], folded=folded)

    xyz, wxyz = [0, 1, 2], [0, 1, 2, 3]
    parts = [(30, 2), (20, 10), (10, 10), (0, 10)]
    if source.format == "spz":
        smallest = words("rotations", parts[:1]) + words("rotations", parts[1:], folded=True)
        rotation = smallest if version >= 3 else plain("rotations", xyz)
        fields = plain("scales", xyz) + plain("alphas", [0]) + plain("colors", [1, 0, 2]) + rotation + sh()
        return plain("positions", xyz, folded=version == 1), fields, None
    if source.format == "sog":
        labels = words("labels", [(8, 8), (0, 8)]) if "labels" in shapes else []
        fields = plain("scales", xyz) + plain("colors", [3, 0, 1, 2]) + plain("rotations", [3, 0, 1, 2]) + labels
        return plain("positions", xyz), fields, None
    if source.format == "compressed_ply":
        three = [(21, 11), (11, 10), (0, 11)]
        color = words("color", [(0, 8), (16, 8), (24, 8), (8, 8)])
        fields = words("scale", three) + color + words("rotation", parts) + sh(channel_major=True)
        return words("position", three), fields, 11
    if source.format == "splat":
        fields = plain("scales", xyz, folded=True) + plain("colors", [3, 1, 0, 2]) + plain("rotations", wxyz)
        return plain("positions", xyz, folded=True), fields, None
    if source.format == "ksplat":
        wide = shapes["positions"][1] == "uint32"
        fields = plain("scales", xyz, folded=True) + plain("colors", [3, 1, 0, 2])
        fields += plain("rotations", wxyz, folded=True) + (plain("buckets", [0]) if wide else [])
        fields += sh(folded="sh" in shapes and shapes["sh"][1] != "uint8")
        return plain("positions", xyz, folded=wide), fields, None if wide else 16
    check(source.format == "float32", f"source format {source.format}")
    fields = plain("log_scales", xyz, folded=True) + plain("opacity_logits", [0], folded=True)
    fields += plain("sh", [1, 0, 2], folded=True) + plain("rotations", wxyz, folded=True)
    return plain("positions", xyz, folded=True), fields + sh(folded=True, first=1), None


def read_source(file: File) -> Source:
    check((SOURCE, 0) in file.shared, "no SOURCE chunk")
    try:
        return source_of(json_chunk(file, SOURCE), file)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFile(f"a field of SOURCE is missing or not what it should be: {error!r}") from None


def whole(value: object) -> int:
    check(type(value) is int and 0 <= value < 1 << 32, "a number of SOURCE")
    return value  # type: ignore[return-value]


def source_of(said: dict[str, Any], file: File) -> Source:
    raw, at, tables = file.shared.get((SOURCE, 1), b""), 0, dict[str, NDArray[Any]]()
    for name, dtype, shape in said["tables"]:
        check(dtype in DTYPES, "the type of a table")
        count = math.prod(whole(extent) for extent in shape)
        check(at + count * np.dtype(dtype).itemsize <= len(raw), "a table")
        tables[name] = np.frombuffer(raw, np.dtype(dtype).newbyteorder("<"), count, at).reshape(shape)
        at += tables[name].nbytes
    at += sum(whole(size) for kind, size in said["records"] if whole(kind) >= 0)
    check(at == len(raw), "tables and records")
    shapes = {name: (whole(columns), dtype) for name, (columns, dtype) in said["codes"].items()}
    check(all(dtype in DTYPES and columns <= 75 for columns, dtype in shapes.values()), "an array of codes")
    check(isinstance(said["header"], dict), "the header")
    return Source(said["format"], whole(said["version"]), said["header"], shapes, tables, {})


def decode_columns(file: File) -> dict[str, NDArray[Any]]:
    """Positions, log_scales, rotations, opacity_logits, sh."""
    source = read_source(file)
    check((COLUMNS, 0) in file.shared, "no COLUMNS chunk")
    columns = read_columns(file.shared[COLUMNS, 0])
    tables = {id_: read_tables(file.shared[TABLES, id_]) for id_ in LAYER_TABLES if (TABLES, id_) in file.shared}
    check(file.tiers == sum(layer == 0 for _, layer in file.runs), "a tier without a run")
    parts = []
    for tier in range(file.tiers):
        rest: dict[int, Chunk] = {chunk.tile: chunk for chunk in file.runs.get((tier, 1), [])}
        check(not rest.keys() - {chunk.tile for chunk in file.runs[tier, 0]}, "a layer 1 without its layer 0")
        for chunk in file.runs[tier, 0]:
            payloads = [chunk.payload]
            if any(c.layer for c in columns.columns):
                check(chunk.tile in rest and rest[chunk.tile].splats == chunk.splats, "layer 1 of a tile")
                payloads.append(rest[chunk.tile].payload)
            parts.append(decode_chunk(columns, tables, chunk.splats, payloads))
    check(sum(len(coordinates) for coordinates, _ in parts) == file.splats, "splats of the chunks")
    coordinates = np.concatenate([coordinates for coordinates, _ in parts])
    values = [np.concatenate([part[1][c] for part in parts]) for c in range(len(columns.columns))]  # type: ignore[misc]
    order = fill(source, coordinates, values)
    if "labels" in source.codes:
        source.tables["palette"] = decode_palette(file)
    source.codes = {name: array[order] for name, array in source.codes.items()}
    arrays = dequantize(source)
    check(arrays["sh"].shape[1] == (file.sh_degree + 1) ** 2, "SH degree of the source")
    return arrays


def fill(source: Source, coordinates: Integers, values: list[Integers]) -> Integers:
    """Puts the bit fields back into the arrays of codes. Returns the order that splats are to have."""
    places, fields, below = fields_of(source)
    check(len(values) == len(fields), "components are not those of the source")
    n, order = len(coordinates), np.arange(len(coordinates))
    words = {name: np.zeros((n, columns), np.int64) for name, (columns, _) in source.shapes.items()}
    numbers = [coordinates[:, 0], coordinates[:, 1], coordinates[:, 2]]
    if below is not None:
        prefix, numbers[0] = numbers[0] >> below, numbers[0] % (1 << below)
        order = np.argsort(prefix, kind="stable")
        if source.format == "ksplat":
            words["buckets"][:, 0] = prefix
        else:
            check(np.array_equal(prefix[order], np.arange(n) // 256), "a chunk of the source does not have 256 splats")
    for (name, column, shift, bits, folded), value in zip(places + fields, numbers + values, strict=True):
        check((value >> bits == 0).all(), f"a code of {name} is too large")
        if folded:
            top = 1 << (bits - 1)
            value = np.where(value >= top, value - top, 2 * top - 1 - value)
        words[name][:, column] |= value << shift
    source.codes = {name: array.astype(source.shapes[name][1]) for name, array in words.items()}
    return order


def decode_palette(file: File) -> NDArray[np.uint8]:
    check((COLUMNS, 1) in file.shared and (TABLES, PALETTE_TABLES) in file.shared, "no description of the palette")
    tables = {PALETTE_TABLES: read_tables(file.shared[TABLES, PALETTE_TABLES])}
    columns = read_columns(file.shared[COLUMNS, 1])
    ids = sorted(id_ for kind, id_ in file.shared if kind == PALETTE)
    check(ids and ids == list(range(len(ids))) and len(columns.columns) in (9, 24, 45), "the palette")
    parts = []
    for id_ in ids:
        block = Bytes(file.shared[PALETTE, id_])
        (rows,) = block.fixed("I")
        _, values = decode_chunk(columns, tables, rows, [block.data[4:]])
        parts.append(np.stack([v for v in values if v is not None], axis=1))
    coded = np.concatenate(parts)
    check((coded < 256).all() and coded.shape[1] == len(columns.columns), "a palette code")
    palette = np.empty(coded.shape, np.uint8)
    for k in range(coded.shape[1]):
        palette[:, 3 * (k // 3) + (1, 0, 2)[k % 3]] = coded[:, k]
    return palette
