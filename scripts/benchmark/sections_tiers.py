"""The section about what is seen while a file comes."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.markdown import met, table
from benchmark.record import Row
from benchmark.tiers import FLOOR_BYTES, SHARES

MOST_COST = 0.02
FIRST_SHARE, FIRST_DB = 0.03, 15.0
BARS = {10: 22.0, 50: 30.0}  # dB at so many per cent of the bytes, or FLOOR_BYTES


def streaming(rows: Sequence[Row]) -> list[str]:
    """dB by share of the bytes."""
    rows = [row for row in rows if row["kind"] == "web"]
    return [
        "## While a file comes",
        "",
        "`scripts/bench web`: a file is truncated after a share of its bytes and decoded with `--partial`; dB",
        "against renders of the whole file, from views that no encoder saw: test views, for playbot 12 orbit views.",
        "**plain**: without TIERS (FORMAT.md 3.7), so that no splat stands in for others; **random**: a random",
        "choice of as large a share of all splats.",
        "",
        *table(
            ("scene, preset", *(f"{share} %" for share in SHARES[:-1])),
            [line for row in rows if row["what"] == "file" for line in _curves(row, rows)],
        ),
        f"Targets: the first complete picture (every tile of the first tier) at {FIRST_SHARE:.0%} of the bytes or",
        f"{FLOOR_BYTES // 1024} KiB, whichever is more, with {FIRST_DB:g} dB; "
        + " and ".join(f"{db:g} dB at {share} %" for share, db in BARS.items())
        + f" of the bytes or {FLOOR_BYTES // 1024} KiB;",
        f"tiers cost at most {MOST_COST:.0%} over the same splats in one tier. SOG shows nothing before its last byte.",
        "",
        *table(
            ("scene, preset", "bytes", "tiers cost", "met", "first picture after", "dB", "met",
             *(head for share in BARS for head in (f"dB at {share} %", "met"))),
            [_bars(row, rows) for row in rows if row["what"] == "file"],
        ),
        *_levels(rows),
    ]  # fmt: skip


def _curves(file: Row, rows: Sequence[Row]) -> list[tuple[str, ...]]:
    name = f"{file['scene']}, {file['preset']}"
    by_share = {row["share"]: row for row in rows if row["what"] == "share" and _same(row, file)}

    def line(title: str, key: str) -> tuple[str, ...]:
        return (title, *(_db(by_share[share][key]) for share in SHARES[:-1]))

    return [line(name, "db"), line(f"{name}, plain", "db_plain"), line(f"{name}, random", "db_random")]


def _bars(file: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    cost = file["bytes"] / file["bytes_one_tier"] - 1
    soon = file["first_bytes"] <= max(FIRST_SHARE * file["bytes"], FLOOR_BYTES) and file["first_db"] >= FIRST_DB
    cells = [
        f"{file['scene']}, {file['preset']}",
        f"{file['bytes']:,}",
        f"{100 * cost:.2f} %",
        met(cost, MOST_COST),
        f"{file['first_bytes']:,} ({100 * file['first_bytes'] / file['bytes']:.1f} %)",
        _db(file["first_db"]),
        "yes" if soon else "**no**",
    ]
    for share, least in BARS.items():
        row = next(row for row in rows if row["what"] == "share" and row["share"] == share and _same(row, file))
        cells += [_db(row["db_floor"]), "yes" if (row["db_floor"] or 0) >= least else "**no**"]
    return tuple(cells)


def _levels(rows: Sequence[Row]) -> list[str]:
    lines = [
        (str(row["level"]), f"{row['splats']:,}", f"{row['bytes']:,}", _db(row["db"]))
        for row in rows
        if row["what"] == "level"
    ]
    sog = [f"{row['scene']} {row['bytes']:,}" for row in rows if row["what"] == "sog"]
    return [
        "The levels of detail of playbot's folder (SOG, one file set per level), each loaded after the one before:",
        "",
        *table(("level", "splats", "bytes so far", "dB"), lines),
        *([f"Bytes of SOG files, which show nothing until complete: {', '.join(sog)}.", ""] if sog else []),
    ]


def _same(row: Row, file: Row) -> bool:
    return bool(row["scene"] == file["scene"] and row["preset"] == file["preset"])


def _db(value: float | None) -> str:
    return "-" if value is None else "the same" if value >= 100 else f"{value:.1f}"
