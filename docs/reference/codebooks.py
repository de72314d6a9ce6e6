"""Section 5.6 of FORMAT.md: rows of codes that are sums of codebooks' entries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from reference.numbers import Bytes, Integers, check
from reference.prediction import SIZE_TERMS, Sizes
from reference.streams import Stream, open_streams, read_table_set

ENTRY = 13
MOST_BOOKS, MOST_ENTRIES, MOST_ENTRY_VALUE = 8, 65536, 4095
MOST_NUMBERS, MOST_NUMBERS_PER_BYTE = 1 << 20, 64
BOOK_FRACTION = 4
LEVELS = 8
MOST_HALF_OCTAVES = 40


@dataclass
class Codebook:
    first: int
    values: Integers  # (entries, count)
    weights: list[int]  # of 5.4

    def sizes(self) -> Integers:
        """By entry."""
        lengths = [min(int(v).bit_length() // 2, LEVELS - 1) for v in np.abs(self.values).sum(axis=1)]
        return np.array(lengths, np.int64)


@dataclass
class Codebooks:
    from_step: int  # rows whose step is fewer half octaves above its base are coded number by number
    books: list[Codebook]


def read_codebooks(data: bytes, width: int, *, may_split: bool) -> Codebooks:
    """A CODEBOOKS chunk for rows of `width` codes."""
    block = Bytes(data)
    from_step = block.signed()
    check(abs(from_step) <= MOST_HALF_OCTAVES and (may_split or from_step == -MOST_HALF_OCTAVES), "a first step")
    count = block.varint()
    check(1 <= count <= MOST_BOOKS, "a number of codebooks")
    spans = []
    for _ in range(count):
        first, numbers, entries = (block.varint() for _ in range(3))
        check(numbers >= 1 and first + numbers <= width, "the span of a codebook")
        check(1 <= entries <= MOST_ENTRIES, "entries of a codebook")
        spans.append((first, numbers, entries, [block.int16() for _ in range(SIZE_TERMS)]))
    total = sum(numbers * entries for _, numbers, entries, _ in spans)
    check(total <= min(MOST_NUMBERS, MOST_NUMBERS_PER_BYTE * len(data)), "the codebooks are too large")
    number, tables = read_table_set(block)
    check(number == ENTRY, "tables of another stream")
    streams = open_streams(block, {0: {ENTRY: tables}}, ENTRY + 1)
    check(list(streams) == [ENTRY], "codebooks are one stream")
    books = [
        Codebook(first, read_entries(streams[ENTRY], numbers, entries), weights)
        for first, numbers, entries, weights in spans
    ]
    streams[ENTRY].end()
    return Codebooks(from_step, books)


def read_entries(stream: Stream, numbers: int, entries: int) -> Integers:
    """(entries, numbers)."""
    values = np.zeros((entries, numbers), np.int64)
    for d in range(numbers):
        near = np.abs(values[:, max(0, d - 3) : d]).sum(axis=1)
        contexts = np.array([1 + int(v).bit_length() if d else 0 for v in near], np.int64)
        values[:, d] = stream.plane(contexts, signed=True)
        check(bool((np.abs(values[:, d]) <= MOST_ENTRY_VALUE).all()), "a number of an entry is too large")
    return values


def code_index(stream: Stream, books: list[Codebook], b: int, levels: Integers) -> Integers:
    """The indices of book b; levels (n,) 0..LEVELS - 1."""
    index = stream.plane(LEVELS * b + levels, signed=False)
    check(bool((index < len(books[b].values)).all()), "an entry that the codebook does not have")
    return index


def sum_of_entries(books: list[Codebook], indices: list[Integers], width: int) -> Integers:
    """(n, width) codes, in 1/BOOK_FRACTION of a step."""
    codes = np.zeros((len(indices[0]), width), np.int64)
    for book, index in zip(books, indices, strict=True):
        codes[:, book.first : book.first + book.values.shape[1]] += book.values[index]
    return codes


def code_rows(stream: Stream, books: list[Codebook], levels: Integers, width: int) -> Integers:
    """Codes of an attribute whose books all have the same levels."""
    return sum_of_entries(books, [code_index(stream, books, b, levels) for b in range(len(books))], width)


def code_sized_rows(stream: Stream, books: list[Codebook], sizes: Sizes, width: int) -> Integers:
    """Codes of an attribute whose levels are foreseen sizes."""
    indices = []
    for b, book in enumerate(books):
        quarter = sizes.contexts(book.weights)
        foreseen = np.where(
            quarter < 32, 0, ((4 + quarter % 4) << np.minimum(np.maximum(quarter - 32, 0) >> 2, 3)) >> 2
        )
        indices.append(code_index(stream, books, b, np.minimum(foreseen, LEVELS - 1)))
        sizes.add(book.sizes()[indices[-1]])
    return sum_of_entries(books, indices, width)
