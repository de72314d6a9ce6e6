"""`splatzip view`: look at a scene, and at what compression does to it, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splatzip.cli.options import DrawingDevice, Quiet, bytes_of


def view(
    scene: Annotated[Path | None, typer.Argument(metavar="SCENE", help="Any format. Default: the page asks.")] = None,
    ref: Annotated[
        Path | None, typer.Option("--ref", metavar="FILE", help="The scene that SCENE was made of, to compare with.")
    ] = None,
    views: Annotated[
        Path | None, typer.Option(metavar="V", help="Cameras of the capture. Default: those beside the scene.")
    ] = None,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 takes any that is free.")] = 7860,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 lets other machines in: use --auth then.")
    ] = "127.0.0.1",
    auth: Annotated[
        str | None,
        typer.Option(metavar="NAME:PASSWORD", envvar="SPLATZIP_AUTH", help="What the page asks for.", show_envvar=True),
    ] = None,
    max_upload: Annotated[str, typer.Option(metavar="SIZE", help="Of one upload, like 500MB.")] = "1GB",
    device: Annotated[
        DrawingDevice, typer.Option("--device", help="What draws; auto is an NVIDIA GPU where there is one.")
    ] = DrawingDevice.auto,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in this machine's browser.")] = False,
    quiet: Quiet = False,
) -> None:
    """Look at a scene in the browser: before and after, where the error is, where the bytes went.

    Drawn by this machine, so that any browser will do. Needs splatzip's extra `viewer`, which is Gradio.
    """
    name, colon, password = (auth or "").partition(":")
    if auth and not (name and colon and password):
        raise typer.BadParameter("--auth: expected NAME:PASSWORD")
    most_bytes = bytes_of(max_upload)
    assert most_bytes is not None
    from splatzip_viewer import view as view_until_interrupted

    def ready(address: str) -> None:
        if not quiet:
            print(f"{scene or 'the viewer'} is at {address}  (Ctrl-C ends)", flush=True)
        if browser:
            import webbrowser

            webbrowser.open(address)

    view_until_interrupted(
        scene, ref=ref, views=views, host=host, port=port, auth=(name, password) if auth else None,
        max_upload_bytes=most_bytes, device=device.value, ready=ready,
    )  # fmt: skip
