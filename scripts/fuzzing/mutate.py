"""Damage to bytes: flipped bits, cuts, spliced pieces, lying numbers, appended bytes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_LIES = (0, 1, 2, 3, 127, 128, 255, 256, 1000, 65535, 65536, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 40,
         (1 << 63) - 1, (1 << 64) - 1)  # fmt: skip
_TEXT_LIES = (b"0", b"-1", b"1", b"2", b"5", b"255", b"65536", b"1000000", b"4294967296", b"1e400", b"-1e-400", b"NaN",
              b"99999999999999999999", b"0.5", b"null", b'"x"', b"[]", b"{}")  # fmt: skip
_HEAD_BYTES = 160  # binary headers are shorter
_TEXT_BYTES = 4096
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
Mutation = Callable[[bytes, bytes, random.Random], bytes]


def mutated(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """One to three kinds of damage.

    Args:
        data: what to damage; not empty.
        other: another file of the format, to splice pieces from.
        rng: decides everything.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(MUTATIONS)(data, other, rng) or b"\0"
    return data


def flip(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Flip one to eight bits."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        out[_place(out, rng)] ^= 1 << rng.randrange(8)
    return bytes(out)


def overwrite(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Set a few bytes in a row to 0, 255 or noise."""
    out = bytearray(data)
    at = _place(out, rng)
    size = min(rng.choice((1, 2, 4, 16)), len(out) - at)
    out[at : at + size] = rng.choice((bytes(size), b"\xff" * size, rng.randbytes(size)))
    return bytes(out)


def truncate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Cut the end off."""
    return data[: _place(data, rng)]


def append(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Add bytes behind the end."""
    return data + rng.choice(
        (rng.randbytes(rng.randrange(1, 64)), bytes(32), other[: rng.randrange(1, len(other) + 1)])
    )


def splice(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Put a piece of another file (or of this one) over, or between, what is here."""
    source = rng.choice((data, other))
    start = rng.randrange(len(source))
    piece = source[start : start + rng.randrange(1, 256)]
    at = _place(data, rng)
    return data[:at] + piece + data[at + rng.choice((0, len(piece))) :]


def remove(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Take a piece out."""
    at = _place(data, rng)
    return data[:at] + data[at + rng.randrange(1, 256) :]


def lie(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Let a binary number of the header say something else."""
    size = rng.choice((1, 2, 4, 4, 4, 8))
    if len(data) < size:
        return data
    out = bytearray(data)
    at = rng.randrange(min(len(data), _HEAD_BYTES) - size + 1)
    value = int.from_bytes(out[at : at + size], "little")
    wrong = rng.choice((*_LIES, value + 1, value - 1, value * 2, value * 1000))
    out[at : at + size] = (wrong % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(out)


def lie_in_text(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Let a number of a text header say something else; a binary one is left to `lie`."""
    found = list(_NUMBER.finditer(data, 0, _TEXT_BYTES))
    if not found:
        return lie(data, other, rng)
    number = rng.choice(found)
    return data[: number.start()] + rng.choice(_TEXT_LIES) + data[number.end() :]


MUTATIONS: Sequence[Mutation] = (flip, flip, overwrite, truncate, append, splice, remove, lie, lie, lie_in_text)


def _place(data: bytes | bytearray, rng: random.Random) -> int:
    """Anywhere, but as often in the first bytes, where headers are."""
    return rng.randrange(min(len(data), rng.choice((_HEAD_BYTES, len(data)))))
