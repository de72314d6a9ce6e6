"""`splatzip export-html`: one page that opens from disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from splatzip.cli.console import named, progress_bar
from splatzip.cli.options import AsJson, Axes, Force, Quiet, Source
from splatzip.cli.summary import Stopwatch, exported
from splatzip.cli.target import check_target


def export_html(
    source: Source,
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The page to write (.html).", readable=False)],
    axes: Axes = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write one HTML file with viewer and scene that opens without a server or network.

    A scene in another format is compressed first; no splats are removed.
    """
    if target.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter(f"{target}: expected OUT.html")
    check_target(target, force=force)
    from splatzip import export_html as export

    watch = Stopwatch()
    with named(source), progress_bar(quiet=quiet or as_json) as progress, watch.step("export"):
        export(source, target, axes=axes, progress=progress)
    summary = exported(source, target, watch)
    if as_json:
        print(json.dumps(summary, indent=2))
    elif not quiet:
        print(f"{target}: {summary['output_bytes']:,} bytes; open it in a browser")
