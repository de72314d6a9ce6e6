"""Section 5 of FORMAT.md: octree, neighbours, predicted rows, contexts from expected sizes, transforms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from reference.numbers import F, Floats, Integers, check
from reference.streams import Stream

# --- 5.1 Octree -------------------------------------------------------------------------------------------------------

MAX_OCTREE_DEPTH = 21
SPARSE, THIN, THICK, RARE = range(4)
SEVERAL_CHILDREN = 8


def mirrored(octant: int, occupancy: int) -> int:
    """Bit c moves to bit c ^ octant ^ 7."""
    out = 0
    for c in range(8):
        if occupancy >> c & 1:
            out |= 1 << (c ^ octant ^ 7)
    return out


MIRRORED = [[mirrored(o, m) for m in range(256)] for o in range(8)]


def octree(occupancies: Stream, counts: Stream, depth: int, n: int, earlier: Sequence[int]) -> list[int]:
    """The Morton codes of n points, ascending; `earlier`: those of earlier tiers."""
    nodes, parents = [0], [0]
    for level in range(depth):
        shift = 3 * (depth - level)
        seen = {cell >> shift for cell in earlier}
        crowd = SPARSE if 9 * len(nodes) >= 8 * n else THIN if 2 * len(nodes) > n else THICK
        contexts = []
        for node, parent in zip(nodes, parents, strict=True):
            o = node & 7
            siblings = (parent >> (o ^ 1) & 1) | (parent >> (o ^ 2) & 1) << 1 | (parent >> (o ^ 4) & 1) << 2
            contexts.append(siblings | crowd << 3 | (32 if node in seen else 0))
        symbols = occupancies.plane(np.array(contexts), signed=False).tolist()
        if crowd == SPARSE:
            rare = [c | RARE << 3 for c, only in zip(contexts, symbols, strict=True) if only >= SEVERAL_CHILDREN]
            several = iter(occupancies.plane(np.array(rare, np.int64), signed=False).tolist())
            symbols = [(1 << only) - 1 if only < SEVERAL_CHILDREN else next(several) for only in symbols]
        below, above = [], []
        for node, symbol in zip(nodes, symbols, strict=True):
            occupancy = MIRRORED[node & 7][(symbol + 1) % 256]
            check(occupancy > 0, "a node without children")
            children = [node << 3 | c for c in range(8) if occupancy >> c & 1]
            below += children
            above += [occupancy] * len(children)
            check(len(below) <= n, "more cells than splats")
        nodes, parents = below, above
    contexts = [min(bin(parent).count("1"), 4) for parent in parents]
    cells: list[int] = []
    for node, extra in zip(nodes, counts.plane(np.array(contexts), signed=False).tolist(), strict=True):
        check(len(cells) + extra + 1 <= n, "more splats than there are")
        cells += [node] * (extra + 1)
    check(len(cells) == n, "fewer splats than there are")
    return cells


def coordinates(cells: Sequence[int]) -> Integers:
    """(n, 3): x is bits 0, 3, 6, .. of a Morton code, y bits 1, 4, .., z bits 2, 5, .."""
    codes = np.array(cells, np.uint64).astype(np.int64)
    out = np.zeros((len(codes), 3), np.int64)
    for axis in range(3):
        for bit in range(MAX_OCTREE_DEPTH):
            out[:, axis] |= (codes >> (3 * bit + axis) & 1) << bit
    return out


# --- 5.2 Neighbours ---------------------------------------------------------------------------------------------------

NEIGHBOURS, WINDOW = 4, 64
RUNS, SHORT_RUN = 16, 64
NO_NEIGHBOUR = 0x7F800000


def runs_of(n: int) -> int:
    return RUNS if n >= RUNS * SHORT_RUN else 1


def places_on_curve(n: int) -> Integers:
    """Of each row; row i is splat i // runs of run i % runs."""
    runs = runs_of(n)
    rows = [i for run in range(runs) for i in range(run, n, runs)]
    places = np.zeros(n, np.int64)
    places[rows] = np.arange(n)
    return places


@dataclass
class Near:
    """5.2: by splat and rank: row (-1: none), squared distance, weight."""

    row: Integers
    distance2: Floats
    weight: Floats


def neighbours(cells: Integers, softness: np.float32) -> Near:
    """`cells` (n, 3) by row."""
    n = len(cells)
    runs = runs_of(n)
    at = cells.astype(F)
    keys = np.full((n, max(WINDOW, NEIGHBOURS)), NO_NEIGHBOUR, np.uint32)
    for back in range(1, min(WINDOW, (n - 1) // runs) + 1):
        apart = back * runs
        d = at[:-apart] - at[apart:]
        d2 = (d[:, 0] * d[:, 0] + d[:, 1] * d[:, 1]) + d[:, 2] * d[:, 2]
        keys[apart:, back - 1] = d2.view(np.uint32) & np.uint32(0xFFFFFFC0) | np.uint32(back - 1)
    keys = np.sort(keys, axis=1)[:, :NEIGHBOURS]
    there = keys < NO_NEIGHBOUR
    row = np.where(there, np.arange(n)[:, None] - runs * (1 + (keys & 63).astype(np.int64)), -1)
    distance2 = (keys & np.uint32(0xFFFFFFC0)).view(F)
    weight = np.where(there, F(1) / (np.where(there, distance2, F(0)) + softness), F(0))
    total = ((weight[:, 0] + weight[:, 1]) + weight[:, 2]) + weight[:, 3]
    weight = np.where(there, weight / np.where(total > 0, total, F(1))[:, None], F(0))
    return Near(row, distance2, weight)


# --- 5.3 Predicted rows -----------------------------------------------------------------------------------------------


def predicted_rows(codes: Integers, steps: Floats, shares: Floats, near: Near) -> Floats:
    """(n, width) values; shares (n, width)."""
    values = np.zeros((len(codes) + 1, codes.shape[1]), F)  # row -1: the neighbour that is not there
    moves = codes.astype(F) * steps[:, None]
    for i in range(len(codes)):
        r, w = near.row[i], near.weight[i]
        mean = ((values[r[0]] * w[0] + values[r[1]] * w[1]) + values[r[2]] * w[2]) + values[r[3]] * w[3]
        values[i] = shares[i] * mean + moves[i]
    return values[:-1]


# --- 5.4 Size contexts ------------------------------------------------------------------------------------------------

SPREAD = np.array([0.125, 0.17677669, 0.25, 0.35355338, 0.5, 0.70710677, 1.0, 1.0], F)
SIZE_TERMS = 7
MOST_SIZE = F(40)


class Sizes:
    """5.4: what is known of the sizes of a splat's codes, plane by plane."""

    def __init__(self, distance: Integers, steps: Floats, color: Floats) -> None:
        n = len(steps)
        self.one, self.distance, self.spread = np.ones(n, F), SPREAD[distance], SPREAD[distance] / steps
        self.color, self.channels, self.mean, self.sum = color, np.zeros(n, F), np.zeros(n, F), np.zeros(n, F)
        self.before = [np.zeros(n, F) for _ in range(3)]
        self.plane = 0

    def contexts(self, weights: Sequence[int]) -> Integers:
        before = self.before[self.plane % 3]
        terms = (self.one, self.spread, self.distance, self.channels, before, self.mean, self.color)
        size = np.zeros_like(self.one)
        for term, weight in zip(terms, weights, strict=True):
            size = size + term * (F(weight) / F(256))
        size = np.where(size > F(0.00390625), size, F(0.00390625)).astype(F)
        quarter = (size.view(np.int32).astype(np.int64) >> 21) - 476
        return np.minimum(quarter, 63)

    def add(self, codes: Integers) -> None:
        channel = self.plane % 3
        size = np.minimum(np.abs(codes).astype(F), MOST_SIZE)
        self.channels = self.channels + size if channel < 2 else np.zeros_like(size)
        self.before[channel] = size
        self.sum = self.sum + size
        self.plane += 1
        self.mean = self.sum * (F(1) / F(self.plane))


# --- 5.5 Transform ----------------------------------------------------------------------------------------------------


def transformed(values: Floats, basis: Sequence[int], color: Sequence[int]) -> Floats:
    """(n, 3 count) coded values, colour-minor, to (n, count, 3) RGB coefficients."""
    count = values.shape[1] // 3
    unit = F(1) / F(16384)
    weights = [F(v) * unit for v in color]
    out = np.zeros((len(values), count, 3), F)
    for j in range(count):
        sums = []
        for c in range(3):
            total = np.zeros(len(values), F)
            for k in range(count):
                total = total + (F(basis[k * count + j]) * unit) * values[:, 3 * k + c]
            sums.append(total)
        for c in range(3):
            w = weights[3 * c : 3 * c + 3]
            out[:, j, c] = (sums[0] * w[0] + sums[1] * w[1]) + sums[2] * w[2]
    return out
