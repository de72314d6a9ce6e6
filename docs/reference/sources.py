"""Section 8 of FORMAT.md: integer codes of quantized sources become floats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reference.numbers import F, Floats, check, exact_exp, exact_log

Doubles = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]
SH_C0 = 0.28209479177387814
SQRT_2 = 1.4142135623730951


@dataclass
class Source:
    """A quantized source."""

    format: str
    version: int
    header: dict[str, Any]
    shapes: dict[str, tuple[int, str]]  # columns and dtype of each array of codes
    tables: Arrays
    codes: Arrays


def is_whole(value: object, below: int) -> bool:
    return type(value) is int and 0 <= value < below


def dequantize(source: Source) -> Arrays:
    """The five arrays of the scene."""
    check(source.version in VERSIONS.get(source.format, ()), "a version of a source format")
    arrays = FORMATS[source.format](source)
    return dict(zip(("positions", "log_scales", "rotations", "opacity_logits", "sh"), arrays, strict=True))


def of_bytes(function: Callable[[int], float], codes: NDArray[Any]) -> Floats:
    """f32 of a float64 function of a byte."""
    return np.array([function(c) for c in range(256)], np.float64).astype(F)[codes]


def logit(alpha: int, value: Callable[[int], float]) -> float:
    return -np.inf if alpha == 0 else np.inf if alpha == 255 else value(alpha)


def kept_three(index: NDArray[Any], a: Doubles, b: Doubles, c: Doubles) -> Floats:
    """w, x, y, z: one component is left out, and positive."""
    rest = np.sqrt(np.maximum(1.0 - (a * a + b * b + c * c), 0.0)).astype(F)
    out = np.empty((len(index), 4), F)
    for left_out in range(4):
        rows = index == left_out
        out[rows, left_out] = rest[rows]
        for k, part in zip([k for k in range(4) if k != left_out], (a, b, c), strict=True):
            out[rows, k] = part[rows].astype(F)
    return out


# --- 8.1 spz ----------------------------------------------------------------------------------------------------------

AXES = ["LDB", "RDB", "LUB", "RUB", "LDF", "RDF", "LUF", "RUF", "LFD", "RFD", "LFU", "RFU", "LBD", "RBD", "LBU", "RBU"]


def spz(source: Source) -> tuple[NDArray[Any], ...]:
    codes, header = source.codes, {"axes": "RUB", **source.header}
    check(is_whole(header.get("sh_degree"), 5) and is_whole(header.get("fractional_bits"), 31), "the header of SPZ")
    check(header["axes"] in AXES, "the header of SPZ")
    check(codes["sh"].shape[1] == 3 * ((header["sh_degree"] + 1) ** 2 - 1), "the SH of SPZ")
    axes = AXES.index(header["axes"])
    x, y, z = (F(-1 if (axes ^ 5) >> bit & 1 else 1) for bit in range(3))
    turned = axes >> 3 & 1
    if source.version == 1:
        p = codes["positions"].view(np.float16).astype(F)
    else:
        check((codes["positions"] < 1 << 24).all(), "an SPZ position has over 24 bits")
        scale = F(2.0 ** -header["fractional_bits"])
        p = (codes["positions"].astype(np.int64) - (1 << 23)).astype(F) * scale
    p = p * np.array([x, y, z], F)
    if turned:
        p = np.stack([p[:, 0], p[:, 2], -p[:, 1]], axis=1)
    scales = codes["scales"].astype(F) / F(16) - F(10)

    def opacity(code: int) -> float:
        a = F(code) / F(255)
        return exact_log(float(a / (F(1) - a)))

    logits = of_bytes(lambda c: logit(c, opacity), codes["alphas"][:, 0])
    q = spz_rotations(source)
    for k, sign in enumerate((y * z, x * z, x * y)):
        q[k] = q[k] * sign
    if turned:
        s = F(0.707106781186547524401)
        q = [s * (-q[3] + q[0]), s * (q[1] + q[2]), s * (-q[1] + q[2]), s * (q[3] + q[0])]
    color = ((codes["colors"].astype(F) / F(255) - F(0.5)) / F(0.15))[:, None]
    one = F(1)
    signs = [
        *(y, z, x),
        *(x * y, y * z, one, x * z, one),
        *(y, x * y * z, y, z, x, z, x),
        *(x * y, y * z, x * y, y * z, one, x * z, one, x * z, y),
    ]
    b = codes["sh"].shape[1] // 3 if "sh" in codes else 0
    rest = np.zeros((len(p), 0, 3), F)
    if b:
        step = np.array(signs[:b], F) * F(1 / 128)
        rest = (codes["sh"].astype(np.int64) - 128).astype(F).reshape(-1, b, 3) * step[:, None]
        if turned:
            rest = quarter_turn(rest)
    return p, scales, np.stack([q[3], *q[:3]], axis=1), logits, np.concatenate([color, rest], axis=1)


def spz_rotations(source: Source) -> list[Floats]:
    """x, y, z, w."""
    if source.version < 3:
        q = [source.codes["rotations"][:, k].astype(F) * (F(1) / F(127.5)) + F(-1) for k in range(3)]
        return [*q, np.sqrt(np.maximum(F(0), F(1) - ((q[0] * q[0] + q[1] * q[1]) + q[2] * q[2])))]
    code = source.codes["rotations"][:, 0].astype(np.int64)
    largest, total = code >> 30, np.zeros(len(code), F)
    out = np.zeros((4, len(code)), F)
    for i in (3, 2, 1, 0):
        rows = largest != i
        v = F(0.707106781186547524401) * (code & 511).astype(F) / F(511)
        v = np.where(code & 512, -v, v)
        out[i, rows] = v[rows]
        total[rows] += (v * v)[rows]
        code = np.where(rows, code >> 10, code)
    np.put_along_axis(out, largest[None], np.sqrt(np.maximum(F(0), F(1) - total))[None], 0)
    return list(out)


def quarter_turn(rest: Floats) -> Floats:
    out = np.empty_like(rest)

    def root(value: float, divisor: float = 1) -> np.float32:
        return F(np.sqrt(value) / divisor)

    c = [rest[:, k] for k in range(rest.shape[1])]
    out[:, 0], out[:, 1], out[:, 2] = -c[1], c[0], c[2]
    if len(c) > 3:
        h, d = root(3, 2), c[3:8]
        turned = [-d[3], -d[1], F(-0.5) * d[2] - h * d[4], d[0], -h * d[2] + F(0.5) * d[4]]
        out[:, 3:8] = np.stack(turned, axis=1)
    if len(c) > 8:
        a, b, e, d = root(5 / 8), root(3 / 8), root(15, 4), c[8:15]
        turned = [
            a * d[3] - b * d[5], -d[1], b * d[3] + a * d[5], -a * d[0] - b * d[2],
            F(-0.25) * d[4] - e * d[6], b * d[0] - a * d[2], -e * d[4] + F(0.25) * d[6],
        ]  # fmt: skip
        out[:, 8:15] = np.stack(turned, axis=1)
    if len(c) > 15:
        a, b, f, e, g, d = root(14, 4), root(2, 4), root(7, 4), root(5, 4), root(35, 8), c[15:24]
        turned = [
            a * d[5] - b * d[7], F(-0.75) * d[1] + f * d[3], b * d[5] + a * d[7], f * d[1] + F(0.75) * d[3],
            (F(0.375) * d[4] + e * d[6]) + g * d[8], -a * d[0] - b * d[2],
            (e * d[4] + F(0.5) * d[6]) - f * d[8], b * d[0] - a * d[2], (g * d[4] - f * d[6]) + F(0.125) * d[8],
        ]  # fmt: skip
        out[:, 15:24] = np.stack(turned, axis=1)
    return out


# --- 8.2 sog ----------------------------------------------------------------------------------------------------------


def sog(source: Source) -> tuple[NDArray[Any], ...]:
    codes, version = source.codes, source.version
    tables = {
        name: (table.view(np.float64) if table.dtype.itemsize == 8 else table.astype(np.float64)).tolist()
        for name, table in source.tables.items()
        if name != "palette"
    }

    def look(name: str, column: int, values: NDArray[Any]) -> Floats:
        table = tables[name]
        if version == 1:
            low, high = table[0][column], table[1][column]
            return of_bytes(lambda c: low + (high - low) * (c / 255), values)
        first = table[1] + (table[1] - table[255]) / 255 if np.isnan(table[0]) else table[0]
        return np.array([first, *table[1:]]).astype(F)[values]

    position = np.empty((len(codes["positions"]), 3), F)
    for axis in range(3):
        low, high = tables["means"][0][axis], tables["means"][1][axis]
        check(max(abs(low), abs(high)) <= 87, "means of a SOG source")
        span = high - low or 1.0
        used, at = np.unique(codes["positions"][:, axis], return_inverse=True)
        folded = [low + span * (c / 65535) for c in used.tolist()]
        size = [exact_exp(abs(v)) - 1.0 for v in folded]
        position[:, axis] = np.array([-e if v < 0 else e for v, e in zip(folded, size, strict=True)]).astype(F)[at]
    kept = (codes["rotations"][:, :3].astype(np.float64) / 255 * 2 - 1) / SQRT_2
    check((codes["rotations"][:, 3] >= 252).all(), "rotation mode of a SOG source")
    rotation = kept_three(codes["rotations"][:, 3] - 252, *kept.T)
    scale = np.stack([look("scales", k, codes["scales"][:, k]) for k in range(3)], axis=1)
    color = np.stack([look("sh0", k, codes["colors"][:, k]) for k in range(3)], axis=1)[:, None]
    alpha = codes["colors"][:, 3]
    if version == 1:
        logits = look("sh0", 3, alpha)
    else:
        logits = of_bytes(lambda c: logit(c, lambda v: exact_log(v / 255 / (1 - v / 255))), alpha)
    rest = np.zeros((len(position), 0, 3), F)
    if "labels" in codes:
        palette, label = source.tables["palette"], codes["labels"][:, 0]
        check((label < len(palette)).all(), "a label names no palette row")
        rest = look("shN", 0, palette)[label].reshape(len(position), -1, 3)
    return position, scale, rotation, logits, np.concatenate([color, rest], axis=1)


# --- 8.3 compressed_ply -----------------------------------------------------------------------------------------------


def compressed_ply(source: Source) -> tuple[NDArray[Any], ...]:
    codes = source.codes
    n = len(codes["position"])
    chunk = source.tables["chunks"].astype(np.float64)[np.arange(n) // 256]
    limit = np.where(np.arange(chunk.shape[1]) < 12, float(np.finfo(F).max), 1e37)
    check(np.isfinite(chunk).all() and (np.abs(chunk) <= limit.astype(F)).all(), "a chunk's bounds")

    def unit(name: str, shift: int, bits: int) -> Doubles:
        fields = codes[name][:, 0].astype(np.int64) >> shift & (1 << bits) - 1
        return fields.astype(np.float64) / float((1 << bits) - 1)

    def lerp(low: Doubles, high: Doubles, u: Doubles) -> Doubles:
        out: Doubles = low * (1.0 - u) + high * u
        return out

    def three(name: str, first: int) -> Floats:
        parts = ((21, 11), (11, 10), (0, 11))
        columns = [lerp(chunk[:, first + k], chunk[:, first + 3 + k], unit(name, *parts[k])) for k in range(3)]
        return np.stack(columns, axis=1).astype(F)

    norm = 1.0 / (SQRT_2 * 0.5)
    kept = [(unit("rotation", shift, 10) - 0.5) * norm for shift in (20, 10, 0)]
    rotation = kept_three(codes["rotation"][:, 0] >> 30, *kept)
    color = np.empty((n, 1, 3), F)
    for k in range(3):
        w = unit("color", 24 - 8 * k, 8)
        if chunk.shape[1] == 18:
            w = lerp(chunk[:, 12 + k], chunk[:, 15 + k], w)
        color[:, 0, k] = ((w - 0.5) / SH_C0).astype(F)
    logits = of_bytes(lambda c: logit(c, lambda v: -exact_log(1 / (v / 255) - 1)), codes["color"][:, 0] & 255)
    rest = np.zeros((n, 0, 3), F)
    if "sh" in codes:
        values = of_bytes(lambda v: ((0.0 if v == 0 else 1.0 if v == 255 else (v + 0.5) / 256) - 0.5) * 8, codes["sh"])
        rest = values.reshape(n, 3, -1).transpose(0, 2, 1)
    return three("position", 0), three("scale", 6), rotation, logits, np.concatenate([color, rest], axis=1)


# --- 8.4 splat --------------------------------------------------------------------------------------------------------


def log_scales(linear: NDArray[Any], smallest: float) -> Floats:
    """float64 linear scales, with 0 as `smallest`."""
    used, at = np.unique(linear.view(np.int64), return_inverse=True)
    bad = [not (v >= 0) for v in used.view(np.float64).tolist()]
    values = [
        np.nan if b else np.inf if v == np.inf else exact_log(max(v, smallest))
        for b, v in zip(bad, used.view(np.float64).tolist(), strict=True)
    ]
    return np.array(values, np.float64).astype(F)[at].reshape(linear.shape)


def byte_color(colors: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """SH degree 0 and opacity logits of RGBA bytes."""
    color = of_bytes(lambda c: (c / 255 - 0.5) / SH_C0, colors[:, :3])[:, None]
    return color, of_bytes(lambda c: logit(c, lambda a: exact_log(a / (255 - a))), colors[:, 3])


def splat(source: Source) -> tuple[NDArray[Any], ...]:
    codes = source.codes
    color, logits = byte_color(codes["colors"])
    rotation = (codes["rotations"].astype(np.int64) - 128).astype(F) / F(128)
    scale = log_scales(codes["scales"].view(F).astype(np.float64), 2.0**-126)
    return codes["positions"].view(F), scale, rotation, logits, color


# --- 8.5 ksplat -------------------------------------------------------------------------------------------------------


def ksplat(source: Source) -> tuple[NDArray[Any], ...]:
    codes, tables, header = source.codes, source.tables, source.header
    level, low, high = (header.get(name) for name in ("compression_level", "sh_min", "sh_max"))
    check(is_whole(level, 3), "the compression level")
    check(all(type(v) in (int, float) and abs(v) <= np.finfo(F).max for v in (low, high)), "the range of SH")
    bucket = codes["buckets"][:, 0]
    check((bucket < len(tables["bucket_centers"])).all(), "a splat names no bucket")
    section = tables["bucket_sections"][bucket]
    check((tables["bucket_sections"] < len(tables["ranges"])).all(), "a bucket names no section")
    wide = F if level == 0 else np.float16
    if level == 0:
        position = codes["positions"].view(F)
    else:
        ranges = tables["ranges"].astype(np.float64)[section][:, None]
        check((ranges > 0).all(), "range of a section")
        step = (tables["block_sizes"].astype(np.float64)[section][:, None] / 2) / ranges
        centre = tables["bucket_centers"].astype(np.float64)[bucket]
        position = ((codes["positions"].astype(np.float64) - ranges) * step + centre).astype(F)
    scale = log_scales(codes["scales"].view(wide).astype(np.float64), 2.0**-126 if level == 0 else 2.0**-25)
    rotation = codes["rotations"].view(wide).astype(F)
    color, logits = byte_color(codes["colors"])
    rest = np.zeros((len(position), 0, 3), F)
    if "sh" in codes:
        sh = codes["sh"]
        low, high = float(low), float(high)
        values = of_bytes(lambda c: c / 255 * (high - low) + low, sh) if level == 2 else sh.view(wide).astype(F)
        n, width = values.shape
        degree_1 = values[:, :9].reshape(n, 3, min(3, width // 3)).transpose(0, 2, 1)
        degree_2 = values[:, 9:].reshape(n, 3, max(0, width // 3 - 3)).transpose(0, 2, 1)
        rest = np.concatenate([degree_1, degree_2], axis=1)
        stored = np.array([0, 3, 8])[tables["sh_degrees"].astype(np.int64)][section]
        rest = np.where(np.arange(rest.shape[1])[:, None] < stored[:, None, None], rest, F(0))
    return position, scale, rotation, logits, np.concatenate([color, rest], axis=1)


def float32(source: Source) -> tuple[NDArray[Any], ...]:
    c = {name: np.ascontiguousarray(array).view(F) for name, array in source.codes.items()}
    sh = c["sh"].reshape(len(c["sh"]), -1, 3)
    return c["positions"], c["log_scales"], c["rotations"], c["opacity_logits"][:, 0], sh


VERSIONS = {"spz": (1, 2, 3, 4), "sog": (1, 2), "compressed_ply": (1,), "splat": (1,), "ksplat": (1,), "float32": (1,)}
FORMATS: dict[str, Callable[[Source], tuple[NDArray[Any], ...]]] = {
    "spz": spz,
    "sog": sog,
    "compressed_ply": compressed_ply,
    "splat": splat,
    "ksplat": ksplat,
    "float32": float32,
}
