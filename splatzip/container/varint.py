"""Unsigned little-endian base-128 integers, the way every header of the container writes numbers."""

from __future__ import annotations

import struct

from splatzip.errors import CorruptError


def put(out: bytearray, value: int) -> None:
    """Append an unsigned integer."""
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


class Cursor:
    """Reads the fields of one checked block one after another.

    Args:
        data: the block.
        where: its name and file offset, for the message of an error.
    """

    def __init__(self, data: bytes | memoryview, where: str) -> None:
        self._data = memoryview(data)
        self._next = 0
        self._where = where

    def uint(self) -> int:
        """An unsigned integer below 2^64."""
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                if value >> 64:
                    raise self.corrupt("a number is too large")
                return value
            shift += 7
            if shift > 63:
                raise self.corrupt("a number is too long")

    def take(self, size: int) -> memoryview:
        """The next `size` bytes."""
        if size > len(self._data) - self._next:
            raise self.corrupt("it ends too early")
        self._next += size
        return self._data[self._next - size : self._next]

    def u32(self) -> int:
        """Four bytes, little-endian."""
        return int.from_bytes(self.take(4), "little")

    def f32(self) -> float:
        """A float32."""
        value: float = struct.unpack("<f", self.take(4))[0]
        return value

    def f64(self) -> float:
        """A float64."""
        value: float = struct.unpack("<d", self.take(8))[0]
        return value

    def end(self) -> None:
        """Everything must have been read."""
        if self._next != len(self._data):
            raise self.corrupt(f"{len(self._data) - self._next} bytes are left over")

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._next

    def corrupt(self, what: str) -> CorruptError:
        """The error for this block."""
        return CorruptError(f"{self._where}: {what}")
