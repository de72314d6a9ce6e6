"""Vectors of codebooks (FORMAT.md 5.6) and bad files of theirs, with a second writer of CODEBOOKS chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import reference_decoder
from numpy.typing import NDArray
from reference.codebooks import ENTRY, LEVELS
from reference.prediction import SIZE_TERMS
from reference.stepped import SH_INDEX

from splatzip.container import Booked, Kind
from splatzip.quantize import residual_vq, sub_vector_vq, vec_tree
from splatzip.quantize.stepped import Options
from vectors.damage import Bad, with_shared
from vectors.recode import Planes, Style, coded, recording, table_set, tables_for, varint
from vectors.stepped import encoded
from vectors.taken_apart import Parts, put_together, taken_apart
from vectors.vector import Vector, leica

CORRUPT, NO_SENSE = "CorruptError", "chunk (6, 0): its numbers make no sense"
STYLE = Style(lanes=4, contexts=16, tables=3, escapes=True, low_bits=2)
GEOMETRY = ("3.1", "5.6", "6.1", "6.4", "6.5")
SECTIONS = ("3.1", "4", "5.4", "5.6", "6.8")

Book = tuple[int, NDArray[np.int64]]  # first number of its span; (entries, numbers)


def residual() -> bytes:
    return encoded(leica(120, 2), Options(0.0, sh_books=residual_vq.Options(stages=3, entries=16)))


def sub_vector() -> bytes:
    return encoded(leica(310, 1), Options(1.0, sh_books=sub_vector_vq.Options(parts=2, entries=300, price=0.0)))


def residual_geometry() -> bytes:
    books = residual_vq.Options(stages=6, entries=16)
    return encoded(leica(200, 0), Options(-1.0, scale_books=books, rotation_books=books))


def sub_vector_geometry() -> bytes:
    scale, rotation = sub_vector_vq.Options(parts=3, entries=32), sub_vector_vq.Options(parts=2, entries=64)
    return encoded(leica(200, 0), Options(-1.0, scale_books=scale, rotation_books=rotation))


def half() -> bytes:
    return encoded(leica(120, 1), Options(0.0, sh_books=vec_tree.Options(share=0.5, entries=24)))


def two() -> bytes:
    """40 splats of SH degree 1, two books of at most 12 entries."""
    return encoded(leica(40, 1), Options(sh_books=sub_vector_vq.Options(parts=2, entries=12, price=0.0)))


def head(books: Sequence[tuple[int, int, int]]) -> bytes:
    """First step (-40, zigzag), and first, numbers and entries of books, their weights all 0."""
    return (
        varint(2 * 40 - 1)
        + varint(len(books))
        + b"".join(b"".join(map(varint, book)) + bytes(SIZE_TERMS) for book in books)
    )


def entries(books: Sequence[Book]) -> bytes:
    """Tables and stream of the entries."""
    planes = Planes()
    for _, values in books:
        for d in range(values.shape[1]):
            near = np.abs(values[:, max(0, d - 3) : d]).sum(axis=1).tolist()
            contexts = [1 + int(v).bit_length() if d else 0 for v in near]
            planes.planes.append((contexts, [2 * v if v >= 0 else -2 * v - 1 for v in values[:, d].tolist()]))
    tables = tables_for([planes], STYLE)
    words, raw = coded(planes, tables)
    return (
        table_set(ENTRY, tables) + varint(1) + bytes([ENTRY, 1]) + varint(len(words)) + varint(len(raw)) + words + raw
    )


def chunk_of(books: Sequence[Book]) -> bytes:
    return head([(first, values.shape[1], len(values)) for first, values in books]) + entries(books)


def odd_books() -> list[Book]:
    """Spans that overlap, the largest numbers, more entries than are used."""
    values = np.arange(-40, 40).reshape(20, 4)
    values[3] = 4095, -4095, 4095, 0
    return [(5, values), (0, np.arange(27).reshape(27, 1) - 13), (2, np.zeros((12, 7), np.int64))]


def with_books(books: Sequence[Book], change: Callable[[list[int]], list[int]] = list) -> bytes:
    """The file `two` with other books, its indices those of `two` again and again, the last of each plane changed."""
    data = two()
    with recording() as opened:
        reference_decoder.decode(data)
    old = opened[1][SH_INDEX].planes
    planes = Planes([([LEVELS * b] * 40, change(old[b % 2][1])) for b in range(len(books))])
    made = tables_for([planes], Style(lanes=1, contexts=64, tables=3, escapes=True, low_bits=1))
    words, raw = coded(planes, made)

    parts = taken_apart(data)
    parts.replace_shared(Kind.CODEBOOKS, Booked.SH, chunk_of(books))
    parts.shared.append((Kind.TABLES, 9, varint(1) + table_set(SH_INDEX, made)))
    body = bytes([SH_INDEX]) + varint(9 << 2) + varint(len(words)) + varint(len(raw)) + words + raw
    parts.runs[1].payloads[0] = varint(1) + body
    return put_together(parts)


BOOKS = (
    Vector("residual_vq_sh", "SH from three stages of codebooks.", SECTIONS, residual),
    Vector("sub_vector_vq_sh", "SH from two codebooks, of more than 256 entries.", SECTIONS, sub_vector),
    Vector("vec_tree", "SH of half of the splats from a codebook, of the others number by number.", SECTIONS, half),
    Vector("residual_vq_geometry", "Scales and rotations from six stages.", GEOMETRY, residual_geometry),
    Vector("sub_vector_vq_geometry", "Scales and rotations from parts.", GEOMETRY, sub_vector_geometry),
    Vector(
        "codebooks_odd",
        "Codebooks that the encoder never writes: spans that overlap, numbers of 4095, entries that nothing uses.",
        SECTIONS,
        lambda: with_books(odd_books()),
    ),
)


def other_chunk(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """The file `two` with another CODEBOOKS chunk."""

    def make() -> bytes:
        parts = taken_apart(two())
        parts.replace_shared(Kind.CODEBOOKS, Booked.SH, change(parts.payload(Kind.CODEBOOKS, Booked.SH)))
        return put_together(parts)

    return make


def other_head(*books: tuple[int, int, int]) -> Callable[[], bytes]:
    return other_chunk(lambda _: head(books) + entries(odd_books()))


def split_scales() -> bytes:
    """Scales of which some are to be numbers."""
    parts = taken_apart(encoded(leica(40, 0), Options(scale_books=residual_vq.Options(1, 4))))
    good = parts.payload(Kind.CODEBOOKS, Booked.SCALE)
    parts.replace_shared(Kind.CODEBOOKS, Booked.SCALE, b"\0" + good[1:])
    return put_together(parts)


def without_books() -> bytes:
    def change(parts: Parts) -> bytes:
        parts.shared = [entry for entry in parts.shared if entry[0] != Kind.CODEBOOKS]
        return put_together(parts)

    return change(taken_apart(two()))


def too_large() -> bytes:
    first, values = odd_books()[0]
    values[7, 2] = 4096
    return with_books([(first, values), *odd_books()[1:]])


def two_streams() -> Callable[[], bytes]:
    return other_chunk(lambda _: chunk_of(odd_books()).replace(bytes([1, ENTRY, 1]), bytes([2, ENTRY, 1]), 1))


BAD_BOOKS = (
    Bad("books_step", "Codebooks from step 41 on.", CORRUPT, NO_SENSE, other_chunk(lambda data: varint(82) + data[1:])),
    Bad("books_split", "Scales partly from codebooks.", CORRUPT, "chunk (6, 1): its numbers", split_scales),
    Bad("books_none", "No codebook.", CORRUPT, NO_SENSE, other_head()),
    Bad("books_many", "Nine codebooks.", CORRUPT, NO_SENSE, other_head(*[(0, 1, 1)] * 9)),
    Bad("books_no_entry", "A codebook without entries.", CORRUPT, NO_SENSE, other_head((0, 9, 0))),
    Bad("books_entries", "A codebook of 65,537 entries.", CORRUPT, NO_SENSE, other_head((0, 1, 65537))),
    Bad("books_no_span", "A codebook of no numbers.", CORRUPT, NO_SENSE, other_head((0, 0, 9))),
    Bad("books_span", "A codebook that reaches beyond the row.", CORRUPT, NO_SENSE, other_head((5, 5, 9))),
    Bad(
        "books_size", "Entries that the chunk's bytes cannot account for.", CORRUPT, NO_SENSE, other_head((0, 9, 9999))
    ),
    Bad("books_number", "A number of 4096.", CORRUPT, NO_SENSE, too_large),
    Bad("books_short", "Codebooks that end too early.", CORRUPT, NO_SENSE, other_chunk(lambda data: data[:-1])),
    Bad("books_trailing", "A byte behind the codebooks.", CORRUPT, NO_SENSE, other_chunk(lambda data: data + b"\0")),
    Bad("books_streams", "Codebooks of two streams.", CORRUPT, NO_SENSE, two_streams()),
    Bad("books_missing", "Indices without codebooks.", CORRUPT, "a codebook of its sh", without_books),
    Bad(
        "books_unasked",
        "Codebooks that the parameters do not speak of.",
        CORRUPT,
        "chunk (6, 1): its numbers make no sense",
        with_shared(Kind.CODEBOOKS, Booked.SCALE, chunk_of([(0, np.zeros((1, 3), np.int64))])),
    ),
    Bad(
        "books_index",
        "An entry that a codebook does not have.",
        CORRUPT,
        "tile 0 tier 0 layer 1",
        lambda: with_books(odd_books(), lambda values: [*values[:-1], 12]),
    ),
)
