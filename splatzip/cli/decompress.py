"""`splatzip decompress`: a .splatz back into a format that other tools read."""

from __future__ import annotations

from typing import Annotated

import typer

from splatzip.cli.job import decompress_and_show
from splatzip.cli.options import AsJson, Device, DeviceName, Force, FormatVersion, Quiet, Splatz, Target, Threads


def decompress(
    source: Splatz,
    target: Target,
    partial: Annotated[
        bool, typer.Option("--partial", help="Recover what is intact in a cut or damaged file.")
    ] = False,
    threads: Threads = 0,
    device: DeviceName = Device.cpu,
    version: FormatVersion = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Restore a scene from a .splatz file, to the same bits on every machine."""
    decompress_and_show(
        source,
        target,
        partial=partial,
        threads=threads,
        device="cuda" if device is Device.cuda else "cpu",
        version=version,
        force=force,
        as_json=as_json,
        quiet=quiet,
    )
