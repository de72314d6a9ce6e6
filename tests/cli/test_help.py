"""What every verb says about itself."""

from __future__ import annotations

import pytest

from splatzip.cli.app import VERBS


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


def test_version_is_one_line(run):
    import splatzip

    assert run("--version").stdout == f"splatzip {splatzip.__version__}\n"


def tidy(text: str) -> str:
    """Without trailing blanks, which editors take away."""
    return "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines())
