"""Plain command lines, read without Typer, which takes longer to start than a small scene to code.

    splatzip compress IN OUT.splatz  [--preset P] [--threads N] [--force] [--json] [--quiet]
    splatzip decompress FILE OUT                  [--threads N] [--force] [--json] [--quiet]

Anything else on a line, and anything wrong with it, is Typer's: it has the messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from splatzip.cli.job import Settings, compress_and_show, decompress_and_show

PRESETS = ("lossless", "near-lossless", "fast", "balanced")


def plain_command(arguments: Sequence[str]) -> Callable[[], object] | None:
    """What a command line asks for, ready to be called; None: Typer is to read it."""
    if not arguments or arguments[0] not in ("compress", "decompress"):
        return None
    verb, preset, threads = arguments[0], None, 0
    force = as_json = quiet = False
    paths: list[Path] = []
    rest = iter(arguments[1:])
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument == "--force":
            force = True
        elif argument == "--json":
            as_json = True
        elif argument == "--quiet":
            quiet = True
        elif name == "--preset" and verb == "compress":
            preset = value if equals else next(rest, "")
            if preset not in PRESETS:
                return None
        elif name == "--threads":
            value = value if equals else next(rest, "")
            if not (value.isascii() and value.isdigit() and len(value) < 5):
                return None
            threads = int(value)
        elif not argument or argument.startswith("-"):
            return None
        else:
            paths.append(Path(argument))
    if len(paths) != 2:
        return None
    source, target = paths
    if verb == "decompress":
        return partial(decompress_and_show, source, target, threads=threads, force=force, as_json=as_json, quiet=quiet)
    if target.suffix.lower() != ".splatz":
        return None
    settings = Settings(preset, threads=threads)
    return partial(compress_and_show, source, target, settings, force=force, as_json=as_json, quiet=quiet)
