"""Section 4 of FORMAT.md: streams of interleaved rANS and raw bits."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from reference.numbers import REQUIRED_LIMIT, Bits, Bytes, Integers, check, unzigzag

PROB_BITS = 12
TOTAL = 1 << PROB_BITS
RANS_LOW = 1 << 16
ESCAPE = 255
MAX_CONTEXTS = 64
LANES = {0: 1, 1: 4, 2: 32}


@dataclass
class Table:
    """4.2: one table: frequency and start of each symbol, and the symbol of each slot."""

    frequency: list[int]
    start: list[int]
    symbol: bytes


@dataclass
class TableSet:
    """4.2: the tables of one stream."""

    contexts: int
    escapes: bool
    table: list[Table]  # by context
    low_bits: list[int]  # by context


def read_tables(data: bytes) -> dict[int, TableSet]:
    """4.2: a TABLES chunk, sets by stream. The first set of a stream counts."""
    block, sets = Bytes(data), dict[int, TableSet]()
    for _ in range(block.varint()):
        stream, one = read_table_set(block)
        sets.setdefault(stream, one)
    block.end()
    return sets


def read_table_set(block: Bytes) -> tuple[int, TableSet]:
    stream, contexts, flags = block.byte(), block.byte() + 1, block.byte()
    bits = Bits(block.take(block.varint()))
    check(contexts <= MAX_CONTEXTS and flags < 32, "contexts or flags of a table set")
    count, escapes = (flags & 15) + 1, flags >= 16
    any_low = bits.get(1)
    numbers, low_bits = [], []
    for _ in range(contexts):
        numbers.append(bits.get((count - 1).bit_length()))
        low_bits.append(bits.get(5) if any_low else 0)
        check(numbers[-1] < count and low_bits[-1] <= 24, "a context without a table")
    tables = [read_table(bits) for _ in range(count)]
    bits.end()
    return stream, TableSet(contexts, escapes, [tables[t] for t in numbers], low_bits)


def read_table(bits: Bits) -> Table:
    last, left = bits.get(8), TOTAL
    frequency = [0] * 256
    for s in range(last):
        expected = 512 if s == 0 else frequency[0] if s == 1 else (frequency[s - 1] + frequency[s - 2] + 1) >> 1
        expected = min(expected, left)
        frequency[s] = expected + unzigzag(bits.exp_golomb(max(0, expected.bit_length() - 2)))
        check(0 <= frequency[s] <= left, "frequencies of a table")
        left -= frequency[s]
    check(left > 0, "the last symbol of a table has no frequency")
    frequency[last] = left
    start = [0, *itertools.accumulate(frequency)]
    return Table(frequency, start[:256], b"".join(bytes([s]) * f for s, f in enumerate(frequency)))


class Stream:
    """4.3: one stream of a chunk, plane after plane."""

    def __init__(self, lanes: int, words: bytes, raw: bytes, tables: TableSet) -> None:
        check(len(words) % 2 == 0 and (not words or len(words) >= 4 * lanes), "a stream's size is impossible")
        self.lanes, self.tables = lanes, tables
        self.states = list(struct.unpack(f"<{lanes}I", words[: 4 * lanes])) if words else [RANS_LOW] * lanes
        check(min(self.states) >= RANS_LOW, "a state is too small")
        self.words: Iterator[int] = iter(np.frombuffer(words[4 * lanes :], "<u2").tolist())
        self.bits = Bits(raw)

    def plane(self, contexts: Integers, *, signed: bool) -> Integers:
        """The next plane: one value for each context."""
        symbols = []
        for i, c in enumerate(contexts.tolist()):
            table = self.tables.table[c if c < self.tables.contexts else 0]
            state = self.states[i % self.lanes]
            slot = state % TOTAL
            symbol = table.symbol[slot]
            state = table.frequency[symbol] * (state >> PROB_BITS) + slot - table.start[symbol]
            if state < RANS_LOW:
                word = next(self.words, None)
                check(word is not None, "words ran out")
                state = state << 16 | (word or 0)
            self.states[i % self.lanes] = state
            symbols.append(symbol)
        for i, c in enumerate(contexts.tolist()):
            low = self.tables.low_bits[c] if c < self.tables.contexts else 0
            if symbols[i] == ESCAPE and self.tables.escapes:
                symbols[i] += self.bits.exp_golomb(0)
            if low:
                symbols[i] = symbols[i] << low | self.bits.get(low)
            check(symbols[i] < 1 << 31, "a value is too large")
        return np.array([unzigzag(u) for u in symbols] if signed else symbols, np.int64)

    def end(self) -> None:
        """4.3: what a stream must have come to after its last plane."""
        check(next(self.words, None) is None, "words are left over")
        check(all(state == RANS_LOW for state in self.states), "a lane does not end in its first state")
        self.bits.end()


def open_streams(block: Bytes, tables: dict[int, dict[int, TableSet]], limit: int) -> dict[int, Stream]:
    """4.1: heads of a chunk's streams, then the streams; `block` must end behind them."""
    heads = []
    count = block.varint()
    check(count <= 64, "too many streams")
    for _ in range(count):
        stream, code = block.byte(), block.varint()
        heads.append((stream, code >> 2, code & 3, block.varint(), block.varint()))
        check(code & 3 in LANES and code >> 2 < 256, "a stream's head")
    streams: dict[int, Stream] = {}
    for stream, table_set, lanes, word_bytes, raw_bytes in heads:
        words, raw = block.take(word_bytes), block.take(raw_bytes)
        if stream >= REQUIRED_LIMIT:
            continue
        check(stream < limit and stream not in streams, f"stream {stream} is not known, or there twice")
        check(stream in tables.get(table_set, {}), f"stream {stream} has no tables")
        streams[stream] = Stream(LANES[lanes], words, raw, tables[table_set][stream])
    block.end()
    return streams
