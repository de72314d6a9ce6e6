"""The Typer application."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from splatzip.cli.console import Refused

VERBS = (
    *("compress", "decompress", "convert", "transform", "verify", "info", "render", "compare"),
    *("view", "serve", "export-html", "export-web"),
)

# Typer brings its own copy of click, or depends on click, by version: the class is reached through a public name.
_UsageError: Any = typer.BadParameter.__base__


def _show_version(wanted: bool) -> None:
    if wanted:
        from splatzip import __version__

        print(f"splatzip {__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Options before the verb."""


def application(verbs: Sequence[str] = VERBS) -> typer.Typer:
    """The application with these verbs: Typer builds every option of every verb that it is told of."""
    app = typer.Typer(
        help="Compress trained 3D Gaussian splatting scenes into small files, and restore them.",
        epilog="splatzip COMMAND --help shows the options of a command.",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for verb in verbs:
        name = verb.replace("-", "_")
        app.command(verb)(getattr(importlib.import_module(f"splatzip.cli.{name}"), name))
    return app


def call(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code.

    Raises: Refused for one that makes no sense, and whatever its verb raises.
    """
    if "" in arguments:  # as a path it would be the current folder, with all that is in it
        raise Refused("an argument is empty: perhaps a variable that has no value")
    app = application(arguments[:1] if arguments and arguments[0] in VERBS else VERBS)
    try:
        code = app(list(arguments) or ["--help"], prog_name="splatzip", standalone_mode=False)
    except _UsageError as error:
        named = arguments[:1] if arguments and arguments[0] in VERBS else ()  # not every error knows its verb
        verb = error.ctx.command_path if error.ctx else " ".join(("splatzip", *named))
        message = error.format_message().replace(": Value error, ", ": ")
        dashed = [name for name in arguments if name.startswith("-") and os.path.lexists(name)]
        hint = f"for the file of that name write ./{dashed[0]}; " if dashed and "No such option" in message else ""
        raise Refused(f"{message} ({hint}{verb} --help)") from error
    return code if isinstance(code, int) else 0
