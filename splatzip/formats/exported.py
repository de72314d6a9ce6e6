"""Recovers the codes of a float PLY that was exported from a quantized format.

    Scene of floats  ->  codes of .splat, SPZ  ->  dequantized: the same floats to the bit?  ->  Scene with a source

Guessing is safe: a guess counts only if the format's own dequantizer reproduces every bit of the scene from it.
PLYs of SOG and compressed PLY are not recognised: their codebooks and chunk bounds are not in the floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import FormatError
from splatzip.formats import splat, spz_quantize
from splatzip.kernels.dequantize import dequantize
from splatzip.scene import QuantizedSource, Scene

SAMPLE_ROWS = 4096


def with_source(scene: Scene) -> Scene:
    """The scene with the codes that it was exported from, or as it is.

    A scene of trained floats costs a look at the colours of a few thousand splats.
    """
    if scene.source is not None or scene.origin.any():
        return scene
    sample = scene if len(scene) <= SAMPLE_ROWS else scene.take(np.linspace(0, len(scene) - 1, SAMPLE_ROWS, dtype=int))
    colors = np.sort(sample.sh[:, 0], axis=None)
    if np.count_nonzero(np.diff(colors)) >= 256:  # all these formats keep colours as bytes
        return scene
    for guess in (_splat, _spz_smallest_three, _spz_first_three):
        if _reproduced(sample, guess) is not None and (source := _reproduced(scene, guess)) is not None:
            return replace(scene, source=source)
    return scene


def _reproduced(scene: Scene, guess: Callable[[Scene], QuantizedSource]) -> QuantizedSource | None:
    """The guess, if it dequantizes to the very bits of the scene."""
    try:
        with np.errstate(all="ignore"):  # floats that overflow are not this format's, as the comparison will say
            source = guess(scene)
        floats = dequantize(source.format, source.version, source.codes, source.tables, source.header)
    except FormatError:  # the floats are beyond what the format holds
        return None
    same = all(_equal_bits(floats[name], array) for name, array in scene.arrays().items())
    return source if same else None


def _equal_bits(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> bool:
    return ours.shape == theirs.shape and np.array_equal(ours.view(np.uint32), theirs.view(np.uint32))


def _splat(scene: Scene) -> QuantizedSource:
    if scene.sh_degree:
        raise FormatError(".splat has no SH above degree 0")
    codes = splat.quantize(scene)[0]
    # A writer starts from a quaternion of length 1; exported bytes are still their own multiples of 1/128.
    codes["rotations"] = np.rint(128 + 128 * scene.rotations.astype(np.float64)).clip(0, 255).astype(np.uint8)
    return QuantizedSource(splat.FORMAT, splat.VERSION, codes)


def _spz_smallest_three(scene: Scene) -> QuantizedSource:
    """Versions 3 and 4. Which component was left out shows only in the last bit where two are nearly as long."""
    source = _spz(scene, 4)
    rotations = source.codes["rotations"]
    for codes in _smallest_three(_right_up_back(scene)):
        trial = {**source.codes, "rotations": codes}
        floats = dequantize("spz", 4, trial, source.tables, source.header)["rotations"]
        same = (floats.view(np.uint32) == scene.rotations.view(np.uint32)).all(1)
        rotations[same] = codes[same]
    return source


def _spz_first_three(scene: Scene) -> QuantizedSource:
    """Version 2: x, y and z as bytes, w from the length."""
    source = _spz(scene, 2)
    bytes_ = np.rint(127.5 * (_right_up_back(scene)[:, :3] + 1)).clip(0, 255).astype(np.uint8)
    return replace(source, codes={**source.codes, "rotations": bytes_})


def _spz(scene: Scene, version: int) -> QuantizedSource:
    """What both kinds share: quantizing at the format's own steps is exact for floats that came from them."""
    bits = _fractional_bits(scene.positions)
    codes, bits, _ = spz_quantize.quantize(scene, sh1_bits=8, sh_rest_bits=8, fractional_bits=bits)
    header = {"sh_degree": scene.sh_degree, "fractional_bits": bits, "flags": int(scene.meta.antialiased)}
    return QuantizedSource("spz", version, codes, {}, header)


def _fractional_bits(positions: NDArray[np.float32]) -> int:
    """The fewest that hold every position, as far as SPZ goes."""
    most = spz_quantize.MOST_FRACTIONAL_BITS
    steps = np.rint(positions.astype(np.float64) * 2.0**most).clip(-(2.0**62), 2.0**62).astype(np.int64)
    used = int(np.bitwise_or.reduce(steps, axis=None))
    unused = (used & -used).bit_length() - 1 if used else most  # zero bits at the end of all of them
    return max(most - unused, 0)


def _right_up_back(scene: Scene) -> NDArray[np.float64]:
    """(N, 4) quaternions as SPZ has them, xyzw."""
    return scene.rotations[:, [1, 2, 3, 0]].astype(np.float64) * (1, -1, -1, 1)


def _smallest_three(xyzw: NDArray[np.float64]) -> Iterator[NDArray[np.uint32]]:
    """(N, 1) codes with x, y, z or w left out."""
    magnitudes = np.rint(511 * np.sqrt(2) * np.abs(xyzw)).clip(0, 511).astype(np.uint32)
    fields = magnitudes | np.signbit(xyzw).astype(np.uint32) << 9
    for left_out in range(4):
        a, b, c = (fields[:, i] for i in range(4) if i != left_out)
        yield (np.uint32(left_out) << 30 | a << 20 | b << 10 | c)[:, None]
