"""The sections about size: bars at equal dB, bits by attribute, curves, transcoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmark.curve import size_at
from benchmark.markdown import met, table, yes
from benchmark.published import AIM_DB, AIM_TOTAL, AIMS, POINTS
from benchmark.record import Row

ATTRIBUTES = ("position", "scale", "rotation", "opacity", "color", "sh")


def bars(rows: Sequence[Row]) -> list[str]:
    """Our bytes over a peer's at the peer's dB."""
    lines = []
    for point in POINTS:
        ours = size_at(_curve(rows, point.scene, lambda row: row["bytes"]), point.db)
        quotient = None if ours is None else ours / point.size_bytes
        lines.append(
            (
                point.scene,
                point.codec,
                f"{point.size_bytes:,}",
                f"{point.db:.2f}",
                "outside the curve" if ours is None else f"{ours:,.0f}",
                "" if quotient is None else f"{quotient:.3f}",
                "" if point.most_of_it is None else f"{point.most_of_it:.2f}",
                "" if point.most_of_it is None else met(quotient, point.most_of_it),
            )
        )
    for row in rows:
        if row["kind"] == "quality" and row["tool"] != "splatzip" and row["views"] == "test":
            ours = size_at(_curve(rows, row["scene"], lambda r: r["bytes"]), row["db"])
            lines.append(
                (
                    row["scene"],
                    f"SPZ v4 by {row['tool']} {row['version']}",
                    f"{row['bytes']:,}",
                    f"{row['db']:.2f}",
                    "outside the curve" if ours is None else f"{ours:,.0f}",
                    "" if ours is None else f"{ours / row['bytes']:.3f}",
                    "",
                    "",
                )
            )
    heads = ("scene", "codec", "its bytes", "its dB", "our bytes at its dB", "quotient", "at most", "met")
    return [
        "## Size at equal dB",
        "",
        "Test views. Our bytes are interpolated between the qualities below, in log bytes. SPZ and L-GSC: published",
        "measurements of nianticlabs/spz 3.0 and qualcomm/lite-3Dgsplat-codec 1.0 on these scenes and views",
        "(`scripts/benchmark/published.py`); splat-transform was run here.",
        "",
        *table(heads, lines),
    ]


def bits_by_attribute(rows: Sequence[Row]) -> list[str]:
    """Bits a splat of each attribute at one dB, beside what the design aims at."""
    lines = []
    for name, aim in (*AIMS.items(), ("container", None), ("whole file", AIM_TOTAL)):
        ours = [size_at(_curve(rows, scene, lambda row, name=name: _bits(row, name)), AIM_DB)
                for scene in ("snowmiku", "chair")]  # fmt: skip
        shown = ["outside the curve" if bits is None else f"{bits:.2f}" for bits in ours]
        lines.append((name, *shown, "" if aim is None else f"{aim:g}"))
    return [
        f"## Bits a splat at {AIM_DB:g} dB",
        "",
        "Test views, interpolated like the sizes above.",
        "",
        *table(("attribute", "snowmiku", "chair", "aim on snowmiku, at most"), lines),
    ]


def qualities(rows: Sequence[Row]) -> list[str]:
    """Every point that was measured, the two kinds of views apart."""
    lines = ["## Quality and size", ""]
    heads = ("scene", "tool and setting", "bytes", "ratio", "dB", "worst", "bits", *ATTRIBUTES, "container")
    for views, title in (("test", "Test views"), ("orbit", "12 orbit views")):
        chosen = [row for row in rows if row["kind"] == "quality" and row["views"] == views]
        shown = [
            (
                row["scene"],
                _setting(row),
                f"{row['bytes']:,}",
                f"{row['ratio']:.1f}",
                f"{row['db']:.2f}",
                f"{row['db_worst']:.2f}",
                f"{row['bits_per_splat']:.1f}",
                *(
                    f"{row['bits'][name]:.1f}" if name in row.get("bits", {}) else ""
                    for name in (*ATTRIBUTES, "container")
                ),
            )
            for row in chosen
        ]
        lines += [f"{title}:", "", *table(heads, shown)]
    return lines


def transcoding(rows: Sequence[Row]) -> list[str]:
    """Bytes over the source's, and what is identical."""
    checks = ("floats", "codes", "tables", "header", "written_again")
    lines = []
    for row in (row for row in rows if row["kind"] == "transcoding"):
        quotient, bar = row["bytes"] / row["source_bytes"], row["most_of_source"]
        one_tier = row["bytes_one_tier"] / row["source_bytes"]
        lines.append(
            (
                row["scene"],
                f"{row['splats']:,}",
                f"{row['source_bytes']:,}",
                f"{row['bytes']:,}",
                f"{quotient:.3f}",
                "" if bar is None else f"{bar:.2f}",
                "" if bar is None else met(quotient, bar),
                f"{one_tier:.3f}",
                "" if bar is None else met(one_tier, bar),
                f"{row['bits_per_splat']:.1f}",
                *(yes(row[check]) for check in checks),
            )
        )
    heads = ("source", "splats", "its bytes", "our bytes", "quotient", "at most", "met", "in one tier", "met", "bits",
             "floats", "codes", "tables", "header", "written again")  # fmt: skip
    return [
        "## Lossless transcoding",
        "",
        "The size of a SOG folder is its meta.json and the images it names. Identical after decoding, up to the",
        "order of splats and palette rows: the floats bit by bit; the source's codes, palette, bounds, header and",
        "records; and the codes in a file of the source's own format written from the decoded scene (-: splatzip",
        "does not write that version). **In one tier**: the same codes without tiers, that is without a picture of",
        "the whole scene after the first few per cent. Tiers may cost 2 %.",
        "",
        *table(heads, lines),
    ]


def _curve(rows: Sequence[Row], scene: str, size: Any) -> list[tuple[float, float]]:
    points = [
        row
        for row in rows
        if (row["kind"], row["scene"]) == ("quality", scene)
        and row["tool"] == "splatzip"
        and row["quality"] is not None
    ]
    return [(row["db"], size(row)) for row in sorted(points, key=lambda row: float(row["quality"]))]


def _bits(row: Row, name: str) -> float:
    value = row["bits_per_splat"] if name == "whole file" else row["bits"][name]
    return max(float(value), 1e-6)  # its logarithm is interpolated


def _setting(row: Row) -> str:
    if row["tool"] != "splatzip":
        return f"{row['tool']} {row['version']}, SPZ v4"
    return str(row["preset"]) if row["quality"] is None else f"--quality {row['quality']:g}"
