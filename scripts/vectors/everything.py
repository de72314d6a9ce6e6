"""The vector that uses every feature, also those that the encoder never writes."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import numpy as np
import reference_decoder
from reference.numbers import Bytes
from reference.stepped import read_frame

from splatzip.container import Kind, Root, Run, SharedChunk, TileChunk, open_file, write_file
from splatzip.quantize import stepped
from splatzip.quantize.stepped import Options
from vectors.recode import Planes, Style, Tables, chunk, coded, recording, table_set, tables_for, varint
from vectors.stepped import encoded
from vectors.vector import Vector, leica

STYLES = {  # by id of the TABLES chunk
    0: Style(lanes=32, contexts=64, tables=16, escapes=True, low_bits=3),
    7: Style(lanes=1, contexts=64, tables=1, escapes=False, low_bits=1),
    255: Style(lanes=4, contexts=3, tables=2, escapes=True, low_bits=2),
}
OPTIONS = Options(1.0, tile_splats=260, shared_tiles=True)


def style_of(tile: int, layer: int) -> int:
    """Which tables a chunk uses."""
    return list(STYLES)[(tile + layer) % len(STYLES)]


def everything() -> bytes:
    scene = leica(700, 2)
    logits = scene.opacity_logits.copy()
    logits[5], logits[6] = np.inf, -np.inf
    scene = replace(scene.edited(opacity_logits=logits), origin=np.array([0.5, -1e7, 3.0]))
    # Tile 0 begins in tier 1; the others have splats in both.
    coded = stepped.encode(scene, OPTIONS)
    chunks, order = coded.chunks, coded.order
    tiers = np.empty(len(scene), np.uint8)
    tiers[order] = np.arange(len(scene)) % 3 == 0
    tiers[order[: chunks[0].splats]] = 1
    return recoded(encoded(scene, OPTIONS, tiers))


def recoded(data: bytes) -> bytes:
    """The same values in a file as odd as it may be."""
    with recording() as opened:
        reference_decoder.decode(data)
    file = open_file(data)
    payloads = {}  # in the order in which the reference decoder opens chunks
    for tier in range(file.root.tiers):
        layers = [{c.tile: c for c in run.chunks} for run in file.runs if run.entry.tier == tier]
        for tile in sorted(layers[0]):
            for layer in range(file.root.layers):
                payloads[tier, tile, layer] = layers[layer][tile]
    streams = dict(zip(payloads, opened, strict=True))

    tables: dict[int, dict[int, Tables]] = {}
    for id_, style in STYLES.items():
        using: dict[int, list[Planes]] = {}
        for (_, tile, layer), of_chunk in streams.items():
            for number, planes in of_chunk.items():
                using.setdefault(number, [])
                if style_of(tile, layer) == id_:
                    using[number].append(planes)
        tables[id_] = {number: tables_for(planes, style) for number, planes in using.items()}

    runs = []
    for tier in range(file.root.tiers):
        for layer in range(file.root.layers):
            of_run = []
            for (of_tier, tile, of_layer), entry in payloads.items():
                if (of_tier, of_layer) != (tier, layer):
                    continue
                payload = bytes(data[entry.offset : entry.offset + entry.size])
                id_ = style_of(tile, layer)
                parts = [
                    (number, id_, STYLES[id_].lanes, *coded(planes, tables[id_][number]))
                    for number, planes in streams[tier, tile, layer].items()
                ]
                parts.insert(1, (200, 77, 32, b"odd", b"optional"))  # tables 77 do not exist, nor do they have to
                body = chunk(frame_of(payload) if layer == 0 else b"", parts[::-1])
                of_run.append(TileChunk(tile, entry.splats, entry.box, body))
            runs.append(Run(tier, layer, of_run))
        # Layer 1 before layer 0 is legal, if no help to who streams.
        runs[-2:] = runs[:-3:-1]
    runs += [Run(file.root.tiers, layer, []) for layer in range(file.root.layers)]  # a tier of no splats

    shared = [SharedChunk(Kind.TABLES, id_, tables_chunk(tables[id_])) for id_ in STYLES]
    runs[0] = replace(runs[0], needs=[SharedChunk(200, 7, b"an optional chunk of a kind to come"), shared[2]])
    runs[2] = replace(runs[2], needs=[SharedChunk(Kind.QUALITY, 0, b"{}")])
    steps = file.shared_payload(Kind.STEPS)
    assert steps is not None
    trailing = [
        SharedChunk(161, 3, b""),
        shared[0],
        SharedChunk(Kind.STEPS, 0, bytes(steps)),
        SharedChunk(Kind.META, 0, b'{"title":"Everything","unknown":[1,2,{"deep":null}],"axes":7}'),
        shared[1],
    ]
    root = file.root
    root = Root(root.codec, root.splats, root.sh_degree, root.tiers + 1, root.layers, root.origin, root.box)
    with mock.patch("splatzip.container.writer.MAX_ROOT_BYTES", 0):  # all entries go to index blocks
        return write_file(root, runs, trailing)


def frame_of(payload: bytes) -> bytes:
    """What stands before the heads of a layer 0."""
    block = Bytes(payload)
    if block.byte():
        read_frame(block)
    return payload[: block.next]


def tables_chunk(tables: dict[int, Tables]) -> bytes:
    """A TABLES chunk that also has a set for a stream to come, and a second one for a stream that counts as absent."""
    sets = [table_set(number, one) for number, one in tables.items()]
    sets.insert(1, table_set(99, next(iter(tables.values()))))
    sets.append(table_set(next(iter(tables)), tables_for([], STYLES[7])))
    return varint(len(sets)) + b"".join(sets)


EVERYTHING = (
    Vector(
        "everything",
        "What the format allows and the encoder never writes: index blocks, optional kinds and streams, tables shared "
        "by other ids with 1, 4 and 32 lanes, unused, doubled and single-symbol tables, contexts without a table, "
        "values without escapes, a tile that begins in tier 1, an empty tier, runs and streams in other orders.",
        ("2", "3", "4", "5", "6"),
        everything,
    ),
)
