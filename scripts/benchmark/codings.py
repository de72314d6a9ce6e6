"""Numbers or codebooks: what each way of coding SH, scales and rotations costs at equal quality, real bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmark.curve import size_at
from benchmark.markdown import table
from benchmark.record import Row
from benchmark.scenes import ROOT, BenchScene
from splatzip import Profile, Scene, Views, decompress, info
from splatzip.encode import encode
from splatzip.kernels.vq import nearest_entries
from splatzip.quality import compare
from splatzip.quantize import residual_vq, stepped, sub_vector_vq, vec_tree

CODINGS_RECORDS = ROOT / "benchmarks" / "codings.jsonl"
CODINGS_SCENES = ("snowmiku", "chair")
FINENESS = (-2.4, -1.7, -1.0, -0.3, 0.4)
COLUMNS = {"snowmiku": (34.0, 37.0, 40.0), "chair": (39.0, 42.0, 45.0)}

R, S, V = residual_vq.Options, sub_vector_vq.Options, vec_tree.Options
CODINGS: dict[str, Mapping[str, Any]] = {
    "numbers": {},
    "SH: residual, 8 x 64": {"sh_books": R(8, 64)},
    "SH: sub-vector, 8 x 64": {"sh_books": S(8, 64)},
    "SH: sub-vector, 3 x 1,024, unpriced": {"sh_books": S(3, 1024, price=0.0)},
    "SH: VecTree, 60 % on 256": {"sh_books": V(0.6, 256, price=residual_vq.PRICE)},
    "SH: VecTree, 60 % on 8,192, unpriced": {"sh_books": V()},
    "scales: residual, 6 x 64": {"scale_books": R(6, 64)},
    "scales: sub-vector, 3 x 64": {"scale_books": S(3, 64)},
    "rotations: residual, 6 x 64": {"rotation_books": R(6, 64)},
    "rotations: sub-vector, 2 x 512": {"rotation_books": S(2, 512)},
}
SH_OCTAVES = (0.0, -0.7)  # books leave more of SH behind than numbers at the same step: they may have finer ones


def measure_codings(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """A curve for each coding; for those of SH one for each step of SH relative to the others."""
    assert scene.cameras is not None
    views = Views.load(scene.cameras, split="test", photos=False)
    yield {"search_s": round(search_seconds(), 3)}
    for name, books in CODINGS.items():
        for octaves in SH_OCTAVES if "sh_books" in books else (0.0,):
            for fineness in FINENESS:
                options = stepped.Options(fineness, octaves={"sh": octaves}, **books)
                start = time.process_time()
                data = encode(source, Profile("fast", options))
                cpu = time.process_time() - start
                attributes = info(data)["attributes"]
                yield {
                    "coding": name,
                    "sh_octaves": octaves,
                    "fineness": fineness,
                    "bits": round(8 * len(data) / len(source), 3),
                    "psnr_db": round(compare(source, decompress(data), views).psnr, 3),
                    "cpu_s": round(cpu, 2),
                    **{f"{what}_bits": round(attributes[what]["bits"], 3) for what in ("sh", "scale", "rotation")},
                }


def search_seconds() -> float:
    """Assigning 200,000 rows of 48 numbers to 16,384 entries on one core: the least of three."""
    rng = np.random.default_rng(0)
    rows, entries = (rng.integers(-500, 501, (n, 48)).astype(np.int16) for n in (200_000, 16_384))
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        nearest_entries(rows, entries, threads=1)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def codings(rows: Sequence[Row]) -> list[str]:
    """The section of the table."""
    recorded = [row for row in rows if row["kind"] == "codings" and "coding" in row]
    searches = [row["search_s"] for row in rows if row["kind"] == "codings" and "search_s" in row]
    lines = ["## Numbers or codebooks", "", *_INTRODUCTION, ""]
    for scene, columns in COLUMNS.items():
        of_scene = [row for row in recorded if row["scene"] == scene]
        if not of_scene:
            continue
        numbers = [_bits(of_scene, "numbers", db) for db in columns]
        cells = [
            (
                name,
                *(_cell(_bits(of_scene, name, db), least) for db, least in zip(columns, numbers, strict=True)),
                f"{max(row['cpu_s'] for row in of_scene if row['coding'] == name):.1f}",
            )
            for name in CODINGS
        ]
        lines += table((scene, *(f"{db:g} dB" for db in columns), "CPU s, at most"), cells)
    if searches:
        lines.append(
            f"The search alone: 200,000 rows of 48 numbers against 16,384 entries in {min(searches):.1f} s on one core."
        )
    return [*lines, "", *_FOUND]


_INTRODUCTION = """\
`scripts/bench codings`: bits per splat of whole files of `fast`, including codebooks, at equal dB against the source
from the test views, interpolated between five finenesses; in parentheses relative to scalar codes (numbers). SH
codebooks may have the same SH steps as numbers or finer ones (0.7 of an octave), whichever is cheaper. Books are
priced (entropy-constrained) unless stated. CPU s: of encoding.""".splitlines()

_FOUND = """\
Numbers win: after KLT and prediction from neighbours, dimensions share little, contexts make zeros almost free, and
numbers reach any quality where books run out of entries. Residual books of scales win at the lowest quality because
they are priced; numbers are rounded without a price. So numbers stay the default, and books serve the recipes.

Tried and left out (chair near 42 dB, bits at equal dB): retraining books on the residuals in the loop, one or two more
rounds: SH +0.2 and +0.3, rotations +0.5, scales -0.1 to -0.6; entries in 1/16 of a step instead of 1/4: +0.8 (four
stages of 256).""".splitlines()


def _bits(rows: Sequence[Row], name: str, db: float) -> float | None:
    found = []
    for octaves in SH_OCTAVES:
        of_curve = [row for row in rows if (row["coding"], row["sh_octaves"]) == (name, octaves)]
        bits = size_at([(row["psnr_db"], row["bits"]) for row in of_curve], db)
        found += [bits] if bits is not None else []
    return min(found, default=None)


def _cell(bits: float | None, numbers: float | None) -> str:
    if bits is None or numbers is None:
        return ""
    return f"{bits:.1f}" if bits == numbers else f"{bits:.1f} ({100 * (bits / numbers - 1):+.1f} %)"
