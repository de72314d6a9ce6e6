"""The section about what each idea of `balanced` is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmark.ideas import BESIDE, CONTEXTS, NOTHING
from benchmark.ideas import ideas as ideas_of
from benchmark.markdown import table
from benchmark.record import Row
from splatzip import balance

_ATTRIBUTES = ("position", "scale", "rotation", "opacity", "color", "sh")
_INTRODUCTION = """\
`scripts/bench ideas`: balanced, no cameras given, with one idea switched off at a time and everything else unchanged;
settings are not tuned again without it. **bits**: per stored splat, of the whole file, then by attribute (classes
count as opacity). **dB**: test views, against the source (worst view); **orbit**: orbit views; **lost**: against
photos. **at equal dB**: how many bytes more (+) or fewer than with nothing off, if both had the same dB from the test
views, or (**around**) from the orbit views: extrapolated along the slope of nothing off at three finenesses, so the
farther the dB are apart, the rougher it is. **CPU s**: of the whole encode, including shared stages.

- *steps that follow what is decoded* off: all splats have the same steps except for their classes, in the proportion
  that attributes had on average; finer by 1.3 units, to come near the same dB.
- *contexts* off: the symbols of the file with nothing off, counted as if each stream had one table.
- *KLT* off: red, green and blue, or the coefficients, coded directly. *from neighbours* off: no such prediction.
- For given cameras, with and without pseudo-views, see `balanced --views` in BENCHMARKS.md.
""".splitlines()


def ideas(rows: Sequence[Row]) -> list[str]:
    """The section of the table."""
    place = {name: at for at, name in enumerate([*(idea.name for idea in ideas_of(balance.Options())), CONTEXTS])}
    recorded = [row for row in rows if row["kind"] == "ideas"]
    lines = ["## Balanced without each of its ideas", "", *_INTRODUCTION, ""]
    for scene in dict.fromkeys(row["scene"] for row in recorded):
        by_name = {row["off"]: row for row in recorded if row["scene"] == scene}
        shown = sorted(by_name.values(), key=lambda row: place[row["off"]])
        heads = (
            scene,
            "bytes",
            "splats",
            "bits",
            *_ATTRIBUTES,
            "dB",
            "orbit",
            "lost",
            "at equal dB",
            "around",
            "CPU s",
        )
        lines += table(heads, [_cells(row, by_name) for row in shown])
    return lines


def _cells(row: Row, rows: Mapping[str, Row]) -> list[str]:
    return [
        row["off"],
        f"{row['bytes']:,}",
        f"{row['stored_splats']:,}",
        f"{8 * row['bytes'] / row['stored_splats']:.1f}",
        *(f"{row['bits'][name]:.1f}" for name in _ATTRIBUTES),
        f"{row['db']:.2f} ({row['db_worst']:.1f})",
        f"{row['orbit_db']:.1f}",
        f"{row['lost_db']:.2f}",
        *(_beyond(row, rows, measure) for measure in ("db", "orbit_db")),
        f"{row['cpu_s']:.0f}",
    ]


def _beyond(row: Row, rows: Mapping[str, Row], measure: str) -> str:
    """Bytes at the dB that nothing off has, beyond its bytes."""
    curve = [rows[name] for name in (NOTHING, *BESIDE) if name in rows]
    if NOTHING not in rows or len(curve) < 2 or row["off"] in (NOTHING, *BESIDE):
        return ""
    whole, coarse, fine = rows[NOTHING], *(pick(curve, key=lambda one: one["bytes"]) for pick in (min, max))
    slope = math.log(fine["bytes"] / coarse["bytes"]) / (fine[measure] - coarse[measure])
    size = row["bytes"] * math.exp(slope * (whole[measure] - row[measure]))
    return f"{100 * (size / whole['bytes'] - 1):+.1f} %"
