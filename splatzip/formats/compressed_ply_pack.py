"""Floats to the words of compressed.ply, as PlayCanvas' own writer packs them.

Splats in Morton order, 256 per chunk; bounds are the chunk's extremes; every code is the nearest one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatzip.formats.smallest_three import smallest_three
from splatzip.kernels.dequantize_compressed_ply import CHUNK_SPLATS
from splatzip.scene import Scene
from splatzip.scene.attributes import sh_rest_count
from splatzip.scene.ordering import morton_order

SH_C0 = 0.28209479177387814
MAX_DEGREE = 3
SCALE_LIMIT = 20.0  # of a chunk's log scale bounds, as the ecosystem's writer has it
XYZ_BITS = (11, 10, 11)


def pack(scene: Scene) -> tuple[dict[str, NDArray[np.generic]], NDArray[np.float32], list[str]]:
    """Codes, chunk bounds (C, 18) and what was lost, one line each."""
    lost = []
    positions = scene.positions
    if scene.origin.any():
        lost.append("origin: added to the positions, whose float32 bounds may be too coarse for it")
        positions = (positions + scene.origin).astype(np.float32)
    order = morton_order(positions)
    position, position_bounds = _quantized(positions[order], XYZ_BITS)
    scales = np.clip(scene.log_scales[order], -SCALE_LIMIT, SCALE_LIMIT)
    clipped = int((scales != scene.log_scales[order]).any(1).sum())
    if clipped:
        lost.append(f"log scales beyond +-{SCALE_LIMIT:g}: clipped for {clipped} splats")
    scale, scale_bounds = _quantized(scales, XYZ_BITS)
    colors = (scene.sh[order, 0].astype(np.float64) * SH_C0 + 0.5).astype(np.float32)
    color, color_bounds = _quantized(colors, (8, 8, 8))
    with np.errstate(over="ignore"):  # exp(-logit) of an invisible splat is Inf, its alpha 0
        alpha = 1.0 / (1.0 + np.exp(-scene.opacity_logits[order].astype(np.float64)))
    largest, kept = smallest_three(scene.rotations[order])
    rotation = np.rint(np.clip(kept * 0.5 + 0.5, 0.0, 1.0) * 1023.0).astype(np.uint32)
    codes: dict[str, NDArray[np.generic]] = {
        "position": _word(position, XYZ_BITS),
        "rotation": _word(np.hstack([largest[:, None].astype(np.uint32), rotation]), (2, 10, 10, 10)),
        "scale": _word(scale, XYZ_BITS),
        "color": _word(np.hstack([color, np.rint(alpha * 255.0).astype(np.uint32)[:, None]]), (8, 8, 8, 8)),
    }
    degree = min(scene.sh_degree, MAX_DEGREE)
    if scene.sh_degree > MAX_DEGREE:
        lost.append(f"SH degree {scene.sh_degree}: cut to {MAX_DEGREE}")
    if degree:
        rest = scene.sh[order, 1 : 1 + sh_rest_count(degree)].transpose(0, 2, 1).reshape(len(scene), -1)
        outside = int((np.abs(rest) > 4.0).any(1).sum())
        if outside:
            lost.append(f"SH coefficients beyond +-4: clipped for {outside} splats")
        codes["sh"] = np.clip(np.floor((np.clip(rest, -4.0, 4.0) / 8.0 + 0.5) * 256.0), 0.0, 255.0).astype(np.uint8)
    return codes, np.hstack([position_bounds, scale_bounds, color_bounds]), lost


def _quantized(values: NDArray[np.float32], bits: tuple[int, ...]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """(N, 3) codes between the bounds of each splat's chunk, and the bounds (C, 6)."""
    starts = np.arange(0, len(values), CHUNK_SPLATS)
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    chunk = np.arange(len(values)) // CHUNK_SPLATS
    span = high.astype(np.float64) - low
    span[span == 0.0] = 1.0  # one value: code 0
    unit = (values - low[chunk].astype(np.float64)) / span[chunk]
    top = np.array([(1 << b) - 1 for b in bits], np.float64)
    return np.floor(unit * top + 0.5).astype(np.uint32), np.hstack([low, high])


def _word(fields: NDArray[np.uint32], bits: tuple[int, ...]) -> NDArray[np.uint32]:
    """(N, 1): the fields in one word, the first highest."""
    word = np.zeros(len(fields), np.uint32)
    for i, width in enumerate(bits):
        word = word << np.uint32(width) | fields[:, i]
    return word[:, None]
