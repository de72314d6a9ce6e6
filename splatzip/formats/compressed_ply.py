"""PlayCanvas compressed.ply: splats in chunks of 256, packed into words between the chunk's bounds.

    chunk    min_x y z, max_x y z; the same of log scales (min_scale_x ...) and of colours (min_r g b, max_r g b;
             older files have no colour bounds: 0 and 1)                                           float
    vertex   packed_position, packed_scale 11-10-11 bits, packed_rotation 2-10-10-10 (the component that is left out,
             then the smallest three), packed_color 8-8-8-8 (RGB, alpha)                            uint
    sh       f_rest_0..3B-1, red first; 0..255 spans -4..4                                          uchar, optional

A `QuantizedSource` ("compressed_ply", version 1) of a scene holds

    codes   position, rotation, scale, color (N,1) uint32; sh (N,3B) uint8 if there is SH above degree 0
    tables  chunks (C,12 or 18) float32 in the order above; splat i belongs to chunk i // 256
    header  comments of the PLY header
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import FormatError, UnsupportedFeatureError
from splatzip.formats.compressed_ply_pack import pack
from splatzip.formats.input import scene_from
from splatzip.formats.output import atomic_write, lost_meta
from splatzip.formats.ply_header import PlyElement, PlyHeader, read_header
from splatzip.kernels.dequantize import dequantize
from splatzip.kernels.dequantize_compressed_ply import CHUNK_SPLATS, SH_COLUMNS
from splatzip.scene import QuantizedSource, Scene, SceneMeta

BOUNDS = tuple(f"{end}_{axis}" for end in ("min", "max") for axis in "xyz")
SCALE_BOUNDS = tuple(f"{end}_scale_{axis}" for end in ("min", "max") for axis in "xyz")
COLOR_BOUNDS = tuple(f"{end}_{channel}" for end in ("min", "max") for channel in "rgb")
WORDS = {name: f"packed_{name}" for name in ("position", "rotation", "scale", "color")}
MIP = "SplatRenderMode: mip"  # as in 3DGS PLY
SURFELS = "SplatRenderMode: 2dgs"


def sniff(head: bytes, path: Path) -> bool:
    """A PLY with an element `chunk` and packed words."""
    return head[:4] in (b"ply\n", b"ply\r") and b"\nelement chunk " in head and b" packed_position" in head


def read(path: Path, *, repair: bool = False) -> Scene:
    """Read a compressed.ply with or without colour bounds and SH.

    Args:
        repair: as everywhere; the words of a valid file decode to valid splats only.
    Raises: FormatError, naming the element or the chunk.
    """
    header = read_header(path)
    if header.ascii:
        raise UnsupportedFeatureError(f"{path}: an ascii compressed.ply is not supported; write it as binary")
    if any(comment.split() == SURFELS.split() for comment in header.comments):
        raise UnsupportedFeatureError(f"{path}: a scene of 2D Gaussians (surfels); splatzip holds 3D Gaussians only")
    vertex = _table(path, header, "vertex")
    chunk = _table(path, header, "chunk")
    n = len(vertex)
    if n == 0:
        raise FormatError(f"{path}: element 'vertex' has no rows: the scene has no splats")
    if len(chunk) != -(-n // CHUNK_SPLATS):
        raise FormatError(f"{path}: {len(chunk)} chunks for {n} splats, expected {-(-n // CHUNK_SPLATS)}")
    has_color = any(name in COLOR_BOUNDS for name in chunk.dtype.names or ())  # all or none
    bounds = BOUNDS + SCALE_BOUNDS + (COLOR_BOUNDS if has_color else ())
    tables = {"chunks": _columns(path, chunk, "chunk", bounds, np.float32)}
    codes = {name: _columns(path, vertex, "vertex", [word], np.uint32) for name, word in WORDS.items()}
    rest = header.element("sh")
    if rest is not None and rest.names:  # gsplat writes an element without properties at SH degree 0
        codes["sh"] = _sh_codes(path, header, rest, n)
    source = QuantizedSource("compressed_ply", 1, codes, tables, {"comments": list(header.comments)})
    meta = SceneMeta(
        antialiased=any(_is_mip(comment) for comment in header.comments),
        comments=tuple(comment for comment in header.comments if not _is_mip(comment)),
        ignored=tuple(_ignored(header, bounds)),
    )
    arrays = dequantize(source.format, source.version, codes, tables, source.header)
    return scene_from(arrays, repair=repair, meta=meta, source=source)


def write(scene: Scene, path: Path) -> list[str]:
    """Write compressed.ply: the source's own words if it was one, else splats in Morton order, packed anew.

    Returns: what was lost, one line each.
    """
    lost = lost_meta(scene.meta, "compressed.ply", holds=frozenset({"antialiased", "comments"}))
    source = scene.source
    if source is None or source.format != "compressed_ply":
        comments = [MIP] * scene.meta.antialiased + [*scene.meta.comments]
        codes, chunks, losses = pack(scene)
        lost += losses
    else:
        comments = source.header.get("comments", [])
        if not isinstance(comments, list):
            raise FormatError("the comments of the compressed.ply source are not a list")
        codes, chunks = dict(source.codes), source.tables["chunks"]
    words = np.hstack([codes[name].astype("<u4", copy=False) for name in WORDS])
    sh = codes.get("sh", np.zeros((len(words), 0), np.uint8))
    with atomic_write(path) as file:
        file.write(_header_text(comments, chunks.shape, len(words), sh.shape[1]))
        file.write(np.ascontiguousarray(chunks, "<f4").data)
        file.write(np.ascontiguousarray(words).data)
        file.write(np.ascontiguousarray(sh).data)
    return lost


def _header_text(comments: Iterable[str], chunks: tuple[int, ...], splats: int, sh_columns: int) -> bytes:
    bounds = (BOUNDS + SCALE_BOUNDS + COLOR_BOUNDS)[: chunks[1]]
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        # A line break inside a comment would end it, and could forge a header line.
        *(f"comment {' '.join(str(comment).splitlines())}" for comment in comments),
        f"element chunk {chunks[0]}",
        *(f"property float {name}" for name in bounds),
        f"element vertex {splats}",
        *(f"property uint {name}" for name in WORDS.values()),
        *([f"element sh {splats}"] if sh_columns else []),
        *(f"property uchar f_rest_{i}" for i in range(sh_columns)),
        "end_header\n",
    ]
    return "\n".join(lines).encode(errors="replace")  # half a surrogate pair has no bytes


def _table(path: Path, header: PlyHeader, name: str) -> NDArray[np.void]:
    """The rows of an element, mapped; the header has checked that the file holds them."""
    element = header.element(name)
    if element is None:
        raise FormatError(f"{path}: no element {name!r}; a compressed.ply needs chunk and vertex")
    if element.lists:
        raise FormatError(f"{path}: element {name!r} holds lists; not a compressed.ply")
    if element.count == 0 or not element.names:  # an empty map is an error
        return np.zeros(0, element.dtype)
    return np.memmap(path, element.dtype, "r", header.offset_of(name), (element.count,))


def _columns(
    path: Path, rows: NDArray[np.void], element: str, names: Iterable[str], dtype: type[np.generic]
) -> NDArray[np.generic]:
    """(rows, names) of one type, native byte order."""
    names = tuple(names)
    for name in names:
        if name not in (rows.dtype.names or ()):
            raise FormatError(f"{path}: element {element!r} has no property {name!r}")
        if rows.dtype[name] not in (np.dtype(dtype), np.dtype(dtype).newbyteorder()):
            raise FormatError(f"{path}: property {name!r} is {rows.dtype[name]}, expected {np.dtype(dtype)}")
    out = np.empty((len(rows), len(names)), dtype)
    for i, name in enumerate(names):
        out[:, i] = rows[name]
    return out


def _sh_codes(path: Path, header: PlyHeader, rest: PlyElement, n: int) -> NDArray[np.generic]:
    if rest.count != n:
        raise FormatError(f"{path}: element 'sh' has {rest.count} rows for {n} splats")
    count = sum(name.startswith("f_rest_") for name in rest.names)
    if count not in SH_COLUMNS:
        raise FormatError(f"{path}: element 'sh' has {count} properties f_rest, expected 9, 24 or 45")
    names = [f"f_rest_{i}" for i in range(count)]
    rows = _table(path, header, "sh")
    if list(rest.names) == names and set(rest.dtype[name] for name in names) == {np.dtype(np.uint8)}:
        return np.array(rows).view(np.uint8).reshape(n, count)  # one copy instead of 45
    return _columns(path, rows, "sh", names, np.uint8)


def _ignored(header: PlyHeader, bounds: Iterable[str]) -> Iterable[str]:
    used = {"chunk": {*bounds}, "vertex": {*WORDS.values()}}
    for element in header.others(*used, "sh"):
        yield f"element {element.name} ({element.count} rows)"
    for element in header.elements:
        for name in element.names:
            known = name.startswith("f_rest_") if element.name == "sh" else name in used.get(element.name, {name})
            if not known:
                yield f"property {element.name}.{name}"
    if header.trailing_bytes:
        yield f"{header.trailing_bytes} bytes after the last element"
    yield from (f"obj_info {line}" for line in header.obj_info)


def _is_mip(comment: str) -> bool:
    return comment.split() == MIP.split()
