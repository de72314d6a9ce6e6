"""docs/BENCHMARKS.md from benchmarks/*.jsonl."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmark.asked import ASKED_RECORDS, asked
from benchmark.pseudo import VIEWS_RECORDS, pseudo_views
from benchmark.rd import RD_RECORDS
from benchmark.record import RECORDS, Row, read_rows
from benchmark.render import RENDER_RECORDS
from benchmark.scale import SCALE_RECORDS, scale
from benchmark.scenes import ROOT, SCENES
from benchmark.sections_rd import draw, rate_and_distortion
from benchmark.sections_render import rendering
from benchmark.sections_size import bars, bits_by_attribute, qualities, transcoding
from benchmark.sections_tiers import streaming
from benchmark.sections_time import codec_speed, commands, invariance
from benchmark.tiers import WEB_RECORDS
from benchmark.viewer import VIEWER_RECORDS, looking
from benchmark.waiting import waiting
from benchmark.web import decoding
from benchmark.web_memory import memory

TABLE = ROOT / "docs" / "BENCHMARKS.md"

_ROWS = (RD_RECORDS, ASKED_RECORDS, SCALE_RECORDS, RECORDS, VIEWS_RECORDS, WEB_RECORDS, VIEWER_RECORDS)
_INTRODUCTION = """\
# Benchmarks

Written by `scripts/bench` with `rd`, `asked`, `scale`, `codec`, `views`, `web`, `viewer` and `render` (any of them
with `--table` rewrites it) from `benchmarks/*.jsonl`, which hold one JSON line per repetition with the revision, the
scene's checksum and the machine. Every file measured here was verified and decoded in the same run. Values are
medians, with the range of the repetitions in parentheses.

- **ratio**: bytes as float32 PLY without normals over bytes of the file. **bits**: of the whole file, per splat.
- **dB**: mean over views of the PSNR between renders of the decoded scene and of its source, by an independent CPU
  renderer; **worst**: the worst view. Views are the test views where the scene's photos have a split, else 12 orbit
  views: the two differ by up to 6 dB for the same file, so no table mixes them. Except in the preset balanced,
  rendering serves only the measurement.
- MB and KB are 10^6 and 10^3 bytes.

"""


def write_table() -> None:
    """Write the whole document."""
    place = {scene.name: number for number, scene in enumerate(SCENES)}
    recorded = [row for file in _ROWS for row in read_rows(file)]
    rows = sorted(recorded, key=lambda row: place.get(row["scene"], len(place)))
    draw(rows)
    sections: Sequence[Callable[[Sequence[Row]], list[str]]] = (
        rate_and_distortion,
        asked,
        scale,
        bars,
        bits_by_attribute,
        qualities,
        transcoding,
        codec_speed,
        commands,
        invariance,
        pseudo_views,
        streaming,
        decoding,
        waiting,
        memory,
        looking,
    )
    drawn = read_rows(RENDER_RECORDS)
    lines = [*_machines([*rows, *drawn]), *(line for section in sections for line in section(rows)), *rendering(drawn)]
    text = _INTRODUCTION + "\n".join(lines).rstrip("\n") + "\n"
    TABLE.write_text(text)


def _machines(rows: Sequence[Row]) -> list[str]:
    """A sentence for each machine: rows say which revision each of them measured."""
    dates: dict[str, set[str]] = {}
    for row in rows:
        dates.setdefault(f"{row['machine']} ({row['isa']})", set()).add(row["date"])
    said = [f"Measured on {machine}: {', '.join(sorted(days))}." for machine, days in sorted(dates.items())]
    return [*said, ""]
