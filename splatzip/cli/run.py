"""How a run of the command line starts and ends.

Exit codes: 0 done; 2 refused (one line on stderr says what, where and what to do; no output file); 130 and 143
interrupted by Ctrl-C or SIGTERM (or a terminal that closes), with nothing half-written. A traceback is always a bug
of ours.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from splatzip.cli.console import Refused, error_line
from splatzip.cli.plain import plain_command


class _Terminated(BaseException):
    """SIGTERM, raised like KeyboardInterrupt so that every writer takes its temporary file away."""


def _stop(number: int, _frame: Any) -> NoReturn:
    for interrupt in (signal.SIGINT, signal.SIGTERM):  # taking temporary files away is not interrupted again
        signal.signal(interrupt, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else _Terminated


def _hang_up(_number: int, _frame: Any) -> None:
    signal.raise_signal(signal.SIGTERM)  # whoever handles that, a server too, tidies up


def _out_of_time(number: int, _frame: Any) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # it comes again every second
    raise Refused("the limit on CPU time (ulimit -t) is reached")


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    _open_streams()
    from splatzip import SplatzipError

    for interrupt in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interrupt, _stop)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup stays in force
        signal.signal(signal.SIGHUP, _hang_up)
    if hasattr(signal, "SIGXCPU"):
        signal.signal(signal.SIGXCPU, _out_of_time)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name or title that the terminal cannot show is no reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _call(arguments)
        sys.stdout.flush()
        return code
    except (Refused, SplatzipError) as error:
        return _refused(str(error))
    except BrokenPipeError:  # who read our output went away; nothing is left to say it to
        _print_no_more()
        return 1
    except OSError as error:
        if error.filename is None and error.errno == errno.ENOSPC:  # what is not printed is named by who writes it
            _print_no_more()
            return _refused(f"what is printed: {error.strerror}")
        return _refused(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError:
        return _refused("not enough memory for this scene")
    except KeyboardInterrupt:
        return 130
    except _Terminated:
        return 143


def _print_no_more() -> None:
    """What is left to print is given up."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_streams() -> None:
    """Whoever closes a stream (`>&-`) does not want to read it: that is no reason to fail."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - as long as the process


def _call(arguments: Sequence[str]) -> int:
    command = plain_command(arguments)
    if command is None:
        from splatzip.cli.app import call

        return call(arguments)
    command()
    return 0


def _refused(message: str) -> int:
    error_line(message)
    return 2
