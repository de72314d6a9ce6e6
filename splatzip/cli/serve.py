"""`splatzip serve`: scenes in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splatzip.cli.console import progress_bar
from splatzip.cli.options import Axes, Quiet


def serve(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A .splatz file, another scene, or a folder of .splatz files.", readable=False
        ),
    ],
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 picks any free port.")] = 8000,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    axes: Axes = None,
    quiet: Quiet = False,
) -> None:
    """Serve a scene, or a gallery of a folder, to a browser until Ctrl-C.

    Files are sent in ranges, so a scene appears before all of it has arrived.
    A scene in another format is compressed to a temporary file first.
    Only .splatz files below PATH can be reached.
    """
    from splatzip import serve as serve_until_interrupted

    def ready(address: str) -> None:
        print(f"{source} is at {address}  (Ctrl-C to stop)", flush=True)

    with progress_bar(quiet=quiet) as progress:
        serve_until_interrupted(
            source, axes=axes, host=host, port=port, ready=None if quiet else ready, progress=progress
        )
