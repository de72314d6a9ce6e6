"""Write SOG version 2: a folder, or a zip archive when the name ends in .sog.

A scene read from SOG 2 keeps its codes and the rest of its meta.json. Any other is quantized here: 16-bit
positions in the log domain, codebooks of 256 fitted to scales and colours, SH through a palette; splats in Morton
order, which is what makes the images small.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import FormatError
from splatzip.formats.output import atomic_folder, atomic_write, lost_meta
from splatzip.formats.smallest_three import smallest_three
from splatzip.formats.sog_codebook import quantize
from splatzip.formats.sog_files import META
from splatzip.formats.sog_images import Pixels, encode_image
from splatzip.formats.sog_palette import build_palette, palette_size
from splatzip.kernels.dequantize_sog import exact_numbers, numbers_of
from splatzip.scene import QuantizedSource, Scene
from splatzip.scene.attributes import sh_rest_count
from splatzip.scene.ordering import morton_order

MAX_DEGREE = 3
MAX_SIDE = 16383  # pixels, WebP's limit
PALETTE_ROW = 64
FILES = {
    "means": ["means_l.webp", "means_u.webp"],
    "scales": ["scales.webp"],
    "quats": ["quats.webp"],
    "sh0": ["sh0.webp"],
    "shN": ["shN_centroids.webp", "shN_labels.webp"],
}
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same scene gives the same archive


def write_sog(scene: Scene, path: Path) -> list[str]:
    """Write SOG 2.

    Args:
        path: ends in .sog for an archive; else a folder, or the meta.json in it.
    Returns: what was lost, one line each.
    Raises: FormatError if the scene has more splats than the largest image has pixels.
    """
    lost = lost_meta(scene.meta, "SOG", holds=frozenset({"antialiased"}))
    source = scene.source
    if source is None or source.format != "sog" or source.version != 2:
        source, losses = _quantized(scene)
        lost += losses
    files = {name: encode_image(pixels) for name, pixels in _images(source).items()}
    files[META] = json.dumps(_meta(source), separators=(",", ":"), allow_nan=False).encode()
    if path.name.lower().endswith(".sog"):
        _write_archive(files, path)
    else:
        _write_folder(files, path.parent if path.name == META else path)
    return lost


def _quantized(scene: Scene) -> tuple[QuantizedSource, list[str]]:
    lost = []
    if scene.origin.any():
        lost.append("origin: added to the positions, whose 16 bits may be too coarse for it")
    positions = scene.positions + scene.origin
    order = morton_order(scene.positions)
    folded = np.sign(positions[order]) * np.log1p(np.abs(positions[order]))
    low, high = folded.min(0), folded.max(0)
    span = np.where(high > low, high - low, 1.0)
    largest, kept = smallest_three(scene.rotations[order])
    scales, scale_codebook = quantize(scene.log_scales[order])
    colors, color_codebook = quantize(scene.sh[order, 0])
    with np.errstate(over="ignore"):  # exp(-logit) of an invisible splat is Inf, its alpha 0
        alpha = 255.0 / (1.0 + np.exp(-scene.opacity_logits[order].astype(np.float64)))
    codes: dict[str, NDArray[Any]] = {
        "positions": np.rint((folded - low) * (65535.0 / span)).astype(np.uint16),
        "rotations": np.hstack([np.rint(kept * 127.5 + 127.5), largest[:, None] + 252.0]).astype(np.uint8),
        "scales": scales,
        "colors": np.hstack([colors, np.rint(alpha)[:, None].astype(np.uint8)]),
    }
    tables: dict[str, NDArray[Any]] = {
        "means": exact_numbers(np.stack([low, high])),
        "scales": scale_codebook,
        "sh0": color_codebook,
    }
    degree = min(scene.sh_degree, MAX_DEGREE)
    if scene.sh_degree > MAX_DEGREE:
        lost.append(f"SH degree {scene.sh_degree}: cut to {MAX_DEGREE}")
    if degree:
        rest = np.ascontiguousarray(scene.sh[order, 1 : 1 + sh_rest_count(degree)]).reshape(len(scene), -1)
        palette, labels = build_palette(rest, palette_size(len(scene)))
        tables["palette"], tables["shN"] = quantize(palette)
        codes["labels"] = labels[:, None].astype(np.uint16)
        if not np.array_equal(palette[labels], rest):
            lost.append(f"SH above degree 0: {len(rest)} splats share {len(palette)} palette entries")
    header: dict[str, Any] = {
        "version": 2,
        "asset": {"generator": "splatzip"},
        "count": None,
        "antialias": scene.meta.antialiased,
        **({"model": "antialiased"} if scene.meta.antialiased else {}),  # the same, for splat-transform from 3.2 on
    }
    return QuantizedSource("sog", 2, codes, tables, header), lost


def _meta(source: QuantizedSource) -> dict[str, Any]:
    """`meta.json`: the header with its nulls filled in. File names are ours, whatever the source's were."""
    meta = {**source.header, "version": 2, "count": source.splats}
    sections = [name for name in FILES if name != "shN" or "labels" in source.codes]
    for name in sections:
        kept = meta.get(name)
        section = dict(kept) if isinstance(kept, Mapping) else {}
        if name == "shN":
            rows, columns = source.tables["palette"].shape
            section |= {"count": rows, "bands": {9: 1, 24: 2, 45: 3}[columns]}
        if name != "quats":
            section |= _numbers(source.tables[name])
        meta[name] = section | {"files": FILES[name]}
    if "shN" not in sections:
        meta.pop("shN", None)
    return meta


def _numbers(table: NDArray[Any]) -> dict[str, Any]:
    values = numbers_of(table)
    if values.ndim == 2:
        return {"mins": values[0].tolist(), "maxs": values[1].tolist()}
    return {"codebook": [None if np.isnan(value) else value for value in values.tolist()]}


def _images(source: QuantizedSource) -> dict[str, Pixels]:
    n = source.splats
    width = -(-int(np.ceil(np.sqrt(n))) // 4) * 4
    height = -(-n // (4 * width)) * 4
    if max(width, height) > MAX_SIDE:
        raise FormatError(f"SOG holds at most {MAX_SIDE} x {MAX_SIDE} splats, the scene has {n}; write tiles of it")
    codes = source.codes
    low = (codes["positions"] & np.uint16(255)).astype(np.uint8)
    high = (codes["positions"] >> np.uint16(8)).astype(np.uint8)
    images = {
        "means_l.webp": _picture(low, width, height),
        "means_u.webp": _picture(high, width, height),
        "scales.webp": _picture(codes["scales"], width, height),
        "quats.webp": _picture(codes["rotations"], width, height),
        "sh0.webp": _picture(codes["colors"], width, height),
    }
    if "labels" in codes:
        labels = codes["labels"].astype("<u2", copy=False).view(np.uint8)
        images["shN_labels.webp"] = _picture(labels, width, height)
        palette = source.tables["palette"]
        pixels = palette.reshape(-1, 3)
        row_width = PALETTE_ROW * palette.shape[1] // 3
        images["shN_centroids.webp"] = _picture(pixels, row_width, -(-len(palette) // PALETTE_ROW))
    return images


def _picture(codes: NDArray[np.uint8], width: int, height: int) -> Pixels:
    """(height, width, 4): codes in row order, missing channels 0, alpha 255 unless it is a code; zeros after the end.

    Pixels past the last splat stay all zero, alpha too, except where no pixel needs alpha: then the image has three
    channels, and decodes faster.
    """
    pixels = np.zeros((height * width, 4), np.uint8)
    if codes.shape[1] < 4:
        pixels[:, 3] = 255
    pixels[: len(codes), : codes.shape[1]] = codes
    return pixels.reshape(height, width, 4)


def _write_archive(files: Mapping[str, bytes], path: Path) -> None:
    with atomic_write(path) as target, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data)


def _write_folder(files: Mapping[str, bytes], folder: Path) -> None:
    """All of them or none; in a folder that exists meta.json comes to be last, so that what it names is there."""
    if not folder.exists():
        with atomic_folder(folder) as part:
            for name, data in files.items():
                (part / name).write_bytes(data)
        return
    with ExitStack() as stack:  # which ends with what it began with
        targets = {name: stack.enter_context(atomic_write(folder / name)) for name in reversed(list(files))}
        for name, data in files.items():
            targets[name].write(data)
            targets[name].flush()
