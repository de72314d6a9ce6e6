"""The Typer application, and how a run ends.

Exit codes: 0 done; 2 refused (one line on stderr says what, where and what to do; no output file); 130 and 143
interrupted by Ctrl-C or SIGTERM, with nothing half-written. A traceback is always a bug of ours.
"""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from splatzip.cli.console import error_line

VERBS = (
    *("compress", "decompress", "convert", "transform", "verify", "info", "render", "compare"),
    *("serve", "export-html", "export-web"),
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
        help="Compress trained 3D Gaussian splatting scenes into one small file, and get them back.",
        epilog="splatzip VERB --help says more about a verb.",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for verb in verbs:
        name = verb.replace("-", "_")
        app.command(verb)(getattr(importlib.import_module(f"splatzip.cli.{name}"), name))
    return app


class _Terminated(BaseException):
    """SIGTERM, raised like KeyboardInterrupt so that every writer takes its temporary file away."""


def _stop(number: int, _frame: Any) -> NoReturn:
    for interrupt in (signal.SIGINT, signal.SIGTERM):  # taking temporary files away is not interrupted again
        signal.signal(interrupt, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else _Terminated


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    from splatzip import SplatzipError

    for interrupt in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interrupt, _stop)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name or title that the terminal cannot show is no reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app = application(arguments[:1] if arguments and arguments[0] in VERBS else VERBS)
        code = app(list(arguments) or ["--help"], prog_name="splatzip", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except _UsageError as error:
        verb = error.ctx.command_path if error.ctx else "splatzip"
        return _refused(f"{error.format_message()} ({verb} --help)")
    except SplatzipError as error:
        return _refused(str(error))
    except BrokenPipeError:  # who read our output went away; nothing is left to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _refused(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError:
        return _refused("not enough memory for this scene")
    except KeyboardInterrupt:
        return 130
    except _Terminated:
        return 143


def _refused(message: str) -> int:
    error_line(message)
    return 2
