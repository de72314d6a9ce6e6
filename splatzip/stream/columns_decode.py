"""Decodes a .splatz file of codec COLUMNS into a scene with the codes of its source.

container  ->  [kernels.columns]  ->  components  ->  scene.source  ->  kernels.dequantize  ->  Scene
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.container import ChunkEntry, ContainerFile, Kind, Root
from splatzip.container.layout import FLOAT32
from splatzip.errors import CorruptError, SceneError, UnsupportedFeatureError
from splatzip.kernels.columns import (
    BadColumns,
    ColumnsTile,
    ColumnTarget,
    Integers,
    component_layers,
    decode_columns,
    zero_codes,
)
from splatzip.kernels.cuda_decode import decode_columns_on_gpu
from splatzip.kernels.dequantize import dequantize
from splatzip.kernels.dequantize_compressed_ply import CHUNK_SPLATS
from splatzip.kernels.device import Device
from splatzip.scene import QuantizedSource, Scene, SceneMeta
from splatzip.scene.attributes import ATTRIBUTES, sh_rest_count
from splatzip.stream.columns_layout import PALETTE_TABLES, Component, Layout, green_first, layout_of, palette_inputs
from splatzip.stream.compensation import compensated, splats_missing

CODE_DTYPES = ("uint8", "uint16", "uint32")
DTYPES = (*CODE_DTYPES, "uint64", "float32")
# Part of the format (docs/FORMAT.md 7.2 and 7.5).
MAX_TILE_SPLATS = 1 << 16
MAX_SPLATS_PER_BYTE = 1024  # of a chunk: identical splats cost next to nothing, and memory must stay bounded
MAX_CODE_COLUMNS = 75  # SH of degree 4, of a float scene

_DECODERS = {"cpu": decode_columns, "cuda": decode_columns_on_gpu}
_Chunks = dict[tuple[int, int], ChunkEntry]  # by (tier, tile), ascending


@dataclass(frozen=True)
class Source:
    """What the SOURCE chunks say: a `QuantizedSource` but for its codes, of which they hold columns and dtype name."""

    format: str
    version: int
    shapes: dict[str, tuple[int, str]]
    tables: dict[str, NDArray[Any]]
    header: dict[str, Any]
    records: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True)
class Tiles:
    """Chunks to decode: those of layers 0 and 1; and as kernels take them, with specification and tables by id."""

    geometry: _Chunks
    rest: _Chunks
    spec: bytes
    tables: list[bytes]
    tiles: list[ColumnsTile]


@dataclass(frozen=True)
class _Decoded:
    codes: dict[str, NDArray[Any]]
    prefix: Integers  # (N,), or (0,): the layout has none
    without_rest: NDArray[np.bool_]  # (N,)
    tiers: NDArray[np.int64]  # (N,)


def decode_scene(file: ContainerFile, *, forget: bool = False, threads: int = 0, device: Device = "cpu") -> Scene:
    """Decode a file of codec COLUMNS.

    Args:
        forget: the file's bytes belong to this call and may be released: those of a float scene are nearly as large as
            its arrays, and should not stay in memory beside them.
        threads: 0 for every core.
        device: what decodes the codes; the CPU turns them into floats.
    Raises: CorruptError naming the chunk; TruncatedError if nothing of a damaged file can be decoded.
    """
    source = read_source(file)
    try:
        layout = layout_of(source.format, source.version, source.shapes)
    except KeyError as error:
        raise CorruptError(f"chunk ({int(Kind.SOURCE)}, 0): it has no array {error}") from None
    missing = list(file.missing)
    decoded = _decode_tiles(file, source, layout, forget, threads, device)
    if layout.prefix_shift is not None:
        decoded = _by_prefix(source, decoded)
    codes, without_rest = decoded.codes, decoded.without_rest
    splats = len(without_rest)
    if splats > file.root.splats or (splats < file.root.splats and not missing):
        raise CorruptError(f"root: it promises {file.root.splats} splats, the directories list {splats}")
    has_rest = any(component.column_input.layer for component in layout.components)
    if "labels" in codes and not without_rest.all():
        palette = _decode_palette(file, forget, threads, device)
        if palette is None:
            without_rest = np.ones(splats, bool)
        else:
            source.tables["palette"] = palette
    if has_rest and without_rest.any():
        if not file.missing:
            raise CorruptError("root: the SH of some tiles is not listed")
        missing.append(f"SH of {int(without_rest.sum())} splats")
        if without_rest.all():
            codes, source = _without_sh(codes, source)
    if splats != file.root.splats:
        missing.append(splats_missing(splats, file))
    meta = replace(SceneMeta.from_stored(file.shared_json(Kind.META)), missing=tuple(missing))
    try:
        floats = _floats(source, codes, threads)
        if has_rest and not without_rest.all():
            floats["sh"][without_rest, 1:] = 0.0
        quantized = None
        if source.format != FLOAT32 and not missing:
            quantized = QuantizedSource(
                source.format, source.version, codes, source.tables, source.header, source.records
            )
        scene = Scene(**floats, origin=np.array(file.root.origin), meta=meta, source=quantized)
    except SceneError as error:
        problem = str(error).partition("; ")[0]  # without advice, which is for files that can be repaired
        raise CorruptError(f"the decoded values are not a valid scene: {problem}") from None
    if splats == file.root.splats:
        return scene
    there = {(run.entry.tier, chunk.tile) for run in file.runs if run.entry.layer == 0 for chunk in run.chunks}
    return compensated(scene, file, decoded.tiers, there)


def _floats(source: Source, codes: dict[str, NDArray[Any]], threads: int) -> dict[str, NDArray[np.float32]]:
    if source.format != FLOAT32:
        return dequantize(source.format, source.version, codes, source.tables, source.header, threads=threads)
    shapes: dict[str, tuple[int, ...]] = {"opacity_logits": (-1,), "sh": (-1, codes["sh"].shape[1] // 3, 3)}
    return {a.name: codes[a.name].view(np.float32).reshape(shapes.get(a.name, codes[a.name].shape)) for a in ATTRIBUTES}


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 32:
        raise ValueError(f"{str(value)[:40]} is not a whole number from 0 to 2^32 - 1")
    return value


def read_source(file: ContainerFile) -> Source:
    """The description of the source, its tables and records.

    Raises: CorruptError; TruncatedError if a damaged file lacks it.
    """
    if file.shared_payload(Kind.SOURCE) is None:
        raise file.lacks("the description of its source")
    values = file.shared_json(Kind.SOURCE)
    where = f"chunk ({int(Kind.SOURCE)}, 0)"
    try:
        format, version, header = str(values["format"]), _whole(values["version"]), values["header"]
        if not isinstance(header, dict):
            raise TypeError("the header is not an object")
        shapes = {str(name): (_whole(columns), str(dtype)) for name, (columns, dtype) in values["codes"].items()}
        listed = [(str(n), str(t), tuple(_whole(e) for e in shape)) for n, t, shape in values["tables"]]
        records = [(_whole(kind), _whole(size)) for kind, size in values["records"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptError(f"{where}: a field is missing or not what it should be ({error})") from None
    if any(t not in CODE_DTYPES or c > MAX_CODE_COLUMNS for c, t in shapes.values()):
        raise CorruptError(f"{where}: an array of codes has an impossible shape")
    raw = file.shared_payload(Kind.SOURCE, 1)
    if raw is None and any([*(math.prod(shape) for _, _, shape in listed), *(size for _, size in records)]):
        raise file.lacks("the tables of its source")
    tables, carried = _tables_and_records(bytes(raw or b""), listed, records, where)
    return Source(format, version, shapes, tables, header, carried)


def _tables_and_records(
    data: bytes, listed: list[tuple[str, str, tuple[int, ...]]], records: list[tuple[int, int]], where: str
) -> tuple[dict[str, NDArray[Any]], tuple[tuple[int, bytes], ...]]:
    """What SOURCE 1 holds: tables by name, records with their kinds.

    Args:
        listed: name, type and shape of each table.
        records: kind and bytes of each.
        where: what lists them, for errors.
    """
    tables, at = {}, 0
    for name, type_name, shape in listed:
        if type_name not in DTYPES:
            raise CorruptError(f"{where}: table {name!r} has the unknown type {type_name[:40]!r}")
        dtype = np.dtype(type_name)
        size = math.prod(shape) * dtype.itemsize
        if size > len(data) - at:
            raise CorruptError(f"{where}: table {name!r} is larger than chunk ({int(Kind.SOURCE)}, 1)")
        stored = np.frombuffer(data, dtype.newbyteorder("<"), math.prod(shape), at)
        tables[name] = stored.astype(dtype).reshape(shape)
        at += size
    carried = []
    for kind, size in records:
        if size > len(data) - at:
            raise CorruptError(f"{where}: a record is larger than chunk ({int(Kind.SOURCE)}, 1)")
        carried.append((kind, data[at : at + size]))
        at += size
    if at != len(data):
        raise CorruptError(f"chunk ({int(Kind.SOURCE)}, 1): {len(data) - at} bytes are left over")
    return tables, tuple(carried)


def tiles_of(file: ContainerFile, layout: Layout) -> Tiles:
    """The chunks of splats, checked against what the source's layout asks for.

    Raises: CorruptError; TruncatedError if nothing of a damaged file can be decoded.
    """
    by_layer = [{(r.entry.tier, c.tile): c for r in file.runs if r.entry.layer == y for c in r.chunks} for y in (0, 1)]
    geometry, rest = (dict(sorted(chunks.items())) for chunks in by_layer)
    if file.root.tiers != sum(run.entry.layer == 0 for run in file.runs) and not file.missing:
        raise CorruptError(f"root: it promises {file.root.tiers} tiers, some are not listed")
    _check_degree(file.root, layout)
    spec, tables = file.shared_payload(Kind.COLUMNS), [file.shared_payload(Kind.TABLES, layer) for layer in (0, 1)]
    if spec is None or tables[0] is None or not geometry:
        raise file.lacks("a whole tile, or what describes it")
    if not file.missing and (stray := rest.keys() - geometry.keys()):
        key = min(stray)
        raise CorruptError(f"{_where(key, rest[key], 1)}: its layer 0 is not listed")
    layers = component_layers(bytes(spec))
    expected = [component.column_input.layer for component in layout.components]
    if layers != expected:
        raise CorruptError(f"chunk ({int(Kind.COLUMNS)}, 0): its components are not those of the source")
    tiles = []
    for key, entry in geometry.items():
        other = rest.get(key) if tables[1] is not None and 1 in expected else None
        if other is not None and other.splats != entry.splats:
            raise CorruptError(f"{_where(key, other, 1)}: layer 0 has {entry.splats} splats, this one {other.splats}")
        for layer, chunk in enumerate((entry, *([other] if other else []))):
            if not 0 < chunk.splats <= min(MAX_TILE_SPLATS, MAX_SPLATS_PER_BYTE * chunk.size):
                raise CorruptError(f"{_where(key, chunk, layer)}: it cannot hold {chunk.splats} splats")
        span = None if other is None else (other.offset, other.size)
        tiles.append(ColumnsTile(entry.splats, (entry.offset, entry.size), span))
    return Tiles(geometry, rest, bytes(spec), [bytes(table or b"") for table in tables], tiles)


def _check_degree(root: Root, layout: Layout) -> None:
    """The root's SH degree and layers are the source's; the degree of a palette is checked with it (`palette_of`)."""
    if root.layers != (2 if root.sh_degree else 1):
        raise UnsupportedFeatureError(f"root: {root.layers} layers at SH degree {root.sh_degree} are not known")
    rest = [component.array for component in layout.components if component.column_input.layer]
    if len(rest) != 3 * sh_rest_count(root.sh_degree) and not (root.sh_degree and "labels" in rest):
        raise CorruptError(f"chunk ({int(Kind.SOURCE)}, 0): its SH degree is not the root's")


def _decode_tiles(
    file: ContainerFile, source: Source, layout: Layout, forget: bool, threads: int, device: Device
) -> _Decoded:
    found = tiles_of(file, layout)
    counts = [tile.splats for tile in found.tiles]
    splats = sum(counts)
    codes = {name: zero_codes(splats, columns, dtype) for name, (columns, dtype) in source.shapes.items()}
    prefix = np.empty(0 if layout.prefix_shift is None else splats, np.uint32)
    wrong = _DECODERS[device](
        file.data,
        found.spec,
        found.tables,
        found.tiles,
        [_target(codes, component) for component in layout.coordinates],
        [_target(codes, component) for component in layout.components],
        prefix=None if layout.prefix_shift is None else (layout.prefix_shift, prefix),
        forget=forget,
        threads=threads,
    )
    if wrong is not None:
        raise _wrong(wrong, layout, found.geometry, found.rest)
    lacking = np.array([tile.rest is None for tile in found.tiles])
    of_rows = np.repeat([tier for tier, _ in found.geometry], counts)
    return _Decoded(codes, prefix, np.repeat(lacking, counts), of_rows)


def _target(codes: Mapping[str, NDArray[Any]], component: Component) -> ColumnTarget:
    array = codes.get(component.array)
    if array is None or component.column >= array.shape[1]:
        raise CorruptError(f"chunk ({int(Kind.SOURCE)}, 0): array {component.array!r} lacks a column")
    if component.shift + component.bits > 8 * array.itemsize:
        raise CorruptError(f"chunk ({int(Kind.SOURCE)}, 0): array {component.array!r} is of too narrow a type")
    return ColumnTarget(array, component.column, component.shift, component.bits, bool(component.fold))


def _wrong(wrong: BadColumns, layout: Layout, geometry: _Chunks, rest: _Chunks) -> CorruptError:
    if wrong.target is not None:
        component = (*layout.coordinates, *layout.components)[wrong.target]
        return CorruptError(f"a code of array {component.array!r} has more than {component.bits} bits")
    if wrong.spec or wrong.tables is not None:
        name = f"({int(Kind.COLUMNS)}, 0)" if wrong.spec else f"({int(Kind.TABLES)}, {wrong.tables})"
        return CorruptError(f"chunk {name}: its numbers make no sense")
    key = list(geometry)[wrong.tile]
    where = _where(key, (rest if wrong.layer else geometry)[key], wrong.layer)
    return CorruptError(f"{where}: its codes make no sense")


def _where(key: tuple[int, int], entry: ChunkEntry, layer: int) -> str:
    return f"tile {entry.tile} tier {key[0]} layer {layer} at byte {entry.offset}"


def _by_prefix(source: Source, decoded: _Decoded) -> _Decoded:
    """Give chunk and bucket numbers back their meaning, and rows their order; the prefix has served then."""
    codes, prefix = decoded.codes, decoded.prefix
    order = np.argsort(prefix, kind="stable")
    for name in codes:  # one after the other: two copies of everything would be seen in the peak of memory
        codes[name] = codes[name][order]
    prefix = prefix[order]
    sorted_rows = _Decoded(codes, np.empty(0, np.uint32), decoded.without_rest[order], decoded.tiers[order])
    if "buckets" in codes:
        codes["buckets"][:, 0] = prefix
        return sorted_rows
    present, last = prefix[::CHUNK_SPLATS], prefix[CHUNK_SPLATS - 1 :: CHUNK_SPLATS]
    chunks = source.tables.get("chunks")
    if chunks is None or present[-1] >= len(chunks):
        raise CorruptError("a splat names a chunk that the source does not have")
    if (present[1:] == present[:-1]).any() or (present != np.append(last, prefix[-1:])[: len(present)]).any():
        raise CorruptError(f"a chunk of the source does not have {CHUNK_SPLATS} splats")
    source.tables["chunks"] = chunks[present]  # some may be missing from a damaged file
    return sorted_rows


@dataclass(frozen=True)
class Palette:
    """Chunks of a SOG palette; `columns`: where each component goes."""

    spec: bytes
    tables: list[bytes]
    tiles: list[ColumnsTile]
    columns: list[int]

    @property
    def shape(self) -> tuple[int, int]:
        return sum(tile.splats for tile in self.tiles), len(self.columns)


def palette_of(file: ContainerFile) -> Palette | None:
    """The palette's chunks, or None if a damaged file lacks some.

    Raises: CorruptError.
    """
    spec, tables = file.shared_payload(Kind.COLUMNS, 1), file.shared_payload(Kind.TABLES, PALETTE_TABLES)
    ids = file.shared_ids(Kind.PALETTE)
    entries = [entry for i in ids for entry in file.shared if (entry.kind, entry.id) == (int(Kind.PALETTE), i)]
    if spec is None or tables is None or not ids or ids != list(range(len(ids))):
        if file.missing:
            return None
        raise CorruptError("root: a part of the palette is not listed")
    layers = component_layers(bytes(spec))
    coefficients = len(layers or ()) // 3
    if layers is None or coefficients not in (3, 8, 15) or layers != [c.layer for c in palette_inputs(coefficients)]:
        raise CorruptError(f"chunk ({int(Kind.COLUMNS)}, 1): its components are not those of a palette")
    if coefficients != sh_rest_count(file.root.sh_degree):
        raise CorruptError(f"chunk ({int(Kind.COLUMNS)}, 1): its SH degree is not the root's")
    tiles = []
    for i, entry in enumerate(entries):
        head = bytes(file.data[entry.offset : entry.offset + 4])
        rows = int.from_bytes(head, "little")
        if len(head) < 4 or not 0 < rows <= min(MAX_TILE_SPLATS, MAX_SPLATS_PER_BYTE * entry.size):
            raise CorruptError(f"chunk ({int(Kind.PALETTE)}, {i}): it cannot hold {rows} rows")
        tiles.append(ColumnsTile(rows, (entry.offset + 4, entry.size - 4)))
    used = [b""] * PALETTE_TABLES + [bytes(tables)]
    return Palette(bytes(spec), used, tiles, green_first(coefficients))


def _decode_palette(file: ContainerFile, forget: bool, threads: int, device: Device) -> NDArray[np.uint8] | None:
    """Rows of the SOG palette, or None if a damaged file lacks some."""
    found = palette_of(file)
    if found is None:
        return None
    palette = np.zeros(found.shape, np.uint8)
    targets = [ColumnTarget(palette, column, 0, 8) for column in found.columns]
    wrong = _DECODERS[device](
        file.data, found.spec, found.tables, found.tiles, [None] * 3, targets, forget=forget, threads=threads
    )
    if wrong is None:
        return palette
    if wrong.target is not None:
        raise CorruptError(f"chunk ({int(Kind.PALETTE)}, 0): a palette code is above 255")
    bad = f"({int(Kind.PALETTE)}, {wrong.tile})" if wrong.tile >= 0 else f"({int(Kind.COLUMNS)}, 1)"
    raise CorruptError(f"chunk {bad}: its codes make no sense")


def _without_sh(codes: dict[str, NDArray[Any]], source: Source) -> tuple[dict[str, NDArray[Any]], Source]:
    """The same source, SH left out."""
    if source.format == FLOAT32:
        return {**codes, "sh": np.ascontiguousarray(codes["sh"][:, :3])}, source
    left = {name: array for name, array in codes.items() if name not in ("labels", "sh")}
    header: Mapping[str, Any] = source.header
    if source.format == "ksplat" and "sh_degrees" in source.tables:
        source = replace(source, tables={**source.tables, "sh_degrees": np.zeros_like(source.tables["sh_degrees"])})
    if source.format == "spz":
        left["sh"] = codes["sh"][:, :0]
        header = {**header, "sh_degree": 0}
    return left, replace(source, header=dict(header))
