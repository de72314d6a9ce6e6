"""Writes tests/golden_bad: files with one thing wrong each, below right checksums unless those are what is wrong.

NAME.splatz stands beside NAME.json, which says what is wrong, with which error it is refused and what that says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import reference_decoder

import splatzip
from vectors.bad_codes import CODED
from vectors.bad_columns import COLUMNS
from vectors.bad_container import CONTAINER
from vectors.books import BAD_BOOKS
from vectors.damage import Bad, whole

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden_bad"
BAD: tuple[Bad, ...] = (*CONTAINER, *CODED, *BAD_BOOKS, *COLUMNS)


def write(bad: Sequence[Bad]) -> None:
    """Write some of them; ends the program where one is not refused as it should be."""
    reference_decoder.decode(whole())  # all that is wrong with the others is what they say
    FOLDER.mkdir(parents=True, exist_ok=True)
    failed = False
    for one in bad:
        data = one.make()
        try:
            splatzip.decompress(data)
            found = "nothing"
        except splatzip.SplatzipError as error:
            found = f"{type(error).__name__}: {error}"
        if not found.startswith(one.error) or one.says not in found:
            print(f"{one.name}: {found} instead of {one.error} with {one.says!r}")
            failed = True
        (FOLDER / f"{one.name}.splatz").write_bytes(data)
        facts = {"wrong": one.wrong, "error": one.error, "says": one.says}
        (FOLDER / f"{one.name}.json").write_text(json.dumps(facts, indent=2) + "\n")
    if failed:
        sys.exit(1)
