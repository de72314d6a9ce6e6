"""docs/ABLATIONS.md: what each idea is worth, from benchmarks/*.jsonl."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmark.codings import CODINGS_RECORDS, codings
from benchmark.distillation import DISTILLATION_RECORDS, distillation
from benchmark.ideas import IDEAS_RECORDS
from benchmark.pruning import PRUNING_RECORDS, pruning
from benchmark.recipes import RECIPES_RECORDS, recipes
from benchmark.record import Row, read_rows
from benchmark.scenes import ROOT
from benchmark.sections_ideas import ideas
from benchmark.tried import tried

ABLATIONS = ROOT / "docs" / "ABLATIONS.md"

_INTRODUCTION = """\
# Ablations

What each idea of the encoder is worth, compared with its alternatives, and what was tried and left out. Written by the
parts of `scripts/bench` that the sections name, from `benchmarks/*.jsonl`; terms as in BENCHMARKS.md.

"""

_RECORDS = (IDEAS_RECORDS, PRUNING_RECORDS, DISTILLATION_RECORDS, CODINGS_RECORDS, RECIPES_RECORDS)


def write_ablations() -> None:
    """Write the whole document."""
    rows: list[Row] = [row for file in _RECORDS for row in read_rows(file)]
    sections: Sequence[Callable[[Sequence[Row]], list[str]]] = (ideas, pruning, distillation, codings, recipes, tried)
    text = "\n".join(line for section in sections for line in [*section(rows), ""])
    ABLATIONS.write_text(_INTRODUCTION + text.rstrip("\n") + "\n")
