"""What every verb says about itself."""

from __future__ import annotations

from types import GenericAlias
from typing import get_type_hints

import pytest

from splatzip.cli.app import VERBS, application


def test_help_lists_every_verb(run, snapshot):
    result = run("--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert all(f"│ {verb}" in result.stdout for verb in VERBS)
    snapshot("help", tidy(result.stdout))


def test_no_arguments_are_a_call_for_help(run):
    assert run().stdout == run("--help").stdout


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(run, snapshot, verb):
    result = run(verb, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    snapshot(f"help_{verb}", tidy(result.stdout))


def test_no_callback_of_an_option_takes_a_generic_type():
    """Python 3.10 takes list[int] for a class, and Typer, which asks of which class it is, fails."""
    verbs = [command.callback for command in application().registered_commands]
    hints = [hint for verb in verbs for hint in get_type_hints(verb, include_extras=True).values()]
    callbacks = {option.callback for hint in hints for option in getattr(hint, "__metadata__", ())} - {None}
    assert callbacks
    for callback in callbacks:
        taken = get_type_hints(callback).values()
        assert not [hint for hint in taken if isinstance(hint, GenericAlias)], callback.__name__


def test_version_is_one_line(run):
    import splatzip

    assert run("--version").stdout == f"splatzip {splatzip.__version__}\n"


def tidy(text: str) -> str:
    """Without trailing blanks, which editors take away."""
    return "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines())
