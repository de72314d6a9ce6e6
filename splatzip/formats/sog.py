"""PlayCanvas SOG: a splat is a pixel; meta.json and up to seven images, in a folder or a zip archive (.sog).

    means_l, means_u   low and high byte of three 16-bit codes, of sign(x) ln(|x| + 1) between meta's mins and maxs
    quats              three smallest components, and which one is left out (252 + 0..3 for w, x, y, z)
    scales             three codes of log scales
    sh0                three codes of SH degree 0, and opacity: alpha in version 2, a logit code in version 1
    shN_labels         16-bit row of the SH palette
    shN_centroids      the palette: 64 rows side by side, B pixels each, RGB

Axes are those of 3DGS PLY. A `QuantizedSource` ("sog", version 1 or 2) of a scene holds

    codes   positions (N,3) uint16, rotations (N,4) uint8 as stored, scales (N,3) uint8, colors (N,4) uint8,
            labels (N,1) uint16 if there is SH above degree 0
    tables  palette (P,3B) uint8 in pixel order; means, scales, sh0, shN: numbers of meta.json, float32 where that
            is exact, else the bits of the float64; a null is NaN
    header  meta.json with nulls where files, mins, maxs and codebooks stood

Pixels after the last splat and palette rows after `shN.count` mean nothing and are not kept; the same codes are
written again with zeros there. Version 1 has no palette count: every row of its image is kept.

Specification: PlayCanvas developer documentation, "The SOG Format"; version 1 as splat-transform reads it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import CorruptError, FormatError
from splatzip.formats.input import scene_from
from splatzip.formats.sog_files import LOD_META, MAX_META_BYTES, META, SogFiles, open_files
from splatzip.formats.sog_images import Pixels, decode_image
from splatzip.formats.sog_levels import finest_level, levels_file
from splatzip.formats.sog_meta import MAX_PALETTE_ROWS, SogMeta, parse_meta
from splatzip.formats.sog_write import write_sog
from splatzip.kernels.dequantize import dequantize
from splatzip.scene import QuantizedSource, Scene, SceneMeta
from splatzip.scene.transform import merged

PALETTE_ROW = 64  # palette rows side by side
WIDTHS = {PALETTE_ROW * b: b for b in (3, 8, 15)}  # of the palette image, by B
# What may be right: images have some pixels to spare (older writers rounded up to powers of two), and a splat, of which
# real scenes take 8 bytes and more, hardly fits in a fourth of one. The floors let uniform scenes through.
PIXELS_PER_SPLAT, MIN_PIXELS = 4, 1 << 16
SPLATS_PER_BYTE, MIN_SPLATS = 4, 1 << 20


def sniff(head: bytes, path: Path) -> bool:
    """A folder with a meta.json, a meta.json, or a zip archive (no other scene format is one)."""
    if path.is_dir():
        return (path / META).is_file() or (path / LOD_META).is_file()
    if head.startswith(b"PK\x03\x04"):
        return True
    # Codebooks of 256 numbers stand between these names, well within the head.
    is_meta = all(name in head for name in (b'"means"', b'"scales"', b'"quats"')) or path.name == LOD_META
    return is_meta and head.lstrip().startswith(b"{")


def read(path: Path, *, repair: bool = False) -> Scene:
    """Read a SOG scene of version 1 or 2, or the finest level of a streamed one.

    Args:
        path: a folder, its meta.json or lod-meta.json, or a .sog archive.
        repair: as everywhere; the codes of a valid file decode to valid splats only.
    Raises: FormatError, naming the file inside.
    """
    levels = levels_file(path)
    if levels is None:
        return _read_one(path, repair=repair)
    finest, parts = finest_level(levels), []
    for name, count in finest.files.items():
        if not (levels.parent / name).exists():
            raise FormatError(f"{levels.parent / name}: missing; {levels.name} names it as a part of the scene")
        part = _read_one(levels.parent / name, repair=repair)
        holds = len(part) + sum(part.meta.dropped.values())
        if holds != count:
            raise CorruptError(f"{levels}: it counts {count} splats of {name}, which holds {holds}")
        parts.append(part)
    scene = merged(parts)  # of one file, it keeps the codes
    meta = replace(scene.meta, ignored=(*scene.meta.ignored, *finest.ignored))
    return scene.edited(meta=meta, source=scene.source)


def _read_one(path: Path, *, repair: bool) -> Scene:
    with open_files(path) as files:
        meta = parse_meta(files.read(META, max_bytes=MAX_META_BYTES), f"{path}: {META}")
        codes = _splat_codes(meta, files, path)
        tables: dict[str, NDArray[np.generic]] = dict(meta.tables)
        if "labels" in codes:
            tables["palette"] = _palette(meta, files, path)
        named = {META, *(name for names in meta.files.values() for name in names)}
        spare = [name for name in files.names() if name not in named]
    source = QuantizedSource("sog", meta.version, codes, tables, dict(meta.header))
    ignored = [f"meta.json field {name!r} (kept as long as the codes are)" for name in meta.unknown]
    ignored += [f"file {name!r} of the archive" for name in spare]
    return scene_from(
        dequantize(source.format, source.version, codes, tables, source.header),
        repair=repair,
        meta=SceneMeta(antialiased=meta.antialiased, ignored=tuple(ignored)),
        source=source,
    )


def write(scene: Scene, path: Path) -> list[str]:
    """Write SOG 2 (see `sog_write`)."""
    return write_sog(scene, path)


def _splat_codes(meta: SogMeta, files: SogFiles, path: Path) -> dict[str, NDArray[np.generic]]:
    max_pixels = max(PIXELS_PER_SPLAT * meta.count, MIN_PIXELS)
    names = [name for section in ("means", "quats", "scales", "sh0") for name in meta.files[section]]
    names += meta.files["shN"][1:] if "shN" in meta.files else []
    # A lossless image is never much larger than its pixels.
    data = {name: files.read(name, max_bytes=4 * max_pixels + MIN_PIXELS) for name in names}
    plausible = max(SPLATS_PER_BYTE * sum(map(len, data.values())), MIN_SPLATS)
    if meta.count > plausible:
        raise FormatError(f"{path}: meta.json counts {meta.count} splats, more than its images can hold")
    pixels = []
    for name in names:
        flat = decode_image(data[name], f"{path}: {name}", max_pixels=max_pixels).reshape(-1, 4)
        if len(flat) < meta.count:
            raise FormatError(f"{path}: {name}: {len(flat)} pixels for {meta.count} splats")
        pixels.append(flat[: meta.count])
    low, high, quats, scales, colors, *labels = pixels
    codes: dict[str, NDArray[np.generic]] = {
        "positions": _joined(low[:, :3], high[:, :3]),
        "rotations": quats.copy(),
        "scales": scales[:, :3].copy(),
        "colors": colors.copy(),
    }
    if labels:
        codes["labels"] = _joined(labels[0][:, :1], labels[0][:, 1:2])
    return codes


def _joined(low: Pixels, high: Pixels) -> NDArray[np.uint16]:
    return low | high.astype(np.uint16) << np.uint16(8)


def _palette(meta: SogMeta, files: SogFiles, path: Path) -> Pixels:
    """(P, 3B) uint8, a row's coefficients in order, RGB of each."""
    name = meta.files["shN"][0]
    max_pixels = MAX_PALETTE_ROWS * 15
    image = decode_image(
        files.read(name, max_bytes=4 * max_pixels + MIN_PIXELS), f"{path}: {name}", max_pixels=max_pixels
    )
    height, width = image.shape[:2]
    b = WIDTHS.get(width, 0)
    if b == 0 or meta.coefficients not in (0, b):
        expected = [w for w, coefficients in WIDTHS.items() if meta.coefficients in (0, coefficients)]
        raise FormatError(f"{path}: {name}: {width} pixels wide, expected {' or '.join(map(str, expected))}")
    rows = meta.palette_rows or height * PALETTE_ROW
    if not rows <= height * PALETTE_ROW <= MAX_PALETTE_ROWS:
        raise FormatError(f"{path}: {name}: {height} lines of 64 entries, meta.json counts {rows} entries")
    return np.ascontiguousarray(image[:, :, :3].reshape(-1, 3 * b)[:rows])
