"""The command line: one file a verb, on top of the names that `splatzip` itself exports.

    run       exit codes, and the one line that an error is
    plain     the usual lines of compress and decompress, read without Typer
    app       the Typer application
    console   progress and warnings on stderr
    source    the scenes to be read
    target    the file to be written: kept unless --force, whole or not there
    summary   the table at the end, and the same as JSON
    batch     many scenes, one process each; places says which, and where to

Nothing here imports numpy or the codec before a verb runs, so that `splatzip --help` answers at once.
"""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """What the `splatzip` command runs."""
    gc.set_threshold(100_000)  # what imports make is no garbage: looking for it took a twentieth of a short run
    from splatzip.cli.run import run

    sys.exit(run(sys.argv[1:]))
