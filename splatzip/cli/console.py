"""stderr: one line a warning, one line an error that names its file, and a progress bar where somebody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[float, str], None]
LONGEST = 8000  # characters of a line: a path has up to 4,096


class Refused(Exception):
    """A command line that makes no sense; the message says why."""


def printable(text: str) -> str:
    """Text of a file, or its name, for a terminal: what would move the cursor, or speak to the terminal, is escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(message: str) -> str:
    """A message as one line, whatever it quotes; of an endless one its start and its end, which says what to do."""
    line = " ".join(message.split())
    return printable(line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}")


def error_line(message: str) -> None:
    """Exactly one line, whatever the message holds."""
    print(f"error: {one_line(message)}", file=sys.stderr)


def warning_lines(messages: Iterable[str]) -> None:
    """One line each; a loss is said even under --quiet."""
    for message in messages:
        print(f"warning: {one_line(message)}", file=sys.stderr)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Errors of the block say which file they are about, where they do not already."""
    from splatzip import NotSplatzipError, SplatzipError

    try:
        yield
    except NotSplatzipError as error:
        if path.is_fifo():  # it was read, and is not there again
            raise type(error)(f"{path}: {error}") from error
        from splatzip import format_title

        title = format_title(path)
        hint = f"it is {title}: compress makes a .splatz of it" if title else "nor is it a scene in another format"
        raise type(error)(f"{path}: {error}; {hint}") from error
    except SplatzipError as error:
        if str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error
    except OSError as error:
        # The name of a temporary file helps nobody.
        if error.errno is None or not (error.filename is None or str(error.filename).endswith(".part")):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """A bar with a time estimate on stderr; nothing is drawn under `quiet` or where stderr is not a terminal.

    Yields: a callable that takes the fraction done, 0 to 1, and what is being done.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda fraction, label: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True, soft_wrap=True)  # lines that are printed meanwhile stay lines, to be copied
    # They pass through the bar, to stay above it; what goes into a file (> log) is not for the terminal.
    shown = sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, redirect_stdout=shown) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda fraction, label: bar.update(task, completed=fraction, description=label)
