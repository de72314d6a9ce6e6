"""`splatzip serve`: scenes in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splatzip.cli.console import progress_bar
from splatzip.cli.options import Quiet


def serve(
    source: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="A .splatz file, another scene, or a folder of .splatz files."),
    ],
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 takes any that is free.")] = 8000,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    quiet: Quiet = False,
) -> None:
    """Show a scene, or a folder's gallery, in a browser; Ctrl-C ends it.

    Files are sent in ranges, so that a scene shows before all of it is there. A scene in another
    format is compressed to a temporary file first. Nothing else than .splatz files below PATH can be
    reached.
    """
    from splatzip import serve as serve_until_interrupted

    def ready(address: str) -> None:
        print(f"{source} is at {address}  (Ctrl-C ends)", flush=True)

    with progress_bar(quiet=quiet) as progress:
        serve_until_interrupted(source, host=host, port=port, ready=None if quiet else ready, progress=progress)
