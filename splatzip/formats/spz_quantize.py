"""Scene floats become SPZ codes, in the reference writer's float32 arithmetic and its order.

Unlike the reference, positions never wrap around. The reference always writes 12 fractional bits; here a scene that
leaves +-2048 gets fewer, and one that stays within +-1 more, so that the largest coordinate keeps 12 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import FormatError
from splatzip.kernels import exact_exp
from splatzip.scene import Scene
from splatzip.scene.sh import SH_FLIP_YZ

FRACTIONAL_BITS = 12  # the reference writer's
MOST_FRACTIONAL_BITS = 30
POSITION_LIMIT = (1 << 23) - 1
BLOCK = 1 << 12  # rows of SH at a time, so that what is in between stays in the cache
SQRT_HALF = np.float32(0.70710678118654752440)
COLOR_SCALE = np.float32(0.15)
# Signs from right-down-front to SPZ's right-up-back. The reference flips the last coefficient, which is even, with y.
FLIP = np.array([1, -1, -1], np.float32)
SH_FLIP = np.append(SH_FLIP_YZ[:-1], np.float32(-1))

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


def quantize(
    scene: Scene, *, version: int = 4, sh1_bits: int, sh_rest_bits: int, fractional_bits: int | None = None
) -> tuple[dict[str, NDArray[Any]], int, list[str]]:
    """Codes right-up-back.

    Args:
        version: 2 to 4; 3 and 4 have the same.
        sh1_bits, sh_rest_bits: 1 to 8 bits kept of the SH of degree 1 and above; 8 is the format's own step, 1/128.
        fractional_bits: None chooses.
    Returns: the codes, the fractional bits, and what was lost beyond rounding, one line each.
    Raises: FormatError, naming the row, if a position fits no choice of fractional bits.
    """
    positions, fractional_bits, lost = _positions(scene, fractional_bits)
    with np.errstate(over="ignore"):  # what becomes Inf is clipped like all that is outside
        scales = (scene.log_scales + np.float32(10)) * np.float32(16)
        colors = scene.sh[:, 0] * (COLOR_SCALE * np.float32(255)) + np.float32(0.5) * np.float32(255)
    sh = _harmonics(scene.sh[:, 1:], sh1_bits, sh_rest_bits)
    lost += _clipped("log_scales", "-10 to 5.9375", scene.log_scales, -10.03125, 5.96875)
    lost += _clipped("sh of degree 0", "-3.33 to 3.33", scene.sh[:, 0], -3.35, 3.35)
    lost += _clipped("sh above degree 0", "-1 to 0.992", scene.sh[:, 1:], -1 - 1 / 32, 1 + 1 / 32)
    codes: dict[str, NDArray[Any]] = {
        "positions": positions,
        "alphas": _byte(_sigmoid(scene.opacity_logits) * np.float32(255))[:, None],
        "colors": _byte(colors),
        "scales": _byte(scales),
        "rotations": smallest_three(scene.rotations)[:, None] if version >= 3 else first_three(scene.rotations),
        "sh": sh,
    }
    return codes, fractional_bits, lost


def first_three(rotations: Floats) -> Bytes:
    """(N, 3) codes of the quaternions (N, 4) wxyz, right-down-front: x, y and z where w is not negative."""
    q = _right_up_back(rotations)
    return _byte(q[:, :3] * np.where(q[:, 3:] < 0, np.float32(-127.5), np.float32(127.5)) + np.float32(127.5))


def smallest_three(rotations: Floats) -> NDArray[np.uint32]:
    """(N,) codes of the quaternions (N, 4) wxyz, right-down-front."""
    q = _right_up_back(rotations)
    largest = np.abs(q).argmax(1)
    negate = np.take_along_axis(q, largest[:, None], 1) < 0
    magnitude = (np.float32(511) * (np.abs(q) / SQRT_HALF) + np.float32(0.5)).astype(np.uint32)
    fields = np.minimum(magnitude, 511) | ((q < 0) ^ negate).astype(np.uint32) << 9
    code: NDArray[np.uint32] = largest.astype(np.uint32)
    for i in range(4):
        code = np.where(largest == i, code, code << 10 | fields[:, i])
    return code


def _right_up_back(rotations: Floats) -> Floats:
    """(N, 4) quaternions xyzw of length 1, of some wxyz, right-down-front."""
    q = rotations[:, [1, 2, 3, 0]]
    # A power of two changes no bit of the quotient below and keeps the squares from over- and underflowing.
    q = np.ldexp(q, -np.frexp(np.abs(q).max(1, keepdims=True))[1])
    norm = np.sqrt(q[:, 0] * q[:, 0] + q[:, 1] * q[:, 1] + q[:, 2] * q[:, 2] + q[:, 3] * q[:, 3])
    unit: Floats = q / norm[:, None]
    unit[:, 1:3] *= FLIP[1:]
    return unit


def _positions(scene: Scene, bits: int | None) -> tuple[NDArray[np.uint32], int, list[str]]:
    exact = scene.positions.astype(np.float64) + scene.origin
    reach = float(np.abs(exact).max())
    if bits is None:
        bits = FRACTIONAL_BITS
        while bits < MOST_FRACTIONAL_BITS and 0 < reach * 2.0**bits < 2.0**FRACTIONAL_BITS:
            bits += 1
        while bits and reach * 2.0**bits > POSITION_LIMIT:
            bits -= 1
    fixed = _half_away(exact * FLIP * 2.0**bits)
    outside = (np.abs(fixed) > POSITION_LIMIT).any(1)
    if outside.any():
        row = int(outside.argmax())
        raise FormatError(
            f"row {row}: position {exact[row].tolist()} is beyond +-{POSITION_LIMIT / 2.0**bits:g}, all that SPZ "
            "holds; translate or scale the scene first"
        )
    lost = []
    if bits < FRACTIONAL_BITS:
        lost.append(f"positions: rounded to steps of {2.0**-bits:g}, not 1/4096, as the scene reaches +-{reach:g}")
    return (fixed.astype(np.int32) + (1 << 23)).astype(np.uint32), bits, lost


def _harmonics(rest: Floats, sh1_bits: int, sh_rest_bits: int) -> Bytes:
    for bits in (sh1_bits, sh_rest_bits):
        if not 1 <= bits <= 8:
            raise FormatError(f"{bits} bits for SH: SPZ keeps 1 to 8")
    n, count, _ = rest.shape
    bucket = np.where(np.arange(count) < 3, 1 << (8 - sh1_bits), 1 << (8 - sh_rest_bits)).astype(np.int16)[:, None]
    factor = SH_FLIP[:count, None] * np.float32(128)
    codes = np.empty((n, count, 3), np.uint8)
    for start in range(0, n, BLOCK):
        rows = slice(start, start + BLOCK)
        # Limits far outside a byte: they only keep the conversion to integers defined.
        value = _half_away(np.clip(rest[rows], -32, 32) * factor).astype(np.int16) + np.int16(128)
        codes[rows] = np.clip((value + bucket // 2) & -bucket, 0, 255)
    return codes.reshape(n, 3 * count)


def _sigmoid(logits: Floats) -> Floats:
    return (1.0 / (1.0 + exact_exp(-logits.astype(np.float64)))).astype(np.float32)


def _half_away(x: NDArray[Any]) -> NDArray[np.float64]:
    """Round to nearest, halves away from zero, as C's round; exact for float32 values as float64."""
    x = x.astype(np.float64)
    rounded: NDArray[np.float64] = np.trunc(x + np.copysign(0.5, x))
    return rounded


def _byte(x: Floats) -> Bytes:
    codes: Bytes = np.clip(_half_away(x), 0, 255).astype(np.uint8)
    return codes


def _clipped(name: str, limits: str, values: Floats, low: float, high: float) -> list[str]:
    rows = ((values < low) | (values > high)).reshape(len(values), -1).any(1) if values.size else np.zeros(1, bool)
    return [f"{name}: {int(rows.sum())} splats lie outside {limits} and were clipped"] if rows.any() else []
