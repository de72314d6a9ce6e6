"""`splatzip export-web`: a folder for any web server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splatzip.cli.console import named, progress_bar
from splatzip.cli.options import Quiet, Source
from splatzip.cli.target import check_target


def export_web(
    source: Source,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to create.")],
    quiet: Quiet = False,
) -> None:
    """Write a static site with viewer and scene, ready to upload to any web server.

    A scene in another format is compressed first; no splats are removed.
    """
    check_target(target, force=False, way_out="name another folder")
    from splatzip import export_web as export

    with named(source), progress_bar(quiet=quiet) as progress:
        export(source, target, progress=progress)
    if not quiet:
        print(f"{target}: {sum(file.stat().st_size for file in target.iterdir()):,} bytes; upload all of it")
