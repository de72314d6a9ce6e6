"""What a verb did: a table on stdout, or the same as JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from splatzip.cli.console import printable

if TYPE_CHECKING:
    from splatzip import Scene


class Stopwatch:
    """Seconds by step, in the order that they were taken."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block."""
        start = perf_counter()
        yield
        self.seconds[name] = round(perf_counter() - start, 4)


def conversion(source: Path, target: Path, scene: Scene, watch: Stopwatch, **more: Any) -> dict[str, Any]:
    """The summary of a verb that turned `source` into `target`."""
    from splatzip import stored_bytes

    return {
        "input": str(source),
        "input_bytes": stored_bytes(source),
        "output": str(target),
        "output_bytes": stored_bytes(target),
        "splats": len(scene),
        "sh_degree": scene.sh_degree,
        **more,
        "dropped": dict(scene.meta.dropped),
        "seconds": watch.seconds,
    }


def exported(source: Path, target: Path, watch: Stopwatch) -> dict[str, Any]:
    """The summary of a verb that made a page, or a folder of them, of `source`."""
    from splatzip import stored_bytes

    return {
        "input": str(source),
        "input_bytes": stored_bytes(source),
        "output": str(target),
        "output_bytes": sum(file.stat().st_size for file in (target.iterdir() if target.is_dir() else [target])),
        "seconds": watch.seconds,
    }


def show(report: Mapping[str, Any], *, as_json: bool, quiet: bool) -> None:
    """Print a report the way that was asked for."""
    if as_json:
        print(json.dumps(report, indent=2))
    elif not quiet:
        print_report(report)


def print_report(report: Mapping[str, Any]) -> None:
    """The table: facts first, then bytes and bits a splat by attribute where the report has them."""
    from rich.console import Console
    from rich.table import Table

    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    for name, value in _facts(report):
        facts.add_row(name, printable(value))
    console = Console(highlight=False, markup=False)
    console.print(facts)
    if "attributes" in report:
        console.print()
        console.print(_attribute_table(report))


def _facts(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("file", "input", "output"):
        if name in report:
            size = report.get(f"{name}_bytes", report.get("bytes"))
            yield name, f"{report[name]}  ({size:,} bytes)"
    kept = report.get("kept", report["splats"])
    fewer = f"; {kept:,} kept" if kept < report["splats"] else ""
    yield "splats", f"{report['splats']:,}, SH degree {report['sh_degree']}{fewer}"
    if "ratio" in report:
        yield "ratio", f"{report['ratio']:.2f}  (float32 scene / file)"
        yield "bits per splat", f"{report['bits_per_splat']:.2f}" + (f"  (of {report['splats']:,})" if fewer else "")
    for name in ("version", "tiles", "tiers", "view", "pixels", "frames", "fps", "depth_of_a_level"):
        if name in report:
            yield name, str(report[name])
    if report.get("source"):
        yield "source", f"{report['source']}: its codes are kept"
    if any(report.get("origin", ())):
        yield "origin", "  ".join(f"{x + 0.0:.10g}" for x in report["origin"])
    if "bounds" in report:
        low, high = report["bounds"]
        yield "bounds", "  ".join(f"{a:g} .. {b:g}" for a, b in zip(low, high, strict=True))
    for name in ("settings", "quality", "meta", "dropped"):
        if report.get(name):
            yield name, "  ".join(f"{key}: {value}" for key, value in report[name].items())
    if "seconds" in report:
        steps = report["seconds"]
        detail = ", ".join(f"{name} {value:.2f}" for name, value in steps.items())
        yield "time", f"{sum(steps.values()):.2f} s  ({detail})"


def _attribute_table(report: Mapping[str, Any]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("attribute")
    for title in ("bytes", "bits per splat", "share"):
        table.add_column(title, justify="right")
    total = report.get("output_bytes", report.get("bytes"))
    rows = {name: row["bytes"] for name, row in report["attributes"].items()}
    rows["container"] = total - sum(rows.values())
    rows["total"] = total
    for name, size in rows.items():
        table.add_row(name, f"{size:,}", f"{8 * size / report['splats']:.2f}", f"{size / total:.1%}")
    return table
