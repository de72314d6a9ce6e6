""".ksplat 0.1 (mkkellogg's GaussianSplats3D), read only: sections of splats, grouped in buckets of a spatial block.

    header 4096 bytes | section headers 1024 bytes each | sections
    section: uint32 lengths of the partial buckets | float32 bucket centres | splats

Compression level 0 holds floats, 1 holds positions on the grid of a bucket's block and halves, 2 also SH as bytes.
Buckets exist at levels 1 and 2; the full ones come first. Right-down-front, SH degree 0 to 2.

QuantizedSource "ksplat", version 1 (of 0.1). A splat names its bucket, so that codes mean the same in any order:
    codes   positions (N, 3), scales (N, 3), rotations (N, 4)  uint32 float bits at level 0, else uint16
            sh (N, 3B) uint32, uint16 or uint8 by level, in file order (kernels: KsplatTables); absent at degree 0;
               0 above the degree of a splat's section
            colors (N, 4) uint8     buckets (N, 1) uint32, row of the bucket tables, ascending in file order
    tables  bucket_centers (M, 3) float32     bucket_sections (M,) uint32; at level 0 a section is one bucket
            block_sizes (S,) float32     ranges, sh_degrees, capacities, full_buckets (S,) uint32
    header  compression_level, sh_min, sh_max, scene_center
Dequantizer: native/src/dequantize_ksplat.cpp. A scale of zero is the smallest that its type tells from zero: half
the smallest binary16, or the smallest normal float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import CorruptError, FormatError, TruncatedError, UnsupportedVersionError
from splatzip.formats.input import scene_from
from splatzip.kernels.dequantize import dequantize
from splatzip.scene import QuantizedSource, Scene, SceneMeta
from splatzip.scene.attributes import sh_rest_count

FORMAT, VERSION = "ksplat", 1
HEADER_BYTES, SECTION_HEADER_BYTES = 4096, 1024
MAX_SH_DEGREE = 2
DEFAULT_RANGE, DEFAULT_SH_BOUND = 32767, 1.5  # what a zero in the header stands for

HEADER = np.dtype(
    {
        "names": ["major", "minor", "max_sections", "splats", "level", "scene_center", "sh_min", "sh_max"],
        "formats": ["u1", "u1", "<u4", "<u4", "<u2", ("<f4", 3), "<f4", "<f4"],
        "offsets": [0, 1, 4, 16, 20, 24, 36, 40],
        "itemsize": HEADER_BYTES,
    }
)
SECTION = np.dtype(
    {
        "names": ["splats", "slots", "capacity", "buckets", "block_size", "bucket_bytes", "range", "full", "partial",
                  "sh_degree"],
        "formats": ["<u4", "<u4", "<u4", "<u4", "<f4", "<u2", "<u4", "<u4", "<u4", "<u2"],
        "offsets": [0, 4, 8, 12, 16, 20, 24, 32, 36, 40],
        "itemsize": SECTION_HEADER_BYTES,
    }
)  # fmt: skip
CENTRE_BYTES = 12
GEOMETRY_TYPES = ("<u4", "<u2", "<u2")  # by compression level
SH_TYPES = ("<u4", "<u2", "u1")


def sniff(head: bytes, path: Path) -> bool:
    """By extension, or version 0.1 followed by the zeros that fill the rest of the header."""
    if path.suffix.lower() == ".ksplat":
        return bool(head)
    level = int.from_bytes(head[20:22], "little")
    return len(head) >= HEADER_BYTES and head[:4] == b"\0\1\0\0" and level <= 2 and not any(head[44:HEADER_BYTES])


def read(path: Path, *, repair: bool = False) -> Scene:
    """Read a .ksplat file.

    Raises: FormatError, naming the section; SceneError if a splat is not valid.
    """
    data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
    header = _header(data, path)
    table = _section_table(data, header, path)
    level, degree = int(header["level"]), int(table["sh_degree"].max())
    sections = []
    offset = HEADER_BYTES + SECTION_HEADER_BYTES * len(table)
    for number, fields in enumerate(table):
        section = _section(data, offset, fields, level, f"{path}: section {number}")
        sections.append(section)
        offset += section.size_bytes
    total = sum(len(section.rows) for section in sections)
    if total != header["splats"]:
        raise CorruptError(f"{path}: the header announces {header['splats']} splats, the sections hold {total}")
    codes = _codes(sections, level, sh_rest_count(degree))
    source = QuantizedSource(FORMAT, VERSION, codes, _tables(sections, table), _header_fields(header))
    floats = dequantize(FORMAT, VERSION, source.codes, source.tables, source.header)
    ignored = [f"{unused} empty slots"] if (unused := int(table["slots"].sum(dtype=np.int64)) - total) else []
    if offset < len(data):
        ignored.append(f"{len(data) - offset} bytes after the last section")
    return scene_from(floats, repair=repair, meta=SceneMeta(ignored=tuple(ignored)), source=source)


@dataclass(frozen=True)
class _Section:
    rows: NDArray[np.void]  # the splats, mapped
    centers: NDArray[np.float32]  # (buckets, 3); one at zero at level 0
    buckets: NDArray[np.intp]  # bucket of each splat, counted inside the section
    size_bytes: int


def _header(data: NDArray[np.uint8], path: Path) -> np.void:
    if len(data) < HEADER_BYTES:
        raise TruncatedError(f"{path}: {len(data)} bytes cannot hold the .ksplat header of {HEADER_BYTES}")
    header: np.void = data[:HEADER_BYTES].view(HEADER)[0]
    if (header["major"], header["minor"]) != (0, VERSION):
        raise UnsupportedVersionError(
            f"{path}: .ksplat version {header['major']}.{header['minor']} is not 0.1, or this is not a .ksplat file"
        )
    if header["level"] > 2:
        raise FormatError(f"{path}: compression level {header['level']} is not 0, 1 or 2")
    if not np.isfinite([header["sh_min"], header["sh_max"], *header["scene_center"]]).all():
        raise CorruptError(f"{path}: the SH range or scene centre at byte 24 is not finite")
    if header["splats"] == 0:
        raise FormatError(f"{path}: the file holds no splats")
    return header


def _section_table(data: NDArray[np.uint8], header: np.void, path: Path) -> NDArray[np.void]:
    count = int(header["max_sections"])
    end = HEADER_BYTES + SECTION_HEADER_BYTES * count
    if count == 0 or end > len(data):
        raise TruncatedError(f"{path}: {count} section headers need {end} bytes, the file has {len(data)}")
    table: NDArray[np.void] = data[HEADER_BYTES:end].view(SECTION)
    if table["sh_degree"].max() > MAX_SH_DEGREE:
        number = int(table["sh_degree"].argmax())
        raise FormatError(f"{path}: section {number} has SH degree {table['sh_degree'][number]}; 0 to 2 are known")
    return table


def _section(data: NDArray[np.uint8], offset: int, fields: np.void, level: int, where: str) -> _Section:
    """Locate what a section holds, every size checked against the file first."""
    splats, slots, capacity, full, partial = (
        int(fields[name]) for name in ("splats", "slots", "capacity", "full", "partial")
    )
    row = _row_type(level, int(fields["sh_degree"]))
    centers_at = offset + 4 * partial
    rows_at = centers_at + int(fields["bucket_bytes"]) * int(fields["buckets"])
    end = rows_at + row.itemsize * slots
    if end > len(data):
        missing = end - len(data)
        raise TruncatedError(f"{where} ends at byte {end}, the file at {len(data)}: {missing} bytes are missing")
    if splats > slots:
        raise CorruptError(f"{where} holds {splats} splats in {slots} slots")
    rows = data[rows_at : rows_at + row.itemsize * splats].view(row)
    if level == 0:
        return _Section(rows, np.zeros((1, 3), np.float32), np.zeros(splats, np.intp), end - offset)
    if fields["bucket_bytes"] != CENTRE_BYTES or fields["buckets"] != full + partial:
        raise CorruptError(
            f"{where} has {fields['buckets']} buckets of {fields['bucket_bytes']} bytes, "
            f"expected {full + partial} of {CENTRE_BYTES}"
        )
    centers = np.array(data[centers_at:rows_at]).view("<f4").reshape(-1, 3)
    lengths = np.concatenate([np.full(full, capacity, np.uint32), np.array(data[offset:centers_at]).view("<u4")])
    ends = np.minimum(lengths, splats).astype(np.int64).cumsum()  # no sum of lying lengths overflows
    if splats and (not len(ends) or ends[-1] < splats):
        raise CorruptError(f"{where}: its buckets hold {ends[-1] if len(ends) else 0} of {splats} splats")
    return _Section(rows, centers, np.searchsorted(ends, np.arange(splats), "right"), end - offset)


def _row_type(level: int, degree: int) -> np.dtype[np.void]:
    geometry = GEOMETRY_TYPES[level]
    return np.dtype(
        [
            ("positions", geometry, 3),
            ("scales", geometry, 3),
            ("rotations", geometry, 4),
            ("colors", "u1", 4),
            ("sh", SH_TYPES[level], 3 * sh_rest_count(degree)),
        ]
    )


def _codes(sections: list[_Section], level: int, rest_count: int) -> dict[str, NDArray[Any]]:
    """The codes of all sections; SH columns above a section's degree are 0."""
    total = sum(len(section.rows) for section in sections)
    whole = _row_type(level, 0)
    codes: dict[str, NDArray[Any]] = {
        name: np.empty((total, *whole[name].shape), whole[name].base.newbyteorder("="))
        for name in ("positions", "scales", "rotations", "colors")
    }
    if rest_count:
        codes["sh"] = np.zeros((total, 3 * rest_count), np.dtype(SH_TYPES[level]).newbyteorder("="))
    codes["buckets"] = np.empty((total, 1), np.uint32)
    start = bucket = 0
    for section in sections:
        part = slice(start, start + len(section.rows))
        for name in ("positions", "scales", "rotations", "colors"):
            codes[name][part] = section.rows[name]
        if rest_count:
            codes["sh"][part, : section.rows["sh"].shape[1]] = section.rows["sh"]
        codes["buckets"][part, 0] = section.buckets + bucket
        start, bucket = part.stop, bucket + len(section.centers)
    return codes


def _tables(sections: list[_Section], table: NDArray[np.void]) -> dict[str, NDArray[Any]]:
    numbers = np.repeat(np.arange(len(sections)), [len(section.centers) for section in sections])
    return {
        "bucket_centers": np.concatenate([section.centers for section in sections]).astype(np.float32, copy=False),
        "bucket_sections": numbers.astype(np.uint32),
        "block_sizes": table["block_size"].astype(np.float32),
        "ranges": np.where(table["range"] == 0, DEFAULT_RANGE, table["range"]).astype(np.uint32),
        "sh_degrees": table["sh_degree"].astype(np.uint32),
        "capacities": table["capacity"].astype(np.uint32),
        "full_buckets": table["full"].astype(np.uint32),
    }


def _header_fields(header: np.void) -> Mapping[str, Any]:
    return {
        "compression_level": int(header["level"]),
        "sh_min": float(header["sh_min"]) or -DEFAULT_SH_BOUND,
        "sh_max": float(header["sh_max"]) or DEFAULT_SH_BOUND,
        "scene_center": [float(value) for value in header["scene_center"]],
    }
