"""What `compare` prints for people: a table of views for each file, worst first, then all files in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splatzip.cli.console import printable

if TYPE_CHECKING:
    from splatzip import Comparison


class Metric(str, Enum):
    """Further metrics; the same names as in JSON."""

    ms_ssim = "ms_ssim"
    flip = "flip"
    lpips = "lpips"


def print_comparisons(found: Sequence[Comparison], ref: Path) -> None:
    """The tables; rate and quality stand side by side in the last."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    for comparison in found:
        console.print(printable(comparison.name), style="bold")
        console.print(_views(comparison))
        console.print()
    console.print(f"against {ref}, {found[0].seen_from}")
    console.print(_files(found))


def _views(comparison: Comparison) -> Any:
    photos = ("photo dB", "source dB") if comparison.photo else ()
    table = _table("view", *photos, *_titles(comparison))
    rows: list[tuple[str, Any]] = [(view.name, view) for view in comparison.worst_first()]
    for name, of in (*rows, (f"mean of {len(rows)}", comparison)):
        against = (f"{of.photo.test_psnr:.2f}", f"{of.photo.ref_psnr:.2f}") if of.photo else ("",) * len(photos)
        table.add_row(printable(name), *against, *_quality(of), style="bold" if of is comparison else None)
    return table


def _files(found: Sequence[Comparison]) -> Any:
    table = _table("file", "bytes", "ratio", "splats", *_titles(found[0]))
    for comparison in found:
        stored = (f"{comparison.bytes:,}", f"{comparison.ratio:.2f}", f"{comparison.splats:,}")
        table.add_row(printable(comparison.name), *stored, *_quality(comparison))
    return table


def _table(first: str, *numbers: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column(first, overflow="fold")
    for title in numbers:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _titles(comparison: Comparison) -> Iterator[str]:
    if comparison.photo:
        yield "lost dB"
    yield from ("PSNR dB", "SSIM", *comparison.extra)


def _quality(of: Any) -> Iterator[str]:
    """The cells below `_titles`, of a view or of the means of a comparison."""
    if of.photo is not None:
        yield "0.00" if abs(of.photo.lost) < 0.005 else f"{of.photo.lost:+.2f}"
    yield f"{of.psnr:.2f}"
    yield f"{of.ssim:.4f}"
    for value in of.extra.values():
        yield f"{value:.4f}"
