"""Section 6 of FORMAT.md: codec STEPPED. Over 400 lines, to be read from top to bottom beside that section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reference.codebooks import BOOK_FRACTION, Codebooks, code_rows, code_sized_rows, read_codebooks
from reference.container import CODEBOOKS, STEPS, TABLES, File
from reference.numbers import INV_LN2, Bytes, F, Floats, Integers, check, clamp, exact_exp, exact_log, power_of_two
from reference.prediction import (
    MAX_OCTREE_DEPTH,
    NEIGHBOURS,
    SIZE_TERMS,
    Near,
    Sizes,
    coordinates,
    neighbours,
    octree,
    places_on_curve,
    predicted_rows,
    transformed,
)
from reference.streams import Stream, open_streams, read_tables

# --- 6.1 Parameters of codec STEPPED ----------------------------------------------------------------------------------

MOST_HALF_OCTAVES = 40
MOST_WEIGHT = 4096
SH_BEGIN = (0, 3, 8, 15, 24)  # components of SH streams 1 to 4
FAR_SPACING = 8 * 256
MOST_OCTAVES = 120
OCTREE, COUNT, OPACITY, SCALE, ROTATION, POSITION_LOW, COLOR, SH_1 = range(1, 9)
SH_INDEX = 12


@dataclass
class StepRule:
    base: np.float32
    most: int
    weight: list[int]


@dataclass
class ScaleRule:
    power: int
    step: StepRule
    predict: list[int]


@dataclass
class Params:
    sh_degree: int
    classes: bool
    by_books: list[bool]  # SH, scales, rotations
    scale_reference: int
    opacity_levels: int
    opacity_power: int
    softness: np.float32
    scales: list[ScaleRule]
    axis: list[StepRule]  # of needles, of discs
    spin: list[StepRule]
    position: StepRule
    color: StepRule
    color_basis: list[int]
    sh: StepRule | None
    sh_color_basis: list[int]
    sh_basis: list[int]
    predict: list[list[list[int]]]  # group, distance, channel
    expect: list[list[int]]  # by plane


def read_params(data: bytes) -> Params:
    block = Bytes(data)

    def int16s(count: int) -> list[int]:
        return [block.int16() for _ in range(count)]

    def uint16(least: int) -> int:
        value = block.varint()
        check(least <= value < 65536, "a number of the parameters")
        return value

    def rule() -> StepRule:
        one = StepRule(F(block.fixed("f")[0]), block.int16(), int16s(7 if classes else 5))
        check(F(1e-12) < one.base < F(1e12) and abs(one.most) <= MOST_HALF_OCTAVES, "a step rule")
        check(all(abs(w) <= MOST_WEIGHT for w in one.weight), "weights of a step rule")
        return one

    def scale_rule() -> ScaleRule:
        one = ScaleRule(uint16(16), rule(), int16s(8))
        check(all(abs(w) <= MOST_WEIGHT for w in one.predict[1:]), "weights of a scale")
        return one

    sh_degree = block.byte()
    check(sh_degree <= 4, "SH degree")
    flags = block.byte()
    classes, by_books = flags % 2 == 1, [flags >> bit & 1 == 1 for bit in (1, 2, 3)]
    check(flags < 16 and not (sh_degree == 0 and by_books[0]), "flags of the parameters")
    rest = (sh_degree + 1) ** 2 - 1
    reference = block.signed()
    check(abs(reference) < 200 << 16, "scale reference")
    levels, power, softness = uint16(1), uint16(16), F(block.fixed("f")[0])
    check(F(1e-6) < softness < F(1e12), "softness")
    scales = [scale_rule() for _ in range(3)]
    needle_axis, disc_axis, needle_spin, disc_spin, position, color = (rule() for _ in range(6))
    params = Params(
        sh_degree, classes, by_books, reference, levels, power, softness, scales,
        [needle_axis, disc_axis], [needle_spin, disc_spin], position, color, color_basis=int16s(9),
        sh=rule() if rest else None,
        sh_color_basis=int16s(9 if rest else 0),
        sh_basis=int16s(rest * rest),
        predict=[[list(block.take(3)) for _ in range(8)] for _ in range(sh_degree + 1)],
        expect=[int16s(SIZE_TERMS) for _ in range(3 + 3 * rest)],
    )  # fmt: skip
    block.end()
    return params


def half_octaves(rule: StepRule, features: Integers) -> Integers:
    """How many half octaves a step is above its base; features (n, 7)."""
    total = np.full(len(features), 4096, np.int64)
    for f, weight in enumerate(rule.weight):
        total = total + weight * features[:, f]
    e: Integers = np.minimum(np.maximum(total >> 13, -MOST_HALF_OCTAVES), rule.most)
    return e


def half_octave(e: int) -> np.float32:
    """2^(e / 2), float32."""
    octave = power_of_two(e >> 1)
    return F(octave * 1.4142135623730951 if e % 2 else octave)


HALF_OCTAVE = np.array([half_octave(e) for e in range(-MOST_HALF_OCTAVES, MOST_HALF_OCTAVES + 1)], F)


def steps_of(rule: StepRule, features: Integers) -> Floats:
    return rule.base * HALF_OCTAVE[half_octaves(rule, features) + MOST_HALF_OCTAVES]


# --- 6.2 Frame and features -------------------------------------------------------------------------------------------

ALPHA, SCALE_0, SPACING = 0, 1, 4  # SCALE_0 + j: log2 of scale j


@dataclass
class Frame:
    origin: list[int]
    mantissa: int
    exponent: int
    octree_levels: int
    low_levels: int
    unit_level: int


def read_frame(block: Bytes) -> Frame:
    origin = [block.signed() for _ in range(3)]
    frame = Frame(origin, block.byte(), *(block.signed() for _ in range(4)))
    check(all(abs(v) < 1 << 52 for v in origin) and frame.mantissa > 0, "a tile's grid")
    check(0 <= frame.octree_levels <= MAX_OCTREE_DEPTH and 0 <= frame.low_levels <= 22, "levels of a tile's grid")
    check(abs(frame.exponent) <= 300 and abs(frame.unit_level) <= 300, "exponents of a tile's grid")
    return frame


def spacing_of(near: Near, frame: Frame, scale_reference: int) -> Integers:
    """log2 of the distance to the nearest neighbour over the reference scale, 1/256 octave."""
    octaves = exact_log(float(frame.mantissa)) * INV_LN2 + frame.exponent + frame.low_levels - scale_reference / 65536.0
    cell = int(octaves * 256.0 // 1.0)  # floor
    bits = (near.distance2[:, 0] + F(0.5)).view(np.uint32).astype(np.int64)
    return np.where(near.row[:, 0] >= 0, (((bits >> 15) - (127 << 8)) >> 1) + cell, FAR_SPACING)


def bucket(log2_256th: Integers) -> Integers:
    number: Integers = np.minimum(np.maximum(log2_256th >> 8, -4), 3) + 4
    return number


# --- 6.3 Opacity ------------------------------------------------------------------------------------------------------


def opacity_tables(params: Params) -> tuple[Floats, Integers]:
    """By code 0 to levels + 1: logit, log2 alpha in 1/256 octave."""
    levels = params.opacity_levels
    logit, log2_alpha = np.zeros(levels + 2, F), np.zeros(levels + 2, np.int64)
    logit[0], log2_alpha[0] = -np.inf, -4096
    logit[-1], log2_alpha[-1] = np.inf, 0
    for q in range(1, levels + 1):
        log_alpha = exact_log((q - 0.5) / levels) * 256.0 / params.opacity_power
        logit[q] = F(log_alpha - exact_log(1.0 - exact_exp(log_alpha)))
        log2_alpha[q] = max(-4096, int(log_alpha * INV_LN2 * 256.0 - 0.5))
    return logit, log2_alpha


MOST_CLASS = 8
GEOMETRY_CLASS = 5


def code_classes(stream: Stream, near: Near, features: Integers, distance: Integers) -> None:
    """Columns 5 and 6 of `features` are filled in."""
    faint = np.minimum(-features[:, ALPHA] >> 8, 5)
    for c in range(2):
        values = stream.plane(8 + 24 * c + 4 * faint + (distance >> 1), signed=True)
        column = GEOMETRY_CLASS + c
        for i in range(len(features)):
            mean = F(0)
            for k in range(NEIGHBOURS):
                if near.row[i, k] >= 0:
                    mean = mean + near.weight[i, k] * F(features[near.row[i, k], column])
            expected = (int(mean) + int(features[i, GEOMETRY_CLASS]) + 256) >> 9 if c else (int(mean) + 128) >> 8
            features[i, column] = clamp(expected + int(values[i]), -MOST_CLASS, MOST_CLASS) * 256


# --- 6.4 Scales -------------------------------------------------------------------------------------------------------


def to_nearest(x: float) -> int:
    """Half away from zero."""
    return int(x - 0.5 if x < 0 else x + 0.5)


LOG2 = [to_nearest(exact_log(q) * INV_LN2 * 65536.0) for q in (0.3, *range(1, 4096))]
EXP2 = [int(exact_exp(i / 256.0 * (1.0 / INV_LN2)) * 16777216.0 + 0.5) for i in range(256)]


def log2_of_code(q: int) -> int:
    """1/65536 octave; 0 counts as 0.3."""
    shift = (q >> 12).bit_length()
    return LOG2[q >> shift] + (shift << 16)


def exp2_of_256th(x: int) -> int:
    """2^(x / 256), rounded down."""
    if x < -256:
        return 0
    x = min(x, 31 * 256 - 1)
    e = x >> 8
    return (EXP2[x & 255] << e) >> 24 if e >= 0 else EXP2[x & 255] >> (24 - e)


def code_scales(
    stream: Stream, by_books: Codebooks | None, params: Params, near: Near, features: Integers, distance: Integers
) -> Integers:
    """(n, 3) log2 relative to the reference, 1/65536 octave; columns 1 to 3 of `features` are filled in."""
    n = len(features)
    scales = np.zeros((n, 3), np.int64)
    means = np.zeros((n, 3), np.int64)  # of the neighbours' features
    booked = code_rows(stream, by_books.books, distance, 3) if by_books else None
    for j, rule in enumerate(params.scales):
        base = float(rule.step.base) / (BOOK_FRACTION if by_books else 1)
        log2_base = to_nearest(exact_log(base) * INV_LN2 * 65536.0)
        log2_step = log2_base + half_octaves(rule.step, features) * 32768
        if j == 0:
            contexts = distance + np.where(features[:, ALPHA] < -512, 8, 0)
        else:
            level = (((features[:, SCALE_0 + j - 1] * rule.power) >> 8) - (log2_step >> 8)) >> 7
            contexts = 16 + 24 * (j - 1) + 2 * np.minimum(np.maximum(level, 0), 11) + (distance > 2)
        residuals = stream.plane(contexts, signed=True) if booked is None else booked[:, j]
        inverse_power = (256 << 16) // rule.power
        p = rule.predict
        for i in range(n):
            mean = F(0)
            for k in range(NEIGHBOURS):
                if near.row[i, k] >= 0:
                    mean = mean + near.weight[i, k] * F(features[near.row[i, k], SCALE_0 + j])
            means[i, j] = int(mean)  # truncated
            f = [int(v) for v in features[i]]
            m = [int(v) for v in means[i]]
            total = p[0] * 1024 + p[1] * f[ALPHA] + p[7] * f[SPACING] + p[4] * m[0]
            if j > 0:
                total += p[2] * f[SCALE_0] + p[5] * m[1]
            if j > 1:
                total += p[3] * f[SCALE_0 + 1] + p[6] * m[2]
            predicted = clamp(total >> 10, -MOST_OCTAVES << 8, MOST_OCTAVES << 8)
            step = int(log2_step[i])
            y = exp2_of_256th(((predicted * rule.power) >> 8) - (step >> 8) + 1024)
            code = clamp((min(y + 8, 1 << 24) >> 4) + int(residuals[i]), 0, 1 << 24)
            scale = clamp((log2_of_code(code) + step) * inverse_power >> 16, -MOST_OCTAVES << 16, MOST_OCTAVES << 16)
            scales[i, j] = scale
            features[i, SCALE_0 + j] = scale >> 8
    return scales


def distance_in_sizes(near: Near, features: Integers, distance: Integers) -> Integers:
    """The distance bucket from here on: spacing over the nearest neighbour's size."""
    nearest = near.row[:, 0]
    size = ((features[nearest, 1] + features[nearest, 2] + features[nearest, 3]) * 85) >> 8
    return np.where(nearest >= 0, bucket(features[:, SPACING] - size), distance)


# --- 6.5 Rotations ----------------------------------------------------------------------------------------------------

MOST_AXIS_STEP, MOST_SPIN_STEP = F(0.75), F(1.5)
ZERO, HALF, ONE, TWO = F(0), F(0.5), F(1), F(2)
Vector = tuple[np.float32, np.float32, np.float32]


def times(s: np.float32, a: Vector) -> Vector:
    return (s * a[0], s * a[1], s * a[2])


def plus(a: Vector, b: Vector) -> Vector:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def dot(a: Vector, b: Vector) -> np.float32:
    return (a[0] * b[0] + a[1] * b[1]) + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def normalised(a: Vector) -> Vector:
    return times(ONE / np.sqrt(dot(a, a)), a)


def complete_frame(n: Vector) -> tuple[Vector, Vector]:
    sign = -ONE if n[2] < 0 else ONE
    a = -ONE / (sign + n[2])
    c = n[0] * n[1] * a
    return (ONE + sign * n[0] * n[0] * a, sign * c, -sign * n[0]), (c, sign + n[1] * n[1] * a, -n[1])


def step_bucket(step: Floats) -> Integers:
    number: Integers = np.minimum(np.maximum(127 - (step.view(np.uint32).astype(np.int64) >> 23), 0), 7)
    return number


def code_rotations(
    stream: Stream, by_books: Codebooks | None, params: Params, near: Near, features: Integers, distance: Integers
) -> list[list[Vector]]:
    """Of each splat the axes of its longest, middle and shortest scale."""
    needle = features[:, 1] - features[:, 2] > features[:, 2] - features[:, 3]
    axis = np.where(needle, *(steps_of(rule, features) for rule in params.axis)).astype(F)
    spin = np.where(needle, *(steps_of(rule, features) for rule in params.spin)).astype(F)
    axis, spin = np.minimum(axis, MOST_AXIS_STEP), np.minimum(spin, MOST_SPIN_STEP)
    axis_contexts = step_bucket(axis) * 4 + distance // 2
    spin_contexts = 32 + step_bucket(spin) * 4 + distance // 2
    if by_books:
        codes = code_rows(stream, by_books.books, step_bucket(axis), 3)
        axis, spin = axis * (F(1) / F(BOOK_FRACTION)), spin * (F(1) / F(BOOK_FRACTION))
    else:
        contexts = (axis_contexts, axis_contexts, spin_contexts)
        codes = np.stack([stream.plane(context, signed=True) for context in contexts], axis=1)
    u, v, w = codes[:, 0].astype(F) * axis, codes[:, 1].astype(F) * axis, codes[:, 2].astype(F) * spin
    u, v = np.minimum(np.maximum(u, -TWO), TWO), np.minimum(np.maximum(v, -TWO), TWO)
    w = np.minimum(np.maximum(w, -ONE), ONE)

    axes: list[list[Vector]] = []
    for i in range(len(features)):
        main_axis, second_axis = (0, 1) if needle[i] else (2, 0)
        rows = [int(r) for r in near.row[i] if r >= 0]
        # Where the main axis is expected
        pole: Vector = (ZERO, ZERO, ONE)
        if rows:
            first = axes[rows[0]][main_axis]
            pole = times(near.weight[i, 0], first)
            for k in range(1, len(rows)):
                other = axes[rows[k]][main_axis]
                weight = near.weight[i, k]
                pole = plus(pole, times(-weight if dot(first, other) < 0 else weight, other))
            pole = normalised(pole)
        # The main axis, from its place on the octahedron about the pole
        t, b = complete_frame(pole)
        lx, ly = u[i], v[i]
        lz = (ONE - abs(lx)) - abs(ly)
        lz = lz if lz > 0 else ZERO
        if lx == 0 and ly == 0:
            lz = ONE
        main = normalised(plus(plus(times(lx, t), times(ly, b)), times(lz, pole)))
        # The second axis, turned from the nearest neighbour's
        t, b = complete_frame(main)
        if rows:
            other = axes[rows[0]][second_axis]
            x, y = dot(other, t), dot(other, b)
            length2 = x * x + y * y
            if length2 > F(0.0009765625):
                inverse = ONE / np.sqrt(length2)
                x, y = x * inverse, y * inverse
                t, b = plus(times(x, t), times(y, b)), plus(times(x, b), times(-y, t))
        second = normalised(plus(times(ONE - abs(w[i]), t), times(w[i], b)))
        found: list[Vector] = [main, main, main]
        found[second_axis] = second
        found[3 - main_axis - second_axis] = cross(main, second)
        axes.append(found)
    return axes


def quaternion(axes: Sequence[Vector]) -> list[np.float32]:
    """w, x, y, z of the rotation that turns x to the longest axis and y to the middle one."""
    x, y = axes[0], axes[1]
    z = cross(x, y)
    diagonal = [
        ((ONE + x[0]) + y[1]) + z[2],
        ((ONE + x[0]) - y[1]) - z[2],
        ((ONE - x[0]) + y[1]) - z[2],
        ((ONE - x[0]) - y[1]) + z[2],
    ]
    best = 0
    for k in range(1, 4):
        if diagonal[k] > diagonal[best]:
            best = k
    root = np.sqrt(diagonal[best])
    half = HALF / root
    wx, wy, wz = (y[2] - z[1]) * half, (z[0] - x[2]) * half, (x[1] - y[0]) * half
    xy, xz, yz = (x[1] + y[0]) * half, (x[2] + z[0]) * half, (y[2] + z[1]) * half
    own = root * HALF
    return [[own, wx, wy, wz], [wx, own, xy, xz], [wy, xy, own, yz], [wz, xz, yz, own]][best]


# --- 6.6 Positions ----------------------------------------------------------------------------------------------------


def code_positions(stream: Stream, params: Params, frame: Frame, cells: Integers, features: Integers) -> Floats:
    positions = np.zeros((len(cells), 3), F)
    unit = power_of_two(frame.exponent)
    steps = half_octaves(params.position, features).tolist()
    for i in range(len(cells)):
        left_out = clamp(frame.unit_level + (steps[i] >> 1), 0, frame.low_levels)
        middle = 1 << (left_out - 1) if left_out > 0 else 0
        for a in range(3):
            low = stream.bits.get(frame.low_levels - left_out)
            at = (int(cells[i, a]) << frame.low_levels) + (low << left_out) + middle
            positions[i, a] = F(float(frame.origin[a] + frame.mantissa * at) * unit)
    return positions


# --- 6.7 and 6.8 Colour and SH ----------------------------------------------------------------------------------------


@dataclass
class Tile:
    """What layer 1 needs of layer 0."""

    near: Near
    features: Integers
    distance: Integers
    color_size: Floats


def code_color(stream: Stream, params: Params, tile: Tile) -> Floats:
    """(n, 1, 3); tile.color_size is filled in."""
    steps = steps_of(params.color, tile.features)
    sizes = Sizes(tile.distance, steps, np.zeros_like(steps))
    planes = []
    for plane in range(3):
        planes.append(stream.plane(sizes.contexts(params.expect[plane]), signed=True))
        sizes.add(planes[-1])
    tile.color_size = sizes.sum
    shares = np.array(params.predict[0], F)[tile.distance] / F(256)
    values = predicted_rows(np.stack(planes, axis=1), steps, shares, tile.near)
    return transformed(values, [16384], params.color_basis)


def code_sh(streams: dict[int, Stream], by_books: Codebooks | None, params: Params, tile: Tile) -> Floats:
    """(n, B, 3)."""
    assert params.sh is not None
    steps = steps_of(params.sh, tile.features)
    booked = half_octaves(params.sh, tile.features) >= (by_books.from_step if by_books else MOST_HALF_OCTAVES + 1)
    planes = [
        (SH_1 + group, plane)
        for group in range(params.sh_degree)
        for plane in range(3 * SH_BEGIN[group], 3 * SH_BEGIN[group + 1])
    ]
    codes = np.zeros((len(steps), len(planes)), np.int64)
    if by_books:
        sizes = Sizes(tile.distance[booked], steps[booked], tile.color_size[booked])
        codes[booked] = code_sized_rows(streams[SH_INDEX], by_books.books, sizes, len(planes))
    numbered = ~booked
    if not by_books or by_books.from_step > -MOST_HALF_OCTAVES:
        sizes = Sizes(tile.distance[numbered], steps[numbered], tile.color_size[numbered])
        for number, plane in planes:
            values = streams[number].plane(sizes.contexts(params.expect[3 + plane]), signed=True)
            codes[numbered, plane] = values
            sizes.add(values)
    shares = [np.array(params.predict[1 + n - SH_1], F)[tile.distance, plane % 3] / F(256) for n, plane in planes]
    steps = np.where(booked, steps * (F(1) / F(BOOK_FRACTION)), steps).astype(F)
    values = predicted_rows(codes, steps, np.stack(shares, axis=1), tile.near)
    return transformed(values, params.sh_basis, params.sh_color_basis)


# --- 6. Codec STEPPED -------------------------------------------------------------------------------------------------

MAX_CHUNK_SPLATS = (1 << 20) // 27
MAX_SPLATS_PER_BYTE = 256
SCALE_UNIT = F(0.69314718055994530942) / F(65536)


def decode_stepped(file: File) -> dict[str, NDArray[Any]]:
    """Codec 1: rows tier by tier, tile by tile."""
    check((STEPS, 0) in file.shared, "no parameters")
    params = read_params(file.shared[STEPS, 0])
    check(params.sh_degree == file.sh_degree, "SH degree of the parameters")
    tables = {id_: read_tables(data) for (kind, id_), data in file.shared.items() if kind == TABLES}
    check(all(id_ < 256 for id_ in tables), "an id of tables is too large")
    for id_, booked in enumerate(params.by_books):
        check(((CODEBOOKS, id_) in file.shared) == booked, "codebooks are there if and only if the parameters say so")
    widths = (3 * ((file.sh_degree + 1) ** 2 - 1), 3, 3)
    books = [
        read_codebooks(file.shared[CODEBOOKS, id_], width, may_split=id_ == 0) if params.by_books[id_] else None
        for id_, width in enumerate(widths)
    ]
    logits, log2_alpha = opacity_tables(params)
    frames: dict[int, Frame] = {}
    earlier: dict[int, list[int]] = {}
    parts: list[tuple[Floats, ...]] = []
    check(file.tiers == sum(layer == 0 for _, layer in file.runs), "a tier without a run")
    for tier in range(file.tiers):
        first = file.runs.get((tier, 0), [])
        rest = {chunk.tile: chunk for chunk in file.runs.get((tier, 1), [])}
        check(not rest.keys() - {chunk.tile for chunk in first}, "a layer 1 without its layer 0")
        for chunk in first:
            check(1 <= chunk.splats <= MAX_CHUNK_SPLATS, "splats of a chunk")
            check(chunk.splats <= MAX_SPLATS_PER_BYTE * len(chunk.payload), "splats of a chunk")
            # 6.2 Head: a frame with the first chunk of a tile
            block = Bytes(chunk.payload)
            has_frame = block.byte()
            check(has_frame == (chunk.tile not in frames), "a tile has one grid")
            if has_frame:
                frames[chunk.tile] = read_frame(block)
            frame = frames[chunk.tile]
            streams = open_streams(block, tables, 13)
            check(all(s in streams for s in range(OCTREE, COLOR + 1)), "a stream is missing")
            # 5.1, 5.2
            before = earlier.setdefault(chunk.tile, [])
            cells = octree(streams[OCTREE], streams[COUNT], frame.octree_levels, chunk.splats, before)
            before += cells
            at = coordinates(cells)[places_on_curve(chunk.splats)]
            near = neighbours(at, params.softness)
            # 6.2
            features = np.zeros((chunk.splats, 7), np.int64)
            features[:, SPACING] = spacing_of(near, frame, params.scale_reference)
            distance = bucket(features[:, SPACING])
            # 6.3
            opacity = np.minimum(streams[OPACITY].plane(distance, signed=False), params.opacity_levels + 1)
            features[:, ALPHA] = log2_alpha[opacity]
            if params.classes:
                code_classes(streams[OPACITY], near, features, distance)
            # 6.4
            scales = code_scales(streams[SCALE], books[1], params, near, features, distance)
            distance = distance_in_sizes(near, features, distance)
            # 6.5 to 6.7
            axes = code_rotations(streams[ROTATION], books[2], params, near, features, distance)
            positions = code_positions(streams[POSITION_LOW], params, frame, at, features)
            tile = Tile(near, features, distance, np.zeros(0, F))
            sh = [code_color(streams[COLOR], params, tile)]
            for number in range(OCTREE, COLOR + 1):
                streams[number].end()
            # 6.8
            if file.sh_degree:
                check(chunk.tile in rest and rest[chunk.tile].splats == chunk.splats, "layer 1 of a tile")
                payload = rest[chunk.tile].payload
                check(chunk.splats <= MAX_SPLATS_PER_BYTE * len(payload), "splats of a chunk")
                streams = open_streams(Bytes(payload), tables, 13)
                numbers = [SH_INDEX] if books[0] else []
                if not books[0] or books[0].from_step > -MOST_HALF_OCTAVES:
                    numbers += [SH_1 + s for s in range(file.sh_degree)]
                check(all(number in streams for number in numbers), "an SH stream is missing")
                sh.append(code_sh(streams, books[0], params, tile))
                for number in numbers:
                    streams[number].end()
            parts.append((
                positions,
                (scales + params.scale_reference).astype(F) * SCALE_UNIT,
                np.array([quaternion(a) for a in axes], F),
                logits[opacity],
                np.concatenate(sh, axis=1),
            ))  # fmt: skip
    names = ("positions", "log_scales", "rotations", "opacity_logits", "sh")
    arrays = {name: np.concatenate(column) for name, column in zip(names, zip(*parts, strict=True), strict=True)}
    check(len(arrays["positions"]) == file.splats, "the chunks do not hold the splats that the root promises")
    return arrays
