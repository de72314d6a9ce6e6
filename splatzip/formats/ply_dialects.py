"""What some tools write otherwise than trainers do, in PLYs that hold splats all the same.

    CloudCompare                scalar_NAME, or scalar_scal_NAME, for every property that it has no place for
    nerfstudio, colours "rgb"   red green blue (8 bits) instead of f_dc_0..2
    Mip-Splatting, GOF          filter_3D: a width that the trainer adds to every splat when it draws
    discs and needles           scale_N of -Inf, for a width of 0 (splat-transform keeps it, too)

Without its filter a splat is too thin and too strong; the projects' own viewers want a "fused" PLY, in which the filter
has been applied. It is applied here, so both give the same scene.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILTER = "filter_3D"
PREFIXES = ("scalar_", "scal_")  # CloudCompare's, and that of converters which write for it
COLORS = {"f_dc_0": "red", "f_dc_1": "green", "f_dc_2": "blue"}
SH_C0 = 0.28209479177387814
LEAST = np.float32(np.log(np.finfo(np.float32).tiny))  # what a width of 0 is in .splat and glTF, too
Floats = NDArray[np.float32]


def usual_names(names: Iterable[str], known: Container[str]) -> dict[str, str]:
    """The file's property of each name: itself, or without CloudCompare's prefix where that is a name `known`."""
    names = tuple(names)
    usual = {name: name for name in names}
    for name in names:
        bare = name
        for prefix in PREFIXES:
            bare = bare.removeprefix(prefix)
        if bare != name and bare not in usual and (bare in known or bare.startswith("f_rest_")):
            usual[bare] = usual.pop(name)
    return usual


def has_byte_colors(names: Mapping[str, str], dtype: np.dtype[Any]) -> bool:
    """Whether red, green and blue stand for f_dc_0, f_dc_1 and f_dc_2."""
    return not any(name in names for name in COLORS) and all(
        name in names and dtype[names[name]] == np.uint8 for name in COLORS.values()
    )


def sh_of_byte_colors(colors: Floats) -> Floats:
    """SH of degree 0 of colours 0..255."""
    return ((colors.astype(np.float64) / 255 - 0.5) / SH_C0).astype(np.float32)


def fused(log_scales: Floats, opacity_logits: Floats, widths: Floats) -> tuple[Floats, Floats]:
    """Log scales and opacity logits after the 3D filter; splats of width 0 are kept to the bit.

    Args:
        widths: (N,) standard deviations of the filter.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # NaN and Inf are the scene's to judge, by row
        before = log_scales.astype(np.float64)
        after = 0.5 * np.logaddexp(2 * before, 2 * np.log(np.abs(widths.astype(np.float64)))[:, None])
        fade = np.minimum((before - after).sum(1), 0)  # the logarithm of what is left of the opacity
        logits = fade - np.log(np.exp(-opacity_logits.astype(np.float64)) - np.expm1(fade))
    kept = widths == 0
    return (
        np.where(kept[:, None], log_scales, after).astype(np.float32),
        np.where(kept, opacity_logits, logits).astype(np.float32),
    )


def without_zeros(log_scales: Floats) -> tuple[Floats, int]:
    """Log scales with widths of 0 (-Inf) as the smallest normal float32, and how many splats had one."""
    zero = np.isneginf(log_scales)
    return (np.where(zero, LEAST, log_scales), int(zero.any(1).sum())) if zero.any() else (log_scales, 0)
