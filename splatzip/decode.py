"""Decodes a .splatz file into a scene. Needs only numpy and the native core.

bytes -> container -> entropy -> dequantize -> scene
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from splatzip.container import Booked, ChunkEntry, Codec, ContainerFile, Kind, RunEntry, open_file
from splatzip.container.heads import attribute_bytes, stream_heads
from splatzip.container.layout import FLOAT32, REQUIRED_LIMIT, VERSION_MAJOR, VERSION_MINOR, Stream
from splatzip.errors import BackendError, CorruptError, FormatError, SceneError, UnsupportedFeatureError
from splatzip.kernels.cuda_decode import decode_stepped_on_gpu, read_pinned, shared_decoder
from splatzip.kernels.device import Device, require_cuda
from splatzip.kernels.stepped import ChunkPlace, decode_stepped
from splatzip.scene import Scene, SceneMeta
from splatzip.scene.attributes import ATTRIBUTES
from splatzip.scene.on_gpu import GpuScene
from splatzip.stream import columns_decode, columns_on_gpu
from splatzip.stream.compensation import compensated, splats_missing

Bytes = bytes | bytearray | memoryview

# Part of the format (docs/FORMAT.md 6): bounds of a STEPPED chunk, so that a file never costs more memory than its
# bytes can account for. A stream has 2^20 symbols at most, that of SH degree 4 has 27 a splat. Mirrored in
# native/src/stepped.h and stepped_decode.cpp.
MAX_CHUNK_SPLATS = (1 << 20) // 27
MAX_SPLATS_PER_BYTE = 256
_NO_TABLE_SETS = b"\0"  # a TABLES chunk that holds nothing
_MAX_TABLE_IDS = 256


def _bytes_of(data: Bytes | str | os.PathLike[str]) -> Bytes:
    if not isinstance(data, str | os.PathLike):
        return data
    path = Path(data)
    if path.is_char_device() or path.is_block_device():
        raise FormatError(f"{path}: a device; save it to a file and name that")  # it may never end
    return path.read_bytes()


def decompress(
    data: Bytes | str | os.PathLike[str], *, strict: bool = True, threads: int = 0, device: Device = "cpu"
) -> Scene:
    """Decode a file.

    Args:
        data: the file's bytes, or its path.
        strict: False decodes the intact tiles and tiers of a truncated or damaged file; where later tiers are missing,
            splats stand in for them, if the file says how (docs/FORMAT.md 3.7). What is missing is listed in
            `scene.meta.missing`.
        threads: 0 for every core.
        device: "cpu", or "cuda": a GPU, to the same bits.
    Raises: FormatError (see its subclasses); TruncatedError if nothing was intact. BackendError if there is no GPU, or
        too little memory on it, or no such device.
    """
    if device == "cuda":
        require_cuda()
    elif device != "cpu":
        raise BackendError(f"device {device!r} decodes nothing; choose cpu or cuda")
    raw = _bytes_of(data)
    file = open_file(memoryview(raw), strict=strict)
    if file.root.codec == Codec.STEPPED:
        return _decode_stepped(file, threads, device)
    if file.root.codec == Codec.COLUMNS:
        return columns_decode.decode_scene(file, forget=raw is not data, threads=threads, device=device)
    raise UnsupportedFeatureError(f"root: codec {file.root.codec} is not known to this version")


def decompress_on_gpu(data: Bytes | str | os.PathLike[str], *, strict: bool = True) -> GpuScene:
    """Decode a file to arrays on a GPU, where they stay: one upload of the file, from a path through pinned memory.

    Stand-ins for the missing splats of a partial file are computed on the host; a partial `lossless` file is decoded
    there entirely and then uploaded.

    Args:
        data, strict: as `decompress`.
    Raises: FormatError, as `decompress`; BackendError if there is no GPU, or too little memory on it.
    """
    require_cuda()
    raw = read_pinned(Path(data)) if isinstance(data, str | os.PathLike) else memoryview(data)
    file = open_file(raw, strict=strict)
    if file.root.codec == Codec.COLUMNS:
        return columns_on_gpu.decode_scene_on_gpu(file)
    if file.root.codec == Codec.STEPPED:
        parts = _read_stepped(file)
        if parts.splats == file.root.splats:
            arguments = (file.data, parts.params, parts.books, parts.tables, parts.places)
            kernel = shared_decoder().stepped(*arguments)
            if kernel is not None:
                return GpuScene(kernel, origin=np.array(file.root.origin), meta=_meta(file, parts.missing))
    return GpuScene.of(decompress(raw, strict=strict, device="cuda"))


def verify(data: Bytes | str | os.PathLike[str]) -> dict[str, Any]:
    """Check every checksum of a file without decoding it.

    Returns: version, bytes and how many chunks were checked.
    Raises: FormatError naming the first chunk that is wrong and its byte offset.
    """
    raw = _bytes_of(data)
    file = open_file(memoryview(raw))
    chunks = len(file.shared) + sum(1 + len(run.chunks) for run in file.runs)
    return {"version": f"{VERSION_MAJOR}.{VERSION_MINOR}", "bytes": memoryview(raw).nbytes, "chunks": chunks}


def info(data: Bytes | str | os.PathLike[str]) -> dict[str, Any]:
    """Describe a file from its table of contents and the heads of its chunks; no payload is decoded.

    Returns: version, bytes, splats, sh_degree, bits_per_splat, attributes {name: {bytes, bits}}, settings, quality,
        bounds, origin, tiles, tiers, parts [{tier, layer, splats, bytes}] in the order of the file, source (the
        quantized format whose codes it keeps, as "spz"; None: it keeps none), meta.
    Raises: FormatError.
    """
    raw = _bytes_of(data)
    file = open_file(memoryview(raw))
    splats, size_bytes = file.root.splats, memoryview(raw).nbytes
    sizes = attribute_bytes(file)
    return {
        "version": f"{VERSION_MAJOR}.{VERSION_MINOR}",
        "bytes": size_bytes,
        "splats": splats,
        "sh_degree": file.root.sh_degree,
        "bits_per_splat": 8 * size_bytes / splats,
        "attributes": {name: {"bytes": size, "bits": 8 * size / splats} for name, size in sizes.items()},
        "settings": file.shared_json(Kind.SETTINGS),
        "quality": file.shared_json(Kind.QUALITY),
        "bounds": [list(file.root.box[0]), list(file.root.box[1])],
        "origin": list(file.root.origin),
        "tiles": len({chunk.tile for run in file.runs for chunk in run.chunks}),
        "tiers": file.root.tiers,
        "parts": [
            {
                "tier": run.entry.tier,
                "layer": run.entry.layer,
                "splats": sum(chunk.splats for chunk in run.chunks),
                "bytes": sum(chunk.size for chunk in run.chunks),
            }
            for run in file.runs
        ],
        "source": _quantized_format(file),
        "meta": file.shared_json(Kind.META),
    }


def _quantized_format(file: ContainerFile) -> str | None:
    name = file.shared_json(Kind.SOURCE).get("format")
    return None if name is None or name == FLOAT32 else str(name)


@dataclass(frozen=True)
class _SteppedParts:
    """What a decoder of codec STEPPED takes, and in words what is missing."""

    params: bytes
    books: list[bytes]
    tables: list[bytes]
    places: list[ChunkPlace]
    splats: int
    missing: tuple[str, ...]


def _read_stepped(file: ContainerFile) -> _SteppedParts:
    root = file.root
    params = file.shared_payload(Kind.STEPS)
    tables = _tables(file)
    missing = list(file.missing)
    if params is None or not tables:
        raise file.lacks("its parameters or tables")
    if not params or params[0] != root.sh_degree:
        raise CorruptError("chunk (2, 0): its SH degree is not the root's")
    if root.layers != (2 if root.sh_degree else 1):
        raise UnsupportedFeatureError(f"root: {root.layers} layers at SH degree {root.sh_degree} are not known")
    by_books = {attribute for attribute in Booked if len(params) > 1 and params[1] >> 1 + attribute & 1}
    lost_books = by_books - set(file.shared_ids(Kind.CODEBOOKS))
    if lost_books - {Booked.SH} or (lost_books and not file.missing):
        raise file.lacks(f"a codebook of its {min(lost_books).name.lower()}")
    places, splats, without_sh = _places(file)
    if not places:
        raise file.lacks("a whole tile")
    if without_sh:
        missing.append(f"SH of {without_sh} splats")
    if splats < root.splats:
        if not file.missing:
            raise CorruptError(f"root: it promises {root.splats} splats, the directories list {splats}")
        missing.append(splats_missing(splats, file))
    elif splats > root.splats:
        raise CorruptError(f"root: it promises {root.splats} splats, the directories list {splats}")
    books = [bytes(file.shared_payload(Kind.CODEBOOKS, attribute) or b"") for attribute in Booked]
    return _SteppedParts(bytes(params), books, tables, places, splats, tuple(missing))


def _meta(file: ContainerFile, missing: tuple[str, ...]) -> SceneMeta:
    return replace(SceneMeta.from_stored(file.shared_json(Kind.META)), missing=missing)


def _decode_stepped(file: ContainerFile, threads: int, device: Device) -> Scene:
    root, parts = file.root, _read_stepped(file)
    places, splats = parts.places, parts.splats
    decode = decode_stepped_on_gpu if device == "cuda" else decode_stepped
    decoded = decode(file.data, parts.params, parts.books, parts.tables, places, splats, threads)
    if isinstance(decoded, tuple):
        raise _what_failed(*decoded, places)
    names = (attribute.name for attribute in ATTRIBUTES)
    scene = Scene.of_checked(
        dict(zip(names, decoded, strict=True)), origin=np.array(root.origin), meta=_meta(file, parts.missing)
    )
    if splats == root.splats:
        return scene
    first = sorted((p for p in places if p.layer == 0), key=lambda p: p.row)
    tiers = np.repeat([p.tier for p in first], [p.splats for p in first])
    return compensated(scene, file, tiers, {(p.tier, p.tile) for p in first})


def _what_failed(error: type[Exception], failed: int, places: list[ChunkPlace]) -> CorruptError:
    """In words; `failed` counts as `kernels.stepped.decode_stepped` says."""
    if failed < 0:
        tables = [(Kind.TABLES, id_) for id_ in range(_MAX_TABLE_IDS)]
        kind, id_ = [(Kind.STEPS, 0), *((Kind.CODEBOOKS, b) for b in Booked), *tables][-1 - failed]
        return CorruptError(f"chunk ({int(kind)}, {int(id_)}): its numbers make no sense")
    place = places[failed]
    what = "the decoded values are not a valid scene" if error is SceneError else "its codes make no sense"
    return CorruptError(f"tile {place.tile} tier {place.tier} layer {place.layer} at byte {place.offset}: {what}")


def _tables(file: ContainerFile) -> list[bytes]:
    """The TABLES chunks by id."""
    ids = file.shared_ids(Kind.TABLES)
    if not ids:
        return []
    if ids[-1] >= _MAX_TABLE_IDS:
        raise CorruptError(f"chunk (1, {ids[-1]}): no stream can name tables of that id")
    return [bytes(file.shared_payload(Kind.TABLES, id_) or _NO_TABLE_SETS) for id_ in range(ids[-1] + 1)]


def _check_size(run: RunEntry, chunk: ChunkEntry) -> None:
    """Raises: CorruptError if the chunk cannot hold its splats."""
    if not 1 <= chunk.splats <= min(MAX_CHUNK_SPLATS, MAX_SPLATS_PER_BYTE * chunk.size):
        raise CorruptError(
            f"tile {chunk.tile} tier {run.tier} layer {run.layer} at byte {chunk.offset}: "
            f"{chunk.size} bytes cannot hold {chunk.splats} splats"
        )


def _is_decodable(file: ContainerFile, run: RunEntry, chunk: ChunkEntry) -> bool:
    """Whether the tables and codebooks that a chunk of a damaged file needs survived."""
    heads = [head for head in stream_heads(file, run, chunk) if head.stream < REQUIRED_LIMIT]  # others are skipped
    if any(head.stream == Stream.SH_INDEX for head in heads) and Booked.SH not in file.shared_ids(Kind.CODEBOOKS):
        return False
    return {head.table_set for head in heads} <= set(file.shared_ids(Kind.TABLES))


def _places(file: ContainerFile) -> tuple[list[ChunkPlace], int, int]:
    """Chunks to decode, the splats that they hold, and how many of those lack their SH.

    A tier of a tile needs all its earlier tiers (they share a grid and predict each other), and layer 1 needs 0.
    """
    chunks: dict[tuple[int, int], dict[int, ChunkEntry]] = {}
    lost = set(file.lost)
    for run in file.runs:
        of_run = chunks[run.entry.tier, run.entry.layer] = {}
        for chunk in run.chunks:
            _check_size(run.entry, chunk)
            if not file.missing or _is_decodable(file, run.entry, chunk):
                of_run[chunk.tile] = chunk
            elif run.entry.layer == 0:
                lost.add((chunk.tile, run.entry.tier))
    places: list[ChunkPlace] = []
    cut: set[int] = set()  # tiles that lost a tier
    splats = without_sh = 0
    for tier in range(file.root.tiers):  # rows tier by tier, so that the first rows are the first picture
        if (tier, 0) not in chunks:
            break
        cut |= {tile for tile, lost_tier in lost if lost_tier == tier}
        for tile, chunk in chunks[tier, 0].items():
            if tile in cut:
                continue
            places.append(ChunkPlace(tile, tier, 0, chunk.splats, splats, chunk.offset, chunk.size))
            rest = chunks.get((tier, 1), {}).get(tile)
            if rest is not None:
                places.append(ChunkPlace(tile, tier, 1, rest.splats, splats, rest.offset, rest.size))
            elif file.root.layers > 1:
                without_sh += chunk.splats
            splats += chunk.splats
    if not file.missing:
        if (tiers := sum(layer == 0 for _, layer in chunks)) != file.root.tiers:
            raise CorruptError(f"root: it promises {file.root.tiers} tiers, {tiers} are listed")
        if without_sh:
            raise CorruptError("root: the SH of some tiles is not listed")
        for (tier, layer), of_run in chunks.items():
            if stray := of_run.keys() - chunks.get((tier, 0), {}).keys():
                raise CorruptError(f"tile {min(stray)} tier {tier} layer {layer}: its layer 0 is not listed")
    return sorted(places, key=lambda p: (p.tile, p.tier, p.layer)), splats, without_sh
