"""Golden bad files: parameters, tables, streams and what they hold."""

from __future__ import annotations

import struct

from vectors.damage import (
    Bad,
    field,
    first_set,
    frame,
    frame_twice,
    larger_first_set,
    number_of_steps,
    payload,
    splats_of_chunk,
    steps,
    streams,
    table_bits,
    tables,
    values,
)
from vectors.recode import varint

CORRUPT = "CorruptError"
NO_SENSE = "its numbers make no sense"
CODES = "tile 0 tier 0 layer 0 at byte"  # what the native decoder refuses it names by its chunk
NAN, INFINITE = struct.pack("<f", float("nan")), struct.pack("<f", float("inf"))

CODED = (
    Bad("steps_empty", "No byte of parameters.", CORRUPT, "chunk (2, 0)", steps(lambda data: b"")),
    Bad("steps_short", "Parameters that end too early.", CORRUPT, NO_SENSE, steps(lambda data: data[:-1])),
    Bad("steps_trailing", "A byte behind the parameters.", CORRUPT, NO_SENSE, steps(lambda data: data + b"\0")),
    Bad(
        "steps_reference", "A scale reference of 2^200.", CORRUPT, NO_SENSE, number_of_steps(2, varint(2 * (200 << 16)))
    ),
    Bad("steps_flags", "A flag of the parameters that does not exist.", CORRUPT, NO_SENSE, number_of_steps(1, b"\x10")),
    Bad("steps_levels", "No levels of opacity.", CORRUPT, NO_SENSE, number_of_steps(3, b"\0")),
    Bad("steps_many_levels", "65,536 levels of opacity.", CORRUPT, NO_SENSE, number_of_steps(3, varint(65536))),
    Bad("steps_power", "An opacity power of 15 / 256.", CORRUPT, NO_SENSE, number_of_steps(4, b"\x0f")),
    Bad("steps_softness", "A softness of 0.", CORRUPT, NO_SENSE, number_of_steps(5, bytes(4))),
    Bad("steps_softness_nan", "A softness of NaN.", CORRUPT, NO_SENSE, number_of_steps(5, NAN)),
    Bad("steps_base", "A step of infinite size.", CORRUPT, NO_SENSE, number_of_steps(7, INFINITE)),
    Bad("steps_most", "A step that may grow by 41 half octaves.", CORRUPT, NO_SENSE, number_of_steps(8, varint(82))),
    Bad("steps_weight", "A feature weighed 4,097 times.", CORRUPT, NO_SENSE, number_of_steps(9, varint(2 * 4097))),
    Bad("steps_predict", "A scale -4,097 times alpha.", CORRUPT, NO_SENSE, number_of_steps(15, varint(2 * 4097 - 1))),
    Bad(
        "tables_short",
        "A TABLES chunk that ends too early.",
        CORRUPT,
        "chunk (1, 0): its numbers make no sense",
        tables(b"\1\1"),
    ),
    Bad("tables_contexts", "65 contexts.", CORRUPT, "chunk (1, 0)", first_set(1, 64)),
    Bad("tables_flags", "A flag that does not exist.", CORRUPT, "chunk (1, 0)", first_set(2, 32)),
    Bad("tables_size", "A set of 2^32 bytes more.", CORRUPT, "chunk (1, 0)", larger_first_set(1 << 32)),
    Bad("tables_map", "A context without a table.", CORRUPT, "chunk (1, 0)", table_bits((0, 1), (3, 2), tables=3)),
    Bad("tables_low_bits", "25 low bits.", CORRUPT, "chunk (1, 0)", table_bits((1, 1), (25, 5))),
    Bad(
        "tables_frequency",
        "A frequency above what is left.",
        CORRUPT,
        "chunk (1, 0)",
        table_bits((0, 1), (1, 8), (8000, -8)),
    ),
    Bad("tables_negative", "A frequency below zero.", CORRUPT, "chunk (1, 0)", table_bits((0, 1), (1, 8), (1025, -8))),
    Bad(
        "tables_last",
        "A last symbol without a frequency.",
        CORRUPT,
        "chunk (1, 0)",
        table_bits((0, 1), (1, 8), (7168, -8)),
    ),
    Bad(
        "tables_escape",
        "A frequency of more bits than there can be.",
        CORRUPT,
        "chunk (1, 0)",
        table_bits((0, 1), (1, 8), (0, 40), (255, 8)),
    ),
    Bad(
        "tables_padding",
        "Padding of a table set that is not zero.",
        CORRUPT,
        "chunk (1, 0)",
        table_bits((0, 1), (0, 8), (1, 1)),
    ),
    Bad("frame_flag", "A frame flag of 2.", CORRUPT, CODES, payload(lambda data: b"\2" + data[1:])),
    Bad("frame_missing", "A first tier without a frame.", CORRUPT, CODES, payload(lambda data: b"\0" + data[1:])),
    Bad("frame_twice", "A second tier with a frame.", CORRUPT, "tile 0 tier 1 layer 0", frame_twice),
    Bad("frame_origin", "An origin of 2^52.", CORRUPT, CODES, frame(0, varint(1 << 53))),
    Bad("frame_mantissa", "A mantissa of 0.", CORRUPT, CODES, frame(3, b"\0")),
    Bad("frame_exponent", "An exponent of 301.", CORRUPT, CODES, frame(4, varint(602))),
    Bad("frame_octree", "22 levels of the octree.", CORRUPT, CODES, frame(5, varint(44))),
    Bad("frame_low_levels", "23 levels below it.", CORRUPT, CODES, frame(6, varint(46))),
    Bad(
        "frame_infinite", "Positions beyond float32.", CORRUPT, "the decoded values are no scene", frame(4, varint(600))
    ),
    Bad("streams_count", "65 streams.", CORRUPT, CODES, streams(lambda s: s.rows.extend([[200, 0, b"", b""]] * 58))),
    Bad(
        "streams_unknown",
        "A stream 50, required and unknown.",
        CORRUPT,
        CODES,
        streams(lambda s: s.rows.append([50, 0, b"", b""])),
    ),
    Bad("streams_twice", "A stream that is there twice.", CORRUPT, CODES, streams(lambda s: s.rows.append(s.rows[0]))),
    Bad("streams_missing", "A stream that is not there.", CORRUPT, CODES, streams(lambda s: s.rows.pop())),
    Bad("streams_trailing", "A byte behind the streams.", CORRUPT, CODES, payload(lambda data: data + b"\0")),
    Bad("streams_short", "A last stream of a byte less than it says.", CORRUPT, CODES, payload(lambda data: data[:-1])),
    Bad("stream_lanes", "Lanes that do not exist.", CORRUPT, CODES, field(0, 1, lambda code: code | 3)),
    Bad("stream_tables", "Tables that do not exist.", CORRUPT, CODES, field(0, 1, lambda code: 5 << 2)),
    Bad(
        "stream_tables_of_others",
        "Tables that have no set for the stream.",
        CORRUPT,
        CODES,
        field(0, 1, lambda code: 1 << 2),
    ),
    Bad("stream_odd", "Half a word.", CORRUPT, CODES, field(0, 2, lambda words: words + b"\0")),
    Bad("stream_few_words", "Words that do not fill the states.", CORRUPT, CODES, field(0, 2, lambda words: words[:2])),
    Bad("stream_state", "A state below 2^16.", CORRUPT, CODES, field(0, 2, lambda words: b"\0\0\0\0" + words[4:])),
    Bad("stream_words_left", "A word too many.", CORRUPT, CODES, field(0, 2, lambda words: words + b"\0\0")),
    Bad("stream_words_lacking", "A word too few.", CORRUPT, CODES, field(3, 2, lambda words: words[:-2])),
    Bad(
        "stream_end",
        "A lane that does not come back to its first state.",
        CORRUPT,
        CODES,
        field(2, 2, lambda words: words[:-1] + bytes([words[-1] ^ 1])),
    ),
    Bad("stream_raw_left", "A byte of raw bits too many.", CORRUPT, CODES, field(5, 3, lambda raw: raw + b"\0")),
    Bad("stream_raw_padding", "Padding that is not zero.", CORRUPT, CODES, field(2, 3, lambda raw: raw + b"\1")),
    Bad("stream_raw_lacking", "A byte of raw bits too few.", CORRUPT, CODES, field(5, 3, lambda raw: raw[:-1])),
    Bad("value_escape", "An escape of 31 zeros.", CORRUPT, CODES, values(4, lambda old: [(1 << 31) + 254, *old[1:]])),
    Bad("value_too_large", "A value of 2^31.", CORRUPT, CODES, values(4, lambda old: [1 << 31, *old[1:]])),
    Bad("octree_empty", "A node without children.", CORRUPT, CODES, values(1, lambda old: [255])),
    Bad("octree_full", "More cells than splats.", CORRUPT, CODES, values(1, lambda old: [254] * len(old), plane=1)),
    Bad(
        "octree_counts",
        "A cell of more splats than there are.",
        CORRUPT,
        CODES,
        values(2, lambda old: [1000, *old[1:]]),
    ),
    Bad("octree_few", "A splat more than the cells hold.", CORRUPT, CODES, lambda: splats_of_chunk(0)),
    Bad(
        "sh_splats",
        "A layer 1 of another number of splats.",
        CORRUPT,
        "tile 0 tier 0 layer 1",
        lambda: splats_of_chunk(1),
    ),
)
