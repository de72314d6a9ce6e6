"""`splatzip export-web`: a folder for any web server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from splatzip.cli.console import named, progress_bar
from splatzip.cli.options import AsJson, Axes, Quiet, Source
from splatzip.cli.summary import Stopwatch, exported
from splatzip.cli.target import check_target


def export_web(
    source: Source,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to create.", readable=False)],
    axes: Axes = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a static site with viewer and scene, ready to upload to any web server.

    A scene in another format is compressed first; no splats are removed.
    """
    check_target(target, force=False, way_out="name another folder")
    from splatzip import export_web as export

    watch = Stopwatch()
    with named(source), progress_bar(quiet=quiet or as_json) as progress, watch.step("export"):
        export(source, target, axes=axes, progress=progress)
    summary = exported(source, target, watch)
    if as_json:
        print(json.dumps(summary, indent=2))
    elif not quiet:
        print(f"{target}: {summary['output_bytes']:,} bytes; upload all of it")
