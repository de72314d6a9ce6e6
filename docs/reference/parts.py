"""Section 3.7 of FORMAT.md: what to draw of a file's first bytes, where splats stand in for those that have not come.

Nothing here is normative to the bit: the functions are those of math, in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reference.container import TIERS, Chunk, File, json_chunk
from reference.numbers import BadFile, check

SCALES, SLOPES = (-60.0, 60.0), (-1.0, 1.0)


def numbers_of_tiers(file: File) -> dict[str, list[float]]:
    """The TIERS chunk; {} where it is not like the table."""
    count = file.tiers - 1
    table = {
        "widen": [(-1.0, 3.0)] * count,
        "strengthen": [(0.1, 20.0)] * count,
        "blur": [SCALES] * count,
        "by_size": [SCALES, SLOPES, SLOPES],
        "by_opacity": [SLOPES, SLOPES],
    }
    try:
        said = json_chunk(file, TIERS)
    except BadFile:
        return {}
    found = {}
    for name, ranges in table.items():
        values = said.get(name, [] if name in ("widen", "strengthen") else None)
        if values is None and name not in said:
            continue
        if not isinstance(values, list) or len(values) != len(ranges):
            return {}
        if not all(type(v) in (int, float) and low <= v <= high for v, (low, high) in zip(values, ranges, strict=True)):
            return {}
        found[name] = [float(v) for v in values]
    return found


def stand_in(numbers: dict[str, list[float]], tier: int, s: list[float], alpha: float) -> tuple[list[float], float]:
    """One splat near which the tier after this one is lacking: its log scales and its opacity."""
    middle, widen_by_size, strengthen_by_size = numbers.get("by_size", [0.0, 0.0, 0.0])
    widen_by_opacity, strengthen_by_opacity = numbers.get("by_opacity", [0.0, 0.0])
    x = min(max((sum(sorted(s)[1:]) / 2) - middle, -3.0), 3.0)
    y = max(math.log(alpha), -4.0) if alpha > 0 else -4.0
    w = min(max(numbers["widen"][tier] + widen_by_size * x + widen_by_opacity * y, -1.0), 3.0)
    factor = math.exp(strengthen_by_size * x + strengthen_by_opacity * y)
    k = min(max(numbers["strengthen"][tier] * factor, 0.1), 20.0)
    variance = math.exp(2 * numbers["blur"][tier]) if "blur" in numbers else 0.0
    wider = [math.log(math.exp(2 * (one + w)) + variance) / 2 for one in s]
    return wider, 1 - (1 - alpha) ** k


def first_bytes(file: File, arrays: dict[str, NDArray[Any]], length: int) -> dict[str, NDArray[Any]]:
    """What the first bytes of a file of codec STEPPED show, whose shared chunks all are among them.

    Args:
        arrays: all that the file decodes to.
    Returns: positions (n, 3), log_scales (n, 3), opacities (n,) in float64, of the rows whose geometry is there.
    """
    numbers = numbers_of_tiers(file)
    low, high = (np.array(side) for side in (file.box[:3], file.box[3:]))
    span = (high - low) / 65535

    def holds(chunk: Chunk, position: NDArray[Any]) -> bool:
        sides = np.array(chunk.box, np.float64).reshape(2, 3) * span + low
        return bool((position >= sides[0]).all() and (position <= sides[1]).all())

    def is_lacking(tier: int, position: NDArray[Any]) -> bool:
        chunks = file.runs[tier, 0]
        # Directories stand before their chunks: one is there if any byte of its first chunk is.
        has_directory = not chunks or length >= chunks[0].end - len(chunks[0].payload)
        return not has_directory or any(chunk.end > length and holds(chunk, position) for chunk in chunks)

    positions, scales, opacities = [], [], []
    row = 0
    for tier in range(file.tiers):
        for chunk in file.runs[tier, 0]:
            for i in range(row, row + chunk.splats if chunk.end <= length else row):
                position = arrays["positions"][i].astype(np.float64)
                s = [float(value) for value in arrays["log_scales"][i]]
                alpha = 1 / (1 + math.exp(min(-float(arrays["opacity_logits"][i]), 700.0)))
                lacking = [later for later in range(tier + 1, file.tiers) if is_lacking(later, position)]
                if numbers and lacking:
                    s, alpha = stand_in(numbers, lacking[0] - 1, s, alpha)
                positions.append(position)
                scales.append(s)
                opacities.append(alpha)
            row += chunk.splats
    check(bool(positions), "nothing can be drawn yet")
    return {
        "positions": np.array(positions, np.float32),
        "log_scales": np.array(scales),
        "opacities": np.array(opacities),
    }
