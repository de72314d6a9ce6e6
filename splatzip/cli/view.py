"""`splatzip view`: look at a scene, and at what compression does to it, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splatzip.cli.options import Axes, DrawingDevice, Quiet, bytes_of


def view(
    scene: Annotated[
        Path | None,
        typer.Argument(metavar="SCENE", help="Scene in any format. Default: choose one in the page.", readable=False),
    ] = None,
    ref: Annotated[
        Path | None,
        typer.Option(
            "--ref", metavar="FILE", help="The scene that SCENE was made from, to compare with.", readable=False
        ),
    ] = None,
    views: Annotated[
        Path | None,
        typer.Option(metavar="V", help="Cameras of the capture. Default: those beside the scene.", readable=False),
    ] = None,
    axes: Axes = None,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 picks any free port.")] = 7860,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 lets other machines in: add --auth.")
    ] = "127.0.0.1",
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="NAME:PASSWORD", envvar="SPLATZIP_AUTH", help="Log-in that the page asks for.", show_envvar=True
        ),
    ] = None,
    max_upload: Annotated[str, typer.Option(metavar="SIZE", help="Largest upload, such as 500MB.")] = "1GB",
    device: Annotated[
        DrawingDevice, typer.Option("--device", help="What renders; auto is an NVIDIA GPU if there is one.")
    ] = DrawingDevice.auto,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in this machine's browser.")] = False,
    quiet: Quiet = False,
) -> None:
    """Look at a scene in the browser: before and after, where the errors are, what takes the bytes.

    This machine renders, so any browser will do. Needs splatzip's extra `viewer` (Gradio).
    """
    name, colon, password = (auth or "").partition(":")
    if auth and not (name and colon and password):
        raise typer.BadParameter("--auth: expected NAME:PASSWORD")
    most_bytes = bytes_of(max_upload, "--max-upload")
    assert most_bytes is not None
    from splatzip_viewer import view as view_until_interrupted

    def ready(address: str) -> None:
        if not quiet:
            print(f"{scene or 'the viewer'} is at {address}  (Ctrl-C to stop)", flush=True)
        if browser:
            import webbrowser

            webbrowser.open(address)

    view_until_interrupted(
        scene, ref=ref, axes=axes, views=views, host=host, port=port, auth=(name, password) if auth else None,
        max_upload_bytes=most_bytes, device=device.value, ready=ready,
    )  # fmt: skip
