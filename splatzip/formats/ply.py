"""3DGS PLY: the format that trainers write, one scalar property per number.

    x y z  [nx ny nz]  f_dc_0..2  f_rest_0..3B-1  opacity  scale_0..2  rot_0..3        in any order

Binary of either byte order or ascii, any scalar type per property. Values are what a Scene holds, unchanged: log
scales, opacity logits, quaternions wxyz, SH coefficients, right-down-front. Only `f_rest` is laid out differently:
all coefficients of red, then green, then blue.

plyfile maps the file into memory once `ply_header` has checked that its counts fit. Rows are copied in blocks that
stay in the cache: a splat is 248 bytes, so copying column by column would fetch the whole file 59 times. `ply_dialects`
knows the tools that name things otherwise.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from plyfile import PlyData, PlyParseError  # type: ignore[import-untyped]

from splatzip.errors import FormatError, TruncatedError, UnsupportedFeatureError
from splatzip.formats.exported import with_source
from splatzip.formats.input import scene_from
from splatzip.formats.output import atomic_write, lost_meta
from splatzip.formats.ply_dialects import (
    COLORS,
    FILTER,
    fused,
    has_byte_colors,
    sh_of_byte_colors,
    usual_names,
    without_zeros,
)
from splatzip.formats.ply_header import PlyElement, PlyHeader, read_header
from splatzip.scene import Scene, SceneMeta
from splatzip.scene.attributes import MAX_SH_DEGREE, sh_rest_count

BLOCK_ROWS = 2048  # half a megabyte of splats at SH degree 3
POSITION = ("x", "y", "z")
NORMAL = ("nx", "ny", "nz")
REQUIRED = (
    *POSITION,
    *(f"f_dc_{i}" for i in range(3)),
    "opacity",
    *(f"scale_{i}" for i in range(3)),
    *(f"rot_{i}" for i in range(4)),
)
MIP = "SplatRenderMode: mip"  # comment of trainers and viewers that use Mip-Splatting's 2D filter
LARGEST_USUAL = 1e30  # no scene is larger; what is must not decide on the origin
ORIGIN_TOLERANCE = 1e-4  # of the scene's extent: a float32 step coarser than this asks for an origin


def sniff(head: bytes, path: Path) -> bool:
    """Any PLY but PlayCanvas' compressed one; `read` says what is wrong with those that hold no splats."""
    return head[:4] in (b"ply\n", b"ply\r") and not (b"\nelement chunk " in head and b" packed_position" in head)


def read(path: Path, *, repair: bool = False) -> Scene:
    """Read a 3DGS PLY; one that was exported from .splat or SPZ gets the codes it came from.

    Args:
        repair: drop rows that are not valid.
    Raises: FormatError, SceneError.
    """
    header = read_header(path)
    vertex, names = _splat_element(header, path)
    rows = _ascii_rows(header, vertex, path) if header.ascii else _mapped_rows(path)
    table = _gather(rows, names)
    origin, positions = _split_origin(table.positions)
    arrays = {
        "positions": positions,
        "log_scales": table.log_scales,
        "rotations": table.rotations,
        "opacity_logits": table.opacity_logits,
        "sh": table.sh,
    }
    return with_source(scene_from(arrays, repair=repair, meta=_meta(header, vertex, names, table), origin=origin))


def write(scene: Scene, path: Path) -> list[str]:
    """Write a binary little-endian PLY in the trainers' order, without normals.

    All columns are float32 and exact; positions become double where the scene has an origin.
    Returns: what was lost, one line each.
    """
    position_type = "<f8" if scene.origin.any() else "<f4"
    positions = scene.positions + scene.origin if scene.origin.any() else scene.positions
    columns = _columns(positions, scene.log_scales, scene.rotations, scene.opacity_logits, scene.sh)
    row = np.dtype([(name, position_type if name in POSITION else "<f4") for name in columns])
    comments, lost = _comments(scene.meta)
    types = {"<f4": "float", "<f8": "double"}
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {comment}" for comment in comments),
        f"element vertex {len(scene)}",
        *(f"property {types[row[name].str]} {name}" for name in columns),
        "end_header\n",
    ]
    with atomic_write(path) as file:
        file.write("\n".join(lines).encode("ascii"))
        for start in range(0, len(scene), BLOCK_ROWS):
            block = np.empty(min(BLOCK_ROWS, len(scene) - start), row)
            for name, column in columns.items():
                block[name] = column[start : start + BLOCK_ROWS]
            file.write(block.tobytes())
    return lost + lost_meta(scene.meta, "PLY", holds=frozenset({"antialiased", "comments"}))


_Positions = NDArray[np.float32] | NDArray[np.float64]


@dataclass
class _Table:
    """The columns of a file, still with positions as exact as the file has them."""

    positions: _Positions
    log_scales: NDArray[np.float32]
    rotations: NDArray[np.float32]
    opacity_logits: NDArray[np.float32]
    sh: NDArray[np.float32]
    rounded: tuple[str, ...]  # properties with digits that float32 does not hold
    nonzero_normals: bool
    zero_scales: int = 0  # splats


def _columns(
    positions: NDArray[np.floating], log_scales: NDArray[np.float32], rotations: NDArray[np.float32],
    opacity_logits: NDArray[np.float32], sh: NDArray[np.float32],
) -> dict[str, NDArray[np.floating]]:  # fmt: skip
    """(N,) views of the arrays by property name, in the order that trainers write."""
    rest_count = sh.shape[1] - 1
    return {
        **{name: positions[:, i] for i, name in enumerate(POSITION)},
        **{f"f_dc_{i}": sh[:, 0, i] for i in range(3)},
        **{f"f_rest_{i}": sh[:, 1 + i % rest_count, i // rest_count] for i in range(3 * rest_count)},
        "opacity": opacity_logits,
        **{f"scale_{i}": log_scales[:, i] for i in range(3)},
        **{f"rot_{i}": rotations[:, i] for i in range(4)},
    }


def _splat_element(header: PlyHeader, path: Path) -> tuple[PlyElement, dict[str, str]]:
    """The vertex element, once it is sure that its rows are splats, and the file's property of each name."""
    vertex = header.element("vertex")
    if vertex is None or vertex.count == 0:
        raise FormatError(f"{path}: the PLY has no vertices")
    names = usual_names(vertex.names, REQUIRED)
    colored = has_byte_colors(names, vertex.dtype)
    missing = [name for name in REQUIRED if name not in names and not (colored and name in COLORS)]
    if missing == ["scale_2"]:
        raise UnsupportedFeatureError(
            f"{path}: 2DGS (surfels with scale_0 and scale_1 only) is not 3DGS; train or export the scene as 3DGS"
        )
    if missing and "f_anchor_feat_0" in names:
        raise UnsupportedFeatureError(
            f"{path}: anchors of Scaffold-GS or its kind, whose splats a network makes; export them as 3DGS"
        )
    if {"f_dc_0", "opacity", "scale_0", "rot_0"}.isdisjoint(names):
        what = "a coloured point cloud" if {"red", "green", "blue"} <= names.keys() else "a point cloud or mesh"
        raise FormatError(f"{path}: {what}, not a trained splat scene: no f_dc_0, opacity, scale_0 or rot_0")
    if missing:
        raise FormatError(f"{path}: not a 3DGS PLY: missing properties {' '.join(missing)}")
    rest = _rest_names(names)
    allowed = [3 * sh_rest_count(degree) for degree in range(MAX_SH_DEGREE + 1)]
    if len(rest) not in allowed or not all(f"f_rest_{i}" in names for i in range(len(rest))):
        raise FormatError(
            f"{path}: {len(rest)} f_rest properties; expected f_rest_0 to f_rest_K-1 with K one of "
            f"{', '.join(map(str, allowed))} (SH degree 0 to {MAX_SH_DEGREE})"
        )
    if colored:
        names |= {name: names.pop(color) for name, color in COLORS.items()}
    return vertex, names


def _rest_names(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith("f_rest_")]


class _AsciiHeader(io.FileIO):
    """A file whose header plyfile can decode: it takes ASCII alone, and comments in the wild are UTF-8.

    Rows are mapped, so only the header goes through `read`, and lists that follow, which nobody wants.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        return (super().read(size) or b"").decode("ascii", "replace").encode("ascii", "replace")


def _mapped_rows(path: Path) -> NDArray[np.void]:
    """The vertex rows of a binary file, mapped by plyfile."""
    try:
        with _AsciiHeader(path) as file:
            rows: NDArray[np.void] = PlyData.read(file, mmap="r")["vertex"].data
    except (PlyParseError, ValueError, KeyError) as error:
        raise FormatError(f"{path}: not a PLY that can be read: {error}") from None
    return rows


def _ascii_rows(header: PlyHeader, vertex: PlyElement, path: Path) -> NDArray[np.void]:
    """The vertex rows of a text file. numpy parses the lines: plyfile takes a Python step for every number."""
    lines_before = 0
    for element in header.elements:
        if element is vertex:
            break
        lines_before += element.count
    with path.open("rb") as file:
        file.seek(header.size_bytes)
        text = io.TextIOWrapper(file, "ascii", "replace")
        next(islice(text, lines_before, lines_before), None)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about no rows at all: said better below
                rows = np.loadtxt(text, vertex.dtype, comments=None, max_rows=vertex.count, ndmin=1)
        except (ValueError, OverflowError) as error:
            raise FormatError(f"{path}: in the vertex rows: {error}") from None
    if len(rows) < vertex.count:
        raise TruncatedError(f"{path}: {len(rows)} of {vertex.count} vertex rows are present")
    return rows


def _gather(rows: NDArray[np.void], names: Mapping[str, str]) -> _Table:
    """Copy the columns out, a block of rows at a time.

    Args:
        names: the file's property of each name.
    """
    count = len(rows)
    types = {name: rows.dtype[property] for name, property in names.items()}
    exact = all(types[name].char in "fbBhH" for name in POSITION)
    positions: _Positions = np.empty((count, 3), np.float32) if exact else np.empty((count, 3), np.float64)
    table = _Table(
        positions,
        np.empty((count, 3), np.float32),
        np.empty((count, 4), np.float32),
        np.empty(count, np.float32),
        np.empty((count, 1 + len(_rest_names(names)) // 3, 3), np.float32),
        rounded=(),
        nonzero_normals=False,
    )
    columns = _columns(table.positions, table.log_scales, table.rotations, table.opacity_logits, table.sh)
    widths = np.empty(count if FILTER in names else 0, np.float32)
    if FILTER in names:
        columns[FILTER] = widths
    wide = [name for name in columns if types[name].char in "diI"]
    normals = [names[name] for name in NORMAL if name in names]
    rounded = dict.fromkeys(wide, False)
    with np.errstate(over="ignore", invalid="ignore"):  # Scene refuses the Inf and NaN that come out, by row
        for start in range(0, count, BLOCK_ROWS):
            block = np.array(rows[start : start + BLOCK_ROWS])
            for name, column in columns.items():
                column[start : start + BLOCK_ROWS] = block[names[name]]
            for name in wide:
                values = block[names[name]]
                rounded[name] |= bool((values.astype(np.float32) != values).any())
            table.nonzero_normals |= any(block[name].any() for name in normals)
    table.rounded = tuple(name for name in wide if rounded[name])
    if any(names[name] == color for name, color in COLORS.items()):
        table.sh[:, 0] = sh_of_byte_colors(table.sh[:, 0])
    if FILTER in names:
        table.log_scales, table.opacity_logits = fused(table.log_scales, table.opacity_logits, widths)
    table.log_scales, table.zero_scales = without_zeros(table.log_scales)
    return table


def _split_origin(positions: _Positions) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Positions as float32, relative to an origin where float32 alone would be too coarse for the scene."""
    origin = np.zeros(3)
    if positions.dtype == np.float32:
        return origin, positions.astype(np.float32, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):  # Scene refuses the Inf and NaN that come out, by row
        usual = positions[(np.abs(positions) < LARGEST_USUAL).all(1)]
        if len(usual):
            low, middle, high = np.percentile(usual, (5, 50, 95), axis=0)  # outliers do not decide
            extent = float((high - low).max()) or 1.0
            if np.spacing(np.float32(np.abs(middle).max())) > ORIGIN_TOLERANCE * extent:
                unit = 2.0 ** np.floor(np.log2(extent))  # a round number, so that the origin is exact and short
                origin = np.rint(middle / unit) * unit
        return origin, (positions - origin).astype(np.float32)


def _meta(header: PlyHeader, vertex: PlyElement, names: Mapping[str, str], table: _Table) -> SceneMeta:
    known = {*REQUIRED, *_rest_names(names), *NORMAL, FILTER}
    ignored = [f"property {property}" for name, property in names.items() if name not in known]
    if FILTER in names:
        ignored.append(f"property {FILTER}, which is applied to scales and opacities as its trainer does to draw")
    if table.nonzero_normals:
        ignored.append("properties nx ny nz (normals)")
    if table.zero_scales:
        ignored.append(f"scales of 0 (-Inf) of {table.zero_scales} splats, which become 2^-126")
    if table.rounded:
        ignored.append(f"digits beyond float32 of {' '.join(table.rounded)}")
    ignored += [f"element {other.name} ({other.count} rows)" for other in header.others("vertex")]
    ignored += [f"obj_info {line}" for line in header.obj_info]
    if header.trailing_bytes:
        ignored.append(f"{header.trailing_bytes} bytes after the last element")
    kept = tuple(comment for comment in header.comments if comment.split() != MIP.split())
    return SceneMeta(antialiased=kept != header.comments, comments=kept, ignored=tuple(ignored))


def _comments(meta: SceneMeta) -> tuple[list[str], list[str]]:
    """The comment lines of the header, and what of them is lost."""
    comments = [MIP] if meta.antialiased else []
    lost = []
    for comment in meta.comments:
        escaped = " ".join(comment.splitlines()).encode("ascii", "backslashreplace").decode()
        if escaped != comment:
            lost.append(f"comment {escaped!r}: PLY headers are ASCII lines, other characters were escaped")
        comments.append(escaped)
    return comments, lost
