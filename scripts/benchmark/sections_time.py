"""The sections about time, memory and invariance."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from benchmark.markdown import spread, table, yes
from benchmark.published import POINTS
from benchmark.record import Row

_MOST_MEMORY = 1.5  # of decoding, over the decoded arrays


def codec_speed(rows: Sequence[Row]) -> list[str]:
    """Millions of splats a second in memory."""
    lines = []
    for (scene, threads), group in _grouped(rows, "speed", "scene", "threads"):
        first = group[0]
        memory = first["decode_peak_bytes"] / first["decoded_bytes"]
        lines.append(
            (
                scene,
                f"{first['splats']:,}",
                str(first["sh_degree"]),
                first["preset"],
                "all" if threads == 0 else str(threads),
                spread([row["splats"] / row["encode_s"] / 1e6 for row in group], 2),
                spread([row["splats"] / row["decode_s"] / 1e6 for row in group], 2),
                f"{first['decode_peak_bytes'] / 1e6:.0f} MB",
                f"{memory:.2f}",
            )
        )
    heads = ("scene", "splats", "SH", "preset", "threads", "encode, M splats/s", "decode, M splats/s",
             "peak memory of decoding", "over the decoded arrays")  # fmt: skip
    return [
        "## The codec in memory",
        "",
        "`splatzip.compress` of a scene and `splatzip.decompress` of its bytes, after one warm-up. Peak memory:",
        "resident, in a separate process, above what the interpreter held before. Targets at SH 3 on 2 cores: encode",
        f"0.5, decode 5 M splats/s; memory at most {_MOST_MEMORY} x the decoded arrays: the floats, and for a",
        "quantized source also its codes and tables, which are decoded with it.",
        "",
        *table(heads, lines),
    ]


def commands(rows: Sequence[Row]) -> list[str]:
    """Seconds of whole commands, and how many times a peer's they are."""
    lines = []
    for (scene, direction), group in _grouped(rows, "commands", "scene", "direction"):
        ours = [row for row in group if row["tool"] == "splatzip"]
        for peer in sorted({row["tool"] for row in group} - {"splatzip"}):
            theirs = [row for row in group if row["tool"] == peer]
            quotients = [a["wall_s"] / b["wall_s"] for a, b in zip(ours, theirs, strict=True)]
            lines.append(
                (
                    scene,
                    direction,
                    _seconds(ours),
                    _seconds(theirs),
                    spread(quotients, 3),
                    yes(statistics.median(quotients) < 1),
                    f"{statistics.median(row['cpu_s'] for row in ours):.2f}",
                    f"{statistics.median(row['cpu_s'] for row in theirs):.2f}",
                    _published_cpu(scene, direction),
                    f"{max(row['peak_bytes'] for row in ours) / 1e6:.0f}",
                    f"{max(row['peak_bytes'] for row in theirs) / 1e6:.0f}",
                )
            )
    peers = sorted({f"{r['tool']} {r['version']}" for r in rows if r["kind"] == "commands" and r["tool"] != "splatzip"})
    heads = ("scene", "direction", "splatzip, s", "peer, s", "quotient", "ahead", "splatzip CPU s", "peer CPU s",
             "SPZ C++ CPU s", "splatzip MB", "peer MB")  # fmt: skip
    return [
        "## Whole commands",
        "",
        "File to file, from and to the float PLY, tools alternating in one run; the quotient is the median over",
        f"rounds. Peer: {', '.join(peers) or 'none'}, SPZ v4. SPZ C++: published CPU seconds of nianticlabs/spz 3.0 on",
        "another two-core machine, comparable only in order of magnitude. MB: peak of the whole process.",
        "",
        *table(heads, lines),
    ]


def invariance(rows: Sequence[Row]) -> list[str]:
    """Errors with a change over those without."""
    chosen = [row for row in rows if row["kind"] == "invariance"]
    lines = [
        (
            row["scene"],
            row["change"],
            row["attribute"],
            f"{row['max_without']:.3g}",
            f"{row['max_with']:.3g}",
            f"{row['mean_without']:.3g}",
            f"{row['mean_with']:.3g}",
            yes(row["held"]),
        )
        for row in chosen
    ]
    heads = ("scene", "change", "attribute", "max without", "max with", "mean without", "mean with", "held")
    return [
        "## Moved, scaled, with an outlier",
        "",
        "Errors per splat of the preset `fast`, in the scene's own scale; held: largest and mean error at most 1.05 x",
        f"those without the change, plus one float32 unit in the last place of the coordinate. {_held(chosen)}",
        "",
        *table(heads, lines),
    ]


def _held(chosen: Sequence[Row]) -> str:
    return f"{sum(row['held'] for row in chosen)} of {len(chosen)} hold."


def _seconds(group: Sequence[Row]) -> str:
    return spread([row["wall_s"] for row in group], 2)


def _published_cpu(scene: str, direction: str) -> str:
    for point in POINTS:
        if (point.scene, point.codec) == (scene, "SPZ v4, default"):
            seconds = point.encode_cpu_s if direction == "compress" else point.decode_cpu_s
            return f"{seconds:.2f}"
    return ""


def _grouped(rows: Sequence[Row], kind: str, *keys: str) -> Iterable[tuple[tuple[Any, ...], list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row["kind"] == kind:
            groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups.items()
