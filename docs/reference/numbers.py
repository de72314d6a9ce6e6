"""Section 1 of FORMAT.md: numbers, bits and the functions that have the same bits everywhere."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

F = np.float32
Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
REQUIRED_LIMIT = 128  # kinds and streams from here on are skipped when they are not known


class BadFile(ValueError):
    """The file breaks the format."""


def check(condition: Any, what: str) -> None:
    """Raise BadFile unless the condition holds."""
    if not condition:
        raise BadFile(what)


class Bytes:
    """1.1: numbers of a block, one after another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.next = data, 0

    def take(self, size: int) -> bytes:
        check(size <= len(self.data) - self.next, "a block ends too early")
        self.next += size
        return self.data[self.next - size : self.next]

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                check(value < 1 << 64, "a number is too large")
                return value
        raise BadFile("a number is too long")

    def signed(self) -> int:
        return unzigzag(self.varint())

    def int16(self) -> int:
        value = self.signed()
        check(-32768 <= value <= 32767, "a number has more than 16 bits")
        return value

    def fixed(self, layout: str) -> Any:
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def end(self) -> None:
        check(self.next == len(self.data), "bytes are left over")


def unzigzag(u: int) -> int:
    return u >> 1 if u % 2 == 0 else -((u + 1) >> 1)


def clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


class Bits:
    """1.1: bits of a block, least significant first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.next = data, 0

    def get(self, count: int) -> int:
        check(self.next + count <= 8 * len(self.data), "bits ran out")
        window = self.data[self.next >> 3 : (self.next + count + 7) >> 3]
        value = int.from_bytes(window, "little") >> (self.next & 7) & ((1 << count) - 1)
        self.next += count
        return value

    def exp_golomb(self, k: int) -> int:
        zeros = 0
        while self.get(1) == 0:
            zeros += 1
            check(zeros + k <= 30, "an exponential Golomb code is too long")
        high = (1 << zeros) + self.get(zeros)
        return ((high - 1) << k) + self.get(k)

    def end(self) -> None:
        left = 8 * len(self.data) - self.next
        check(left < 8 and self.get(left) == 0, "bits are left over")


LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")
INV_LN2 = float.fromhex("0x1.71547652b82fep+0")
EXP_TERMS = (479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0, 720.0, 120.0, 24.0, 6.0)


def power_of_two(e: int) -> float:
    """2^e, float64."""
    bits: float = struct.unpack("<d", (e + 1023 << 52).to_bytes(8, "little"))[0]
    return bits


def exact_exp(x: float) -> float:
    """1.2: e^x, the same everywhere; float64."""
    x = max(-700.0, min(x, 700.0))
    scaled = x * INV_LN2
    k = int(scaled + (-0.5 if scaled < 0.0 else 0.5))  # int() truncates
    r = (x - float(k) * LN2_HIGH) - float(k) * LN2_LOW
    p = 1.0 / 6227020800.0
    for factorial in EXP_TERMS:
        p = p * r + 1.0 / factorial
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * power_of_two(k)


def exact_log(x: float) -> float:
    """1.2: ln x, the same everywhere; float64."""
    if not x >= 2.0**-1022:
        return -745.0
    bits = int.from_bytes(struct.pack("<d", x), "little")
    e = (bits >> 52) - 1023
    m: float = struct.unpack("<d", (bits & (1 << 52) - 1 | 1023 << 52).to_bytes(8, "little"))[0]
    if m > 1.4142135623730951:
        m, e = m * 0.5, e + 1
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = 1.0 / 23.0
    for odd in (21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        p = p * z + 1.0 / odd
    tail = 2.0 * s * (z * p) + float(e) * LN2_LOW
    return float(e) * LN2_HIGH + (2.0 * s + tail)
