"""`splatzip compare`: what a setting costs, in numbers and to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from splatzip.cli import options as of
from splatzip.cli.console import Progress, progress_bar
from splatzip.cli.quality_table import Metric, print_comparisons
from splatzip.cli.source import warn_of_dropped
from splatzip.cli.target import check_target, write_whole


def compare(
    ref: Annotated[Path, typer.Argument(metavar="REF", help="The source, in any format.", readable=False)],
    tests: Annotated[list[Path], typer.Argument(metavar="TEST", help="Versions of it, in any format.", readable=False)],
    views: of.ViewsPath = None,
    split: of.SplitOption = of.SplitOf.test,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write a report page with pictures and charts.", readable=False),
    ] = None,
    metrics: Annotated[
        list[Metric] | None, typer.Option("--metric", help="Also measure this; lpips and flip need more packages.")
    ] = None,
    background: of.Background = (0, 0, 0),
    threads: of.Threads = 0,
    repair: of.Repair = False,
    axes: of.Axes = None,
    force: of.Force = False,
    as_json: of.AsJson = False,
    quiet: of.Quiet = False,
) -> None:
    """Measure scenes against their source: file sizes, and renders view by view.

    Without --views, 12 views around REF are used. If views have photos, both scenes are measured against them, too.
    """
    import splatzip

    if html is not None:
        if html.suffix.lower() not in (".html", ".htm"):
            raise typer.BadParameter(f"{html}: expected FILE.html")
        check_target(html, force=force)
    seen: dict[str, Any] = {"views": views, "split": split.value, "background": background}
    seen |= {"threads": threads, "repair": repair, "axes": axes}
    extra = [metric.value for metric in metrics or ()]
    with progress_bar(quiet=quiet or as_json) as progress:
        share = 1.0 if html is None else 0.7
        found = splatzip.compare(ref, *tests, **seen, extra=extra, progress=_part(progress, 0, share))
        warn_of_dropped(ref, found[0].ref_dropped)
        for comparison in found:
            warn_of_dropped(comparison.name, comparison.dropped)
        if html is not None:
            page = splatzip.report_html(found, ref, *tests, **seen, progress=_part(progress, share, 1))
            write_whole(html, page.encode())
    if as_json:
        facts = [{"file": comparison.name, **comparison.to_json()} for comparison in found]
        print(json.dumps(facts[0] if len(facts) == 1 else facts, indent=2))
    elif not quiet:
        print_comparisons(found, ref)
        if html is not None:
            print(f"\n{html}  {html.stat().st_size:,} bytes")


def _part(progress: Progress, start: float, end: float) -> Progress:
    return lambda done, label: progress(start + (end - start) * done, label)
