"""A .splatz file becomes a scene. Needs numpy and the native core, nothing else.

bytes -> container -> entropy -> dequantize -> scene
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from splatzip.container import ChunkEntry, Codec, ContainerFile, Kind, open_file
from splatzip.container.heads import attribute_bytes
from splatzip.container.layout import VERSION_MAJOR, VERSION_MINOR
from splatzip.errors import CorruptError, SceneError, TruncatedError, UnsupportedFeatureError
from splatzip.kernels.stepped import ChunkPlace, decode_stepped
from splatzip.scene import Scene, SceneMeta

Bytes = bytes | bytearray | memoryview


def _bytes_of(data: Bytes | str | Path) -> Bytes:
    return Path(data).read_bytes() if isinstance(data, str | Path) else data


def decompress(data: Bytes | str | Path, *, strict: bool = True, threads: int = 0) -> Scene:
    """Decode a file.

    Args:
        data: the file's bytes, or its path.
        strict: False decodes the tiles and tiers that are whole of a cut or damaged file; what is lacking is listed
            in `scene.meta.missing`.
        threads: 0 for every core.
    Raises: FormatError (see its subclasses); TruncatedError if nothing was whole.
    """
    file = open_file(memoryview(_bytes_of(data)), strict=strict)
    if file.root.codec == Codec.STEPPED:
        return _decode_stepped(file, threads)
    if file.root.codec == Codec.COLUMNS:
        from splatzip.stream.columns import decode_columns

        return decode_columns(file, threads=threads)
    raise UnsupportedFeatureError(f"root: codec {file.root.codec} is not known to this version")


def verify(data: Bytes | str | Path) -> dict[str, Any]:
    """Check every checksum of a file without decoding it.

    Returns: version, bytes and how many chunks were checked.
    Raises: FormatError naming the first chunk that is wrong and its byte offset.
    """
    raw = _bytes_of(data)
    file = open_file(memoryview(raw))
    chunks = len(file.shared) + sum(1 + len(run.chunks) for run in file.runs)
    return {"version": f"{VERSION_MAJOR}.{VERSION_MINOR}", "bytes": len(raw), "chunks": chunks}


def info(data: Bytes | str | Path) -> dict[str, Any]:
    """What a file holds, from its table of contents and the heads of its chunks; no payload is decoded.

    Returns: version, bytes, splats, sh_degree, bits_per_splat, attributes {name: {bytes, bits}}, settings, bounds,
        tiles, tiers, meta.
    Raises: FormatError.
    """
    raw = _bytes_of(data)
    file = open_file(memoryview(raw))
    splats = file.root.splats
    sizes = attribute_bytes(file)
    return {
        "version": f"{VERSION_MAJOR}.{VERSION_MINOR}",
        "bytes": len(raw),
        "splats": splats,
        "sh_degree": file.root.sh_degree,
        "bits_per_splat": 8 * len(raw) / splats,
        "attributes": {name: {"bytes": size, "bits": 8 * size / splats} for name, size in sizes.items()},
        "settings": json_of(file, Kind.SETTINGS),
        "bounds": [list(file.root.box[0]), list(file.root.box[1])],
        "origin": list(file.root.origin),
        "tiles": len({chunk.tile for run in file.runs for chunk in run.chunks}),
        "tiers": file.root.tiers,
        "meta": json_of(file, Kind.META),
    }


def json_of(file: ContainerFile, kind: Kind) -> dict[str, Any]:
    """The values of a JSON chunk; empty if there is none."""
    payload = file.shared_payload(kind)
    if payload is None:
        return {}
    try:
        values = json.loads(bytes(payload))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise CorruptError(f"chunk ({int(kind)}, 0): it is not a JSON object")
    return values


def _decode_stepped(file: ContainerFile, threads: int) -> Scene:
    root = file.root
    params = file.shared_payload(Kind.STEPS)
    tables = [file.shared_payload(Kind.TABLES, layer) for layer in range(2 if root.sh_degree else 1)]
    missing = list(file.missing)
    if params is None or tables[0] is None:
        raise _nothing_whole(file, "its parameters or tables")
    if len(tables) == 2 and tables[1] is None:
        if not missing:
            raise CorruptError("root: the tables of layer 1 are not listed")
        tables = tables[:1]
    if not params or params[0] != root.sh_degree:
        raise CorruptError("chunk (2, 0): its SH degree is not the root's")
    places, splats, without_sh = _places(file, layers=len(tables))
    if not places:
        raise _nothing_whole(file, "a whole tile")
    if without_sh:
        missing.append(f"SH of {without_sh} splats")
    if splats < root.splats:
        if not file.missing:
            raise CorruptError(f"root: it promises {root.splats} splats, the directories list {splats}")
        missing.append(f"{root.splats - splats} of {root.splats} splats")
    elif splats > root.splats:
        raise CorruptError(f"root: it promises {root.splats} splats, the directories list {splats}")
    decoded = decode_stepped(
        file.data, bytes(params), [bytes(t) for t in tables if t is not None], places, splats, threads
    )
    if isinstance(decoded, tuple):
        _, failed = decoded
        if failed < 0:
            raise CorruptError(f"chunk ({'2, 0' if failed == -1 else f'1, {-2 - failed}'}): its numbers make no sense")
        place = places[failed]
        raise CorruptError(
            f"tile {place.tile} tier {place.tier} layer {place.layer} at byte {place.offset}: its codes make no sense"
        )
    meta = replace(SceneMeta.from_stored(json_of(file, Kind.META)), missing=tuple(missing))
    try:
        positions, log_scales, rotations, opacity_logits, sh = decoded
        origin = np.array(root.origin)
        return Scene(positions, log_scales, rotations, opacity_logits, sh, origin=origin, meta=meta)
    except SceneError as error:
        raise CorruptError(f"the decoded values are no scene: {error}") from None


def _nothing_whole(file: ContainerFile, what: str) -> TruncatedError | CorruptError:
    if file.missing:
        return TruncatedError(f"nothing can be decoded: {what} is missing ({file.missing[0]})")
    return CorruptError(f"root: {what} is not listed")


def _places(file: ContainerFile, layers: int) -> tuple[list[ChunkPlace], int, int]:
    """Chunks to decode, the splats that they hold, and how many of those lack their SH.

    A tier of a tile needs all its earlier tiers (they share a grid and predict each other), and layer 1 needs 0.
    """
    chunks: dict[tuple[int, int], dict[int, ChunkEntry]] = {
        (run.entry.tier, run.entry.layer): {chunk.tile: chunk for chunk in run.chunks} for run in file.runs
    }
    places: list[ChunkPlace] = []
    cut: set[int] = set()  # tiles that lost a tier
    splats = without_sh = 0
    for tier in range(file.root.tiers):  # rows tier by tier, so that the first rows are the first picture
        if (tier, 0) not in chunks:
            break
        cut |= {tile for tile, lost_tier in file.lost if lost_tier == tier}
        for tile, chunk in chunks[tier, 0].items():
            if tile in cut:
                continue
            places.append(ChunkPlace(tile, tier, 0, chunk.splats, splats, chunk.offset, chunk.size))
            rest = chunks.get((tier, 1), {}).get(tile)
            if layers > 1 and rest is not None:
                places.append(ChunkPlace(tile, tier, 1, rest.splats, splats, rest.offset, rest.size))
            elif file.root.layers > 1:
                without_sh += chunk.splats
            splats += chunk.splats
    if without_sh and not file.missing:
        raise CorruptError("root: the SH of some tiles is not listed")
    return sorted(places, key=lambda p: (p.tile, p.tier, p.layer)), splats, without_sh
