"""`splatzip decompress`: a .splatz back into a format that other tools read."""

from __future__ import annotations

from typing import Annotated

import typer

from splatzip.cli.console import named, progress_bar, warning_lines
from splatzip.cli.options import AsJson, Force, FormatVersion, Quiet, Splatz, Target, Threads
from splatzip.cli.summary import Stopwatch, conversion, show
from splatzip.cli.target import check_target, save_and_warn


def decompress(
    source: Splatz,
    target: Target,
    partial: Annotated[bool, typer.Option("--partial", help="Of a cut or damaged file, take what is whole.")] = False,
    threads: Threads = 0,
    version: FormatVersion = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Get a scene back from a .splatz file: the same bits on every machine."""
    from splatzip import decompress as decode

    check_target(target, force=force)
    watch = Stopwatch()
    with progress_bar(quiet=quiet or as_json) as progress:
        progress(0.0, "decoding")
        with watch.step("decode"), named(source):
            scene = decode(source, strict=not partial, threads=threads)
        progress(0.5, "writing")
        with watch.step("write"):
            lost = save_and_warn(scene, target, version=version)
    missing = list(scene.meta.missing)
    if missing:
        gaps = f" (first of {len(missing) - 1} gaps: {missing[0]})" if len(missing) > 1 else ""
        warning_lines([f"{source}: not whole; wrote {len(scene):,} splats, without {missing[-1]}{gaps}"])
    summary = conversion(source, target, scene, watch, missing=missing, lost=lost)
    show(summary, as_json=as_json, quiet=quiet)
