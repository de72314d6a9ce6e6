"""What contexts buy: the symbols of a file counted again, as if each stream had one table for all of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import reference_decoder
from vectors.recode import Planes, Style, Tables, recording, table_set, tables_for

import splatzip
from benchmark.quality import size_of
from splatzip import Scene
from splatzip.container import Kind, open_file

_ATTRIBUTES = ("position", "position", "opacity", "scale", "rotation", "position", "color")  # of streams 1 to 7
_ALONE = Style(lanes=32, contexts=1, tables=1, escapes=True, low_bits=1)
_MOST_LOW_BITS = 4
_ESCAPE, _TOTAL_BITS = 255, 12


def sizes_with_one_context(coded: bytes, source: Scene) -> dict[str, Any]:
    """Bytes, and bits a stored splat by attribute, by the entropy of one table a stream: counted, not written."""
    with recording() as chunks:
        reference_decoder.decode(coded)
    streams: dict[int, list[Planes]] = {}
    for chunk in chunks:
        for number, planes in chunk.items():
            streams.setdefault(number, []).append(planes)
    bits: Counter[str] = Counter()
    tables = 0
    for number, parts in streams.items():
        least, size = min(_with_one_table(number, parts, low) for low in range(_MOST_LOW_BITS + 1))
        bits[_ATTRIBUTES[number - 1] if number <= len(_ATTRIBUTES) else "sh"] += math.ceil(least)
        tables += size
    file, known = open_file(coded), size_of(coded, source)
    attributes = splatzip.info(coded)["attributes"]
    rest = len(coded) - sum(size["bytes"] for size in attributes.values())
    rest += tables - sum(chunk.size for chunk in file.shared if chunk.kind == Kind.TABLES)
    total = rest + sum(bits.values()) / 8
    known["bytes"], known["ratio"] = round(total), source.float_bytes / total
    return known | {"bits": {name: bits[name] / file.root.splats for name in attributes}}


def _with_one_table(number: int, parts: Sequence[Planes], low: int) -> tuple[float, int]:
    """Bits of a stream, raw ones among them, and bytes of its table."""
    if not any(part.planes for part in parts):
        return 8.0 * sum(len(part.raw) for part in parts), 0
    shifted = [Planes([([0] * len(v), [u >> low for u in v]) for _, v in part.planes]) for part in parts]
    tables: Tables = tables_for(shifted, _ALONE)
    frequency, bits = tables.frequency(0), 0.0
    for symbol, count in Counter(u for part in shifted for _, values in part.planes for u in values).items():
        bits += count * (_TOTAL_BITS - math.log2(frequency[min(symbol, _ESCAPE)]) + low)
        if symbol >= _ESCAPE:
            bits += count * (2 * (symbol - _ESCAPE + 1).bit_length() - 1)
    return bits, len(table_set(number, tables))
