"""Golden bad files: codec COLUMNS."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from reference.numbers import Bytes

import splatzip
from splatzip import Profile
from splatzip.container import Kind
from splatzip.encode import encode
from vectors.columns import FIXTURES, fixture, lossless, splat, tiles
from vectors.damage import Bad
from vectors.recode import varint
from vectors.taken_apart import Parts, put_together, taken_apart
from vectors.vector import leica

CORRUPT = "CorruptError"
TILE = "tile 0 tier 0 layer 0 at byte"


def changed(change: Callable[[Parts], object], make: Callable[[], bytes]) -> Callable[[], bytes]:
    """A good file with a part changed."""

    def bad() -> bytes:
        parts = taken_apart(make())
        change(parts)
        return put_together(parts)

    return bad


def floats() -> bytes:
    """A float scene of 12 splats."""
    return lossless(leica(12, 1))


def shared(
    kind: int, id_: int, change: Callable[[bytes], bytes], make: Callable[[], bytes] = floats
) -> Callable[[], bytes]:
    """Another shared chunk."""
    return changed(lambda parts: parts.replace_shared(kind, id_, change(parts.payload(kind, id_))), make)


def source(make: Callable[[], bytes] = floats, **fields: Any) -> Callable[[], bytes]:
    """A SOURCE chunk that says something else."""
    return shared(Kind.SOURCE, 0, lambda data: json.dumps({**json.loads(data), **fields}).encode(), make)


def without(kind: int, id_: int, make: Callable[[], bytes]) -> Callable[[], bytes]:
    def change(parts: Parts) -> None:
        parts.shared = [entry for entry in parts.shared if entry[:2] != (kind, id_)]

    return changed(change, make)


def chunk(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """Another chunk of layer 0."""

    def apply(parts: Parts) -> None:
        parts.runs[0].payloads[0] = change(parts.runs[0].payloads[0])

    return changed(apply, floats)


def array(name: str, columns: float, dtype: str) -> Callable[[], bytes]:
    """Another shape of an array of codes."""

    def change(data: bytes) -> bytes:
        said = json.loads(data)
        said["codes"][name] = [columns, dtype]
        return json.dumps(said).encode()

    return shared(Kind.SOURCE, 0, change)


def root(make: Callable[[], bytes] = floats, **fields: int) -> Callable[[], bytes]:
    """A root that says something else."""
    return changed(lambda parts: setattr(parts, "root", replace(parts.root, **fields)), make)  # type: ignore[arg-type]


def stray_chunk(parts: Parts) -> None:
    """A tile in layer 1 alone."""
    run = next(run for run in parts.runs if run.layer == 1)
    run.entries.append(replace(run.entries[-1], tile=9))
    run.payloads.append(run.payloads[-1])


def named_tables(parts: Parts) -> None:
    """A stream of layer 0 names tables of id 9, which are there and right."""
    parts.shared.append((Kind.TABLES, 9, parts.payload(Kind.TABLES, 0)))
    data = parts.runs[0].payloads[0]
    block = Bytes(data)
    block.take(2)
    for _ in range(4):  # origin, number of streams
        block.varint()
    block.byte()
    start = block.next
    parts.runs[0].payloads[0] = data[:start] + varint(9 << 2 | block.varint() & 3) + data[block.next :]


def too_few_bytes() -> bytes:
    """8,000 times one splat of an SPZ; layer 1 in the fewest bytes that its values take."""
    scene = splatzip.load(FIXTURES / "spz" / "v2_sh3.spz").take(np.zeros(8000, np.int64))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.spz"
        splatzip.save(scene.edited(sh=scene.sh[:, :4]), path)
        data = encode(splatzip.load(path), Profile.preset_named("lossless"), tiers=np.zeros(8000, np.uint8))
    parts = taken_apart(data)
    (run,) = (run for run in parts.runs if run.layer == 1)
    one_stream = run.payloads[0][:2]  # its number and id
    run.payloads[0] = one_stream + varint(1 << 2) + b"\0\0"  # one lane, in its first state throughout
    return put_together(parts)


COLUMNS = (
    Bad(
        "source_missing",
        "No SOURCE chunk.",
        CORRUPT,
        "it does not list the description of its source",
        without(Kind.SOURCE, 0, floats),
    ),
    Bad("source_json", "SOURCE is not JSON.", CORRUPT, "chunk (3, 0)", shared(Kind.SOURCE, 0, lambda data: data[:-1])),
    Bad(
        "source_format",
        "A source format that does not exist.",
        "UnsupportedFeatureError",
        "the source format 'ply2' is not known",
        source(format="ply2"),
    ),
    Bad("source_version", "A version that is not a number.", CORRUPT, "chunk (3, 0)", source(version="x")),
    Bad("source_codes", "Codes that are not an object.", CORRUPT, "chunk (3, 0)", source(codes=3)),
    Bad("source_columns", "An array of a million columns.", CORRUPT, "chunk (3, 0)", array("sh", 1_000_000, "uint32")),
    Bad("source_dtype", "An array of a type that no codes have.", CORRUPT, "chunk (3, 0)", array("sh", 12, "O")),
    Bad(
        "source_table",
        "A table of 2^60 numbers.",
        CORRUPT,
        "is not a whole number from 0 to 2^32 - 1",
        source(tiles, tables=[["means", "float32", [1 << 60]]]),
    ),
    Bad("source_nan", "A header with a NaN.", CORRUPT, "NaN is not JSON", source(header={"x": float("nan")})),
    Bad(
        "source_too_large",
        "A header with a number that float64 does not hold.",
        CORRUPT,
        "is too large for a number",
        shared(Kind.SOURCE, 0, lambda data: data.replace(b'"header":{', b'"header":{"x":1e999')),
    ),
    Bad(
        "source_header",
        "A header that is a list of pairs.",
        CORRUPT,
        "the header is not an object",
        source(header=[["x", 1]]),
    ),
    Bad("source_true", "A version that is true.", CORRUPT, "True is not a whole number", source(version=True)),
    Bad(
        "source_fraction",
        "An array of 3.0 columns.",
        CORRUPT,
        "3.0 is not a whole number",
        array("log_scales", 3.0, "uint32"),
    ),
    Bad("source_record", "A record of -1 bytes.", CORRUPT, "-1 is not a whole number", source(records=[[1, -1]])),
    Bad(
        "source_table_type",
        "A table of float64.",
        CORRUPT,
        "the unknown type 'float64'",
        source(tables=[["means", "float64", [0]]]),
    ),
    Bad(
        "spz_degree",
        "An SPZ header of SH degree 2.0.",
        "FormatError",
        "SH degree 2.0",
        shared(
            Kind.SOURCE, 0, lambda data: data.replace(b'"sh_degree":2', b'"sh_degree":2.0'), fixture("spz/v3_sh2.spz")
        ),
    ),
    Bad(
        "source_trailing",
        "A byte behind the tables.",
        CORRUPT,
        "1 bytes are left over",
        shared(Kind.SOURCE, 1, lambda data: data + b"?", tiles),
    ),
    Bad("columns_missing", "No COLUMNS chunk.", CORRUPT, "does not list", without(Kind.COLUMNS, 0, floats)),
    Bad(
        "columns_short",
        "A COLUMNS chunk that ends too early.",
        CORRUPT,
        "chunk (5, 0)",
        shared(Kind.COLUMNS, 0, lambda data: data[:-1]),
    ),
    Bad(
        "columns_trailing",
        "A byte behind the components.",
        CORRUPT,
        "chunk (5, 0)",
        shared(Kind.COLUMNS, 0, lambda data: data + b"\0"),
    ),
    Bad(
        "columns_halvings",
        "Ten passes.",
        CORRUPT,
        "chunk (5, 0)",
        shared(Kind.COLUMNS, 0, lambda data: data[:1] + b"\x09" + data[2:]),
    ),
    Bad(
        "columns_none",
        "A COLUMNS chunk without components.",
        CORRUPT,
        "chunk (5, 0)",
        shared(Kind.COLUMNS, 0, lambda data: data[:3] + b"\0"),
    ),
    Bad(
        "columns_depth",
        "22 levels of the octree, codec COLUMNS.",
        CORRUPT,
        TILE,
        chunk(lambda data: b"\x16" + data[1:]),
    ),
    Bad("columns_low", "12 levels below the octree.", CORRUPT, TILE, chunk(lambda data: data[:1] + b"\x0c" + data[2:])),
    Bad("columns_chunk_trailing", "A byte behind a tile's streams.", CORRUPT, TILE, chunk(lambda data: data + b"\0")),
    Bad("columns_root_degree", "The root has SH degree 2, the source 1.", CORRUPT, "not the root's", root(sh_degree=2)),
    Bad(
        "columns_root_layers",
        "A float scene in one layer, of SH degree 0 by its root.",
        CORRUPT,
        "which the scene does not have",
        root(sh_degree=0, layers=1),
    ),
    Bad(
        "columns_layers",
        "Two layers at SH degree 0.",
        "UnsupportedFeatureError",
        "2 layers at SH degree 0 are not known",
        root(splat, layers=2),
    ),
    Bad(
        "columns_no_degree",
        "SH degree 1 by the root, a source without SH.",
        CORRUPT,
        "chunk (3, 0): its SH degree is not the root's",
        root(splat, sh_degree=1, layers=2),
    ),
    Bad(
        "palette_degree",
        "The root has another SH degree than the palette.",
        CORRUPT,
        "chunk (5, 1): its SH degree is not the root's",
        root(tiles, sh_degree=2),
    ),
    Bad(
        "columns_chunk_tile",
        "A tile whose layer 1 is there, but not its layer 0, codec COLUMNS.",
        CORRUPT,
        "its layer 0 is not listed",
        changed(stray_chunk, floats),
    ),
    Bad(
        "columns_chunk_splats",
        "8,000 splats in 5 bytes of layer 1, codec COLUMNS.",
        CORRUPT,
        "it cannot hold 8000 splats",
        too_few_bytes,
    ),
    Bad(
        "columns_table_set",
        "A stream that names tables of id 9, codec COLUMNS.",
        CORRUPT,
        TILE,
        changed(named_tables, floats),
    ),
    Bad("palette_missing", "A part of the palette is not there.", CORRUPT, "palette", without(Kind.PALETTE, 1, tiles)),
    Bad(
        "palette_rows",
        "A part of the palette with 2^30 rows.",
        CORRUPT,
        "chunk (4, 0)",
        shared(Kind.PALETTE, 0, lambda data: bytes([0, 0, 0, 64]) + data[4:], tiles),
    ),
    Bad(
        "palette_no_rows",
        "A part of the palette without rows.",
        CORRUPT,
        "chunk (4, 0)",
        shared(Kind.PALETTE, 0, lambda data: bytes(4) + data[4:], tiles),
    ),
)
