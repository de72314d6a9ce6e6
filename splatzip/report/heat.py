"""Error maps: a pixel's distance from the source's, as a colour that gets lighter with the error.

An error is the root mean square over red, green and blue, in levels of 255. It is kept as one byte a pixel, finer where
errors are small (level = 64 (code / 255)^2), so that one scale can be chosen after all pictures have been seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_LEVELS = 64.0
# From black through violet, red and amber to pale yellow: lightness grows evenly, also for colour-blind eyes.
STOPS = ("#000004", "#210c4a", "#57106e", "#8a226a", "#bc3754", "#e45a31", "#f98e09", "#f9cb35", "#fcffa4")
_STEPS = 64  # colours of a map: enough to look smooth, few enough to compress


def error_codes(ref: NDArray[np.float32], test: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W) codes of the error of each pixel of two (H, W, 3) pictures in 0..1."""
    difference = 255 * (test - ref)
    levels = np.sqrt(np.mean(difference * difference, axis=2))
    codes: NDArray[np.uint8] = np.rint(255 * np.sqrt(np.minimum(levels / MOST_LEVELS, 1))).astype(np.uint8)
    return codes


def error_map(ref: NDArray[np.float32], test: NDArray[np.float32], *, full_levels: float = 16.0) -> NDArray[np.uint8]:
    """A picture of the error of each pixel: black where there is none.

    Args:
        ref, test: (H, W, 3) float32 in 0..1.
        full_levels: the error, in levels of 255, that the lightest colour stands for.
    Returns: (H, W, 3) RGB.
    """
    return colours(error_codes(ref, test), full_levels)


def full_scale(counts: NDArray[np.int64]) -> float:
    """The level that the lightest colour stands for: a power of two that 99.8 % of the erring pixels stay below.

    Args:
        counts: (256,) how many pixels of all pictures have which code.
    """
    erring = np.cumsum(counts[1:])
    code = 1 + int(np.searchsorted(erring, 0.998 * erring[-1]))
    power = np.ceil(np.log2(_level_of(code)) - 0.02)  # a code is up to a hundredth off its level
    return float(np.clip(2.0**power, 1.0, MOST_LEVELS))


def colours(codes: NDArray[np.uint8], full_levels: float) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of the codes, by the root of the error: `full_levels` / 4 is half-way to the lightest colour."""
    share = np.sqrt(np.minimum(_level_of(np.arange(256)) / full_levels, 1))  # faint errors are to be seen, too
    share = np.rint(share * (_STEPS - 1)) / (_STEPS - 1)
    stops = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in STOPS])
    at = np.linspace(0, 1, len(stops))
    table = np.stack([np.interp(share, at, stops[:, channel]) for channel in range(3)], axis=1)
    return np.asarray(np.rint(table).astype(np.uint8)[codes])


def _level_of(code: Any) -> Any:
    return MOST_LEVELS * (np.asarray(code) / 255.0) ** 2
