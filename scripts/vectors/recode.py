"""A second writer of streams and tables, in Python: what the format allows and the encoder never does.

It takes the planes that the reference decoder read and writes them anew with any lanes, tables, contexts and low bits.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import reference.stepped
import reference.streams
from reference.numbers import Integers
from reference.streams import ESCAPE, RANS_LOW, TOTAL, Stream


@dataclass
class Planes:
    """A stream as it was read: contexts and values (as unsigned) of each plane; the raw bits of one without planes."""

    planes: list[tuple[list[int], list[int]]] = field(default_factory=list)
    raw: bytes = b""


class _Recorder(Stream):
    """Remembers what passes through."""

    def __init__(self, lanes: int, words: bytes, raw: bytes, tables: reference.streams.TableSet) -> None:
        super().__init__(lanes, words, raw, tables)
        self.recorded = Planes(raw=raw)

    def plane(self, contexts: Integers, *, signed: bool) -> Integers:
        values = super().plane(contexts, signed=signed)
        unsigned = [2 * v if v >= 0 else -2 * v - 1 for v in values.tolist()] if signed else values.tolist()
        self.recorded.planes.append((contexts.tolist(), unsigned))
        return values


@contextmanager
def recording() -> Iterator[list[dict[int, Planes]]]:
    """The streams of every chunk that the reference decoder opens meanwhile, in its order."""
    chunks: list[dict[int, Planes]] = []
    opened = reference.streams.open_streams

    def open_streams(*arguments: Any) -> dict[int, Stream]:
        streams = opened(*arguments)
        chunks.append({number: stream.recorded for number, stream in streams.items() if isinstance(stream, _Recorder)})
        return streams

    with (
        mock.patch.object(reference.streams, "Stream", _Recorder),
        mock.patch.object(reference.stepped, "open_streams", open_streams),
    ):
        yield chunks


class BitWriter:
    """Bits, least significant first."""

    def __init__(self) -> None:
        self._value = self._filled = 0

    def put(self, value: int, count: int) -> None:
        self._value |= (value & ((1 << count) - 1)) << self._filled
        self._filled += count

    def golomb(self, value: int, k: int) -> None:
        high = (value >> k) + 1
        zeros = high.bit_length() - 1
        self.put(1 << zeros, zeros + 1)
        self.put(high, zeros)
        self.put(value, k)

    def bytes(self) -> bytes:
        return self._value.to_bytes((self._filled + 7) // 8, "little")


@dataclass(frozen=True)
class Style:
    """How streams are written.

    Attributes:
        lanes: 1, 4 or 32.
        contexts: of a table set; those that it lacks use its first table.
        tables: context c has table c modulo this.
        escapes: whether symbol 255 announces a larger value; without, low bits keep symbols small.
        low_bits: context c has c modulo this many more low bits than it needs.
    """

    lanes: int
    contexts: int
    tables: int
    escapes: bool
    low_bits: int


@dataclass
class Tables:
    """A table set to be."""

    style: Style
    low_bits: list[int]
    frequencies: list[list[int]]

    def low(self, context: int) -> int:
        return self.low_bits[context] if context < self.style.contexts else 0

    def frequency(self, context: int) -> list[int]:
        return self.frequencies[context % self.style.tables if context < self.style.contexts else 0]


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def tables_for(streams: Sequence[Planes], style: Style) -> Tables:
    """Tables that can code all of these streams."""
    low_bits = [c % style.low_bits for c in range(style.contexts)]
    if not style.escapes:
        largest = max((u for s in streams for _, values in s.planes for u in values), default=0)
        low_bits = [max(0, largest.bit_length() - 8)] * style.contexts
    tables = Tables(style, low_bits, [])
    counts = [Counter[int]() for _ in range(style.tables)]
    for stream in streams:
        for contexts, values in stream.planes:
            for c, u in zip(contexts, values, strict=True):
                table = c % style.tables if c < style.contexts else 0
                counts[table][min(u >> tables.low(c), ESCAPE)] += 1
    tables.frequencies = [_normalised(count) for count in counts]
    return tables


def _normalised(count: Counter[int]) -> list[int]:
    frequency = [0] * 256
    total = count.total()
    if not total:  # a table that nothing uses
        frequency[ESCAPE] = TOTAL
        return frequency
    for symbol, n in count.items():
        frequency[symbol] = max(1, n * TOTAL // total)
    frequency[frequency.index(max(frequency))] += TOTAL - sum(frequency)
    return frequency


def table_set(stream: int, tables: Tables) -> bytes:
    """FORMAT.md 4.2."""
    style, bits = tables.style, BitWriter()
    any_low = any(tables.low_bits)
    bits.put(any_low, 1)
    for c in range(style.contexts):
        bits.put(c % style.tables, (style.tables - 1).bit_length())
        if any_low:
            bits.put(tables.low_bits[c], 5)
    for frequency in tables.frequencies:
        last = max(s for s in range(256) if frequency[s])
        bits.put(last, 8)
        left = TOTAL
        for s in range(last):
            expected = 512 if s == 0 else frequency[0] if s == 1 else (frequency[s - 1] + frequency[s - 2] + 1) >> 1
            expected = min(expected, left)
            error = frequency[s] - expected
            bits.golomb(2 * error if error >= 0 else -2 * error - 1, max(0, expected.bit_length() - 2))
            left -= frequency[s]
    packed = bits.bytes()
    flags = style.tables - 1 | (16 if style.escapes else 0)
    return bytes([stream, style.contexts - 1, flags]) + varint(len(packed)) + packed


def coded(stream: Planes, tables: Tables) -> tuple[bytes, bytes]:
    """Words and raw bits of a stream: FORMAT.md 4.3."""
    if not stream.planes:
        return b"", stream.raw
    style, raw = tables.style, BitWriter()
    for contexts, values in stream.planes:
        for c, u in zip(contexts, values, strict=True):
            high = u >> tables.low(c)
            if style.escapes and high >= ESCAPE:
                raw.golomb(high - ESCAPE, 0)
            raw.put(u, tables.low(c))
    states, words = [RANS_LOW] * style.lanes, list[int]()
    for contexts, values in reversed(stream.planes):
        for i in reversed(range(len(values))):
            frequency = tables.frequency(contexts[i])
            symbol = min(values[i] >> tables.low(contexts[i]), ESCAPE)
            f, start = frequency[symbol], sum(frequency[:symbol])
            x = states[i % style.lanes]
            if x >= f << 20:
                words.append(x & 0xFFFF)
                x >>= 16
            states[i % style.lanes] = (x // f) * TOTAL + x % f + start
    if not words and all(state == RANS_LOW for state in states):
        return b"", raw.bytes()  # nothing but first states: they may be left out
    return struct.pack(f"<{style.lanes}I{len(words)}H", *states, *reversed(words)), raw.bytes()


def chunk(head: bytes, streams: Sequence[tuple[int, int, int, bytes, bytes]]) -> bytes:
    """A chunk: its head (a frame or nothing), then (id, table set, lanes, words, raw bits) of streams."""
    out = bytearray(head)
    out += bytes([len(streams) | 128, 0])  # a number need not be the shortest
    for stream, table_set_id, lanes, words, raw in streams:
        code = {1: 0, 4: 1, 32: 2}[lanes]
        out += bytes([stream]) + varint(table_set_id << 2 | code) + varint(len(words)) + varint(len(raw))
    for *_, words, raw in streams:
        out += words + raw
    return bytes(out)
