"""Ways to make a good file bad in one place, below right checksums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import reference_decoder
from reference.numbers import Bytes
from reference.stepped import read_frame

from splatzip.container import Kind
from splatzip.container.varint import Cursor
from splatzip.quantize.stepped import Options
from vectors.recode import BitWriter, Style, Tables, coded, recording, table_set, tables_for, varint
from vectors.stepped import encoded
from vectors.taken_apart import Parts, put_together, sealed_header, taken_apart
from vectors.vector import leica


@dataclass(frozen=True)
class Bad:
    """One file: what is wrong with it, the class of the error, a part of its message."""

    name: str
    wrong: str
    error: str
    says: str
    make: Callable[[], bytes]


def whole() -> bytes:
    """The good file: 40 splats of SH degree 1, two tiles, two tiers."""
    return encoded(leica(40, 1), Options(0.0, tile_splats=30, shared_tiles=True), np.arange(40, dtype=np.uint8) % 2)


# --- The container ----------------------------------------------------------------------------------------------------


def header(offset: int, value: bytes, *, sealed: bool = True) -> bytes:
    """The good file with some bytes of its header changed."""
    data = whole()
    data = data[:offset] + value + data[offset + len(value) :]
    return sealed_header(data) if sealed else data


def changed(change: Callable[[Parts], object]) -> bytes:
    """The good file with a part changed."""
    parts = taken_apart(whole())
    change(parts)
    return put_together(parts)


def flipped(at: Callable[[bytes], int]) -> bytes:
    data = bytearray(whole())
    data[at(bytes(data))] ^= 1
    return bytes(data)


def root(**fields: object) -> Callable[[], bytes]:
    """A root that says something else."""

    def change(parts: Parts) -> None:
        parts.root = replace(parts.root, **fields)  # type: ignore[arg-type]

    return lambda: changed(change)


def root_bytes(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return lambda: changed(lambda parts: setattr(parts, "root_bytes", change))


def shared_entry(number: int, **fields: int) -> Callable[[], bytes]:
    """The root lies about a shared chunk."""

    def change(parts: Parts) -> None:
        def lie(shared: list, runs: list) -> None:  # type: ignore[type-arg]
            shared[number] = replace(shared[number], **fields)

        parts.entries = lie

    return lambda: changed(change)


def run_entry(number: int, **fields: int) -> Callable[[], bytes]:
    """The root lies about a run."""

    def change(parts: Parts) -> None:
        def lie(shared: list, runs: list) -> None:  # type: ignore[type-arg]
            runs[number] = replace(runs[number], **fields)

        parts.entries = lie

    return lambda: changed(change)


def directory(payload: bytes) -> Callable[[], bytes]:
    """The first run has this directory."""
    return lambda: changed(lambda parts: setattr(parts.runs[0], "directory", payload))


def entry(**fields: int) -> Callable[[], bytes]:
    """The directory says something else of the first chunk."""

    def change(parts: Parts) -> None:
        parts.runs[0].entries[0] = replace(parts.runs[0].entries[0], **fields)  # type: ignore[arg-type]

    return lambda: changed(change)


def without_shared(kind: int, id_: int) -> Callable[[], bytes]:
    return lambda: changed(
        lambda parts: setattr(parts, "shared", [s for s in parts.shared if s[:2] != (kind, id_)])
    )  # fmt: skip


def without_run(tier: int, layer: int) -> Callable[[], bytes]:
    return lambda: changed(
        lambda parts: setattr(parts, "runs", [r for r in parts.runs if (r.tier, r.layer) != (tier, layer)])
    )


def with_shared(kind: int, id_: int, payload: bytes) -> Callable[[], bytes]:
    return lambda: changed(lambda parts: parts.shared.append((kind, id_, payload)))


def other_shared(kind: int, id_: int, payload: bytes) -> Callable[[], bytes]:
    return lambda: changed(lambda parts: parts.replace_shared(kind, id_, payload))


def one_more(*fields: int) -> bytes:
    """A directory of one chunk."""
    tile, splats, size = fields
    return varint(1) + varint(tile) + varint(splats) + varint(size) + bytes(16)


# --- Parameters and tables --------------------------------------------------------------------------------------------


def steps(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """Other parameters."""
    return lambda: changed(lambda parts: parts.replace_shared(Kind.STEPS, 0, change(parts.payload(Kind.STEPS))))


def number_of_steps(index: int, value: bytes) -> Callable[[], bytes]:
    """A number: degree, classes, reference, levels, power, softness, power, base, most, 5 weights, 2 of predict."""

    def change(data: bytes) -> bytes:
        block = Bytes(data)
        spans = []
        for kind in "bbvvvfvfv" + "vvvvv" + "vv":
            start = block.next
            if kind == "b":
                block.byte()
            elif kind == "v":
                block.varint()
            else:
                block.take(4)
            spans.append((start, block.next))
        start, end = spans[index]
        return data[:start] + value + data[end:]

    return steps(change)


def tables(payload: bytes) -> Callable[[], bytes]:
    """Another TABLES chunk of layer 0."""
    return other_shared(Kind.TABLES, 0, payload)


# --- Chunks -----------------------------------------------------------------------------------------------------------


def payload(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """Another first chunk, of tier 0 and layer 0."""

    def apply(parts: Parts) -> None:
        run = next(r for r in parts.runs if (r.tier, r.layer) == (0, 0))
        run.payloads[0] = change(run.payloads[0])

    return lambda: changed(apply)


def frame(index: int, value: bytes) -> Callable[[], bytes]:
    """Another number of a frame: origin x y z, mantissa, exponent, octree levels, low levels, unit level."""

    def change(data: bytes) -> bytes:
        block = Bytes(data)
        block.byte()
        spans = []
        for number in range(8):
            start = block.next
            _ = block.byte() if number == 3 else block.varint()
            spans.append((start, block.next))
        start, end = spans[index]
        return data[:start] + value + data[end:]

    return payload(change)


@dataclass
class Streams:
    """The streams of a chunk: [id, table set << 2 | lanes, words, raw bits]."""

    head: bytes
    rows: list[list]  # type: ignore[type-arg]

    @staticmethod
    def of(data: bytes) -> Streams:
        block = Bytes(data)
        if block.byte():
            read_frame(block)
        head = data[: block.next]
        heads = [(block.byte(), block.varint(), block.varint(), block.varint()) for _ in range(block.varint())]
        return Streams(head, [[s, code, block.take(words), block.take(raw)] for s, code, words, raw in heads])

    def bytes(self) -> bytes:
        heads = [
            bytes([stream]) + varint(code) + varint(len(words)) + varint(len(raw))
            for stream, code, words, raw in self.rows
        ]
        bodies = [words + raw for _, _, words, raw in self.rows]
        return self.head + varint(len(heads)) + b"".join(heads + bodies)


def streams(change: Callable[[Streams], object]) -> Callable[[], bytes]:
    """The first chunk with its streams changed."""

    def apply(data: bytes) -> bytes:
        parts = Streams.of(data)
        change(parts)
        return parts.bytes()

    return payload(apply)


def field(row: int, column: int, change: Callable[..., object]) -> Callable[[], bytes]:
    """One field of one stream."""

    def apply(parts: Streams) -> None:
        parts.rows[row][column] = change(parts.rows[row][column])

    return streams(apply)


def values(stream: int, change: Callable[[list[int]], list[int]], *, plane: int = 0) -> Callable[[], bytes]:
    """The first chunk with other values in a stream, coded as they should be by tables of its own (id 9)."""

    def make() -> bytes:
        data = whole()
        with recording() as opened:
            reference_decoder.decode(data)
        recorded = opened[0][stream]
        contexts, old = recorded.planes[plane]
        recorded.planes[plane] = contexts, change(list(old))
        made: Tables = tables_for([recorded], Style(1, 64, 1, escapes=True, low_bits=1))
        words, raw = coded(recorded, made)
        parts = taken_apart(data)
        parts.shared.append((Kind.TABLES, 9, varint(1) + table_set(stream, made)))
        rows = Streams.of(parts.runs[0].payloads[0])
        for row in rows.rows:
            if row[0] == stream:
                row[1:] = [9 << 2, words, raw]
        parts.runs[0].payloads[0] = rows.bytes()
        return put_together(parts)

    return make


def first_set(offset: int, value: int) -> Callable[[], bytes]:
    """A byte of the first table set."""

    def change(parts: Parts) -> None:
        data = bytearray(parts.payload(Kind.TABLES, 0))
        data[1 + offset] = value
        parts.replace_shared(Kind.TABLES, 0, bytes(data))

    return lambda: changed(change)


def larger_first_set(by: int) -> Callable[[], bytes]:
    """The first table set, so many bytes larger than it is."""

    def change(parts: Parts) -> None:
        data = bytes(parts.payload(Kind.TABLES, 0))
        cursor = Cursor(data[4:], "")  # behind the number of sets, and its stream, contexts and flags
        size = cursor.uint()
        parts.replace_shared(Kind.TABLES, 0, data[:4] + varint(size + by) + data[-cursor.left :])

    return lambda: changed(change)


def table_bits(*bits: tuple[int, int], tables: int = 1) -> Callable[[], bytes]:
    """A TABLES chunk of one set, for stream 1 and one context, of these (value, count) bits; -k: Golomb of order k."""
    writer = BitWriter()
    for value, count in bits:
        if count < 0:
            writer.golomb(value, -count)
        else:
            writer.put(value, count)
    packed = writer.bytes()
    head = bytes([1, 1, 0, 16 | tables - 1])
    return other_shared(Kind.TABLES, 0, head + varint(len(packed)) + packed)


def gap() -> bytes:
    """A byte between the shared chunks and the first run."""

    def change(parts: Parts) -> None:
        parts.shared.append((200, 0, b"?"))

        def forget(shared: list, runs: list) -> None:  # type: ignore[type-arg]
            del shared[-1]

        parts.entries = forget

    return changed(change)


def frame_twice() -> bytes:
    """The frame of a tile's first tier once more in its second."""

    def change(parts: Parts) -> None:
        first, second = (run for run in parts.runs if run.layer == 0)
        head = Streams.of(first.payloads[0]).head
        second.payloads[0] = head + second.payloads[0][1:]

    return changed(change)


def splats_of_chunk(layer: int) -> bytes:
    """One splat more in the first chunk of a layer, and one less in the next."""

    def change(parts: Parts) -> None:
        entries = next(run for run in parts.runs if (run.tier, run.layer) == (0, layer)).entries
        entries[0] = replace(entries[0], splats=entries[0].splats + 1)
        entries[1] = replace(entries[1], splats=entries[1].splats - 1)

    return changed(change)


def stray_chunk() -> bytes:
    """A tile in layer 1 alone."""

    def change(parts: Parts) -> None:
        run = next(run for run in parts.runs if (run.tier, run.layer) == (0, 1))
        run.entries.append(replace(run.entries[-1], tile=9))
        run.payloads.append(run.payloads[-1])

    return changed(change)


def short_run() -> bytes:
    """The root says that the first run is a byte shorter."""

    def change(parts: Parts) -> None:
        def lie(shared: list, runs: list) -> None:  # type: ignore[type-arg]
            runs[0] = replace(runs[0], size=runs[0].size - 1)

        parts.entries = lie

    return changed(change)
