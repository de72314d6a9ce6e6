"""`splatzip verify`: every checksum of a file, nothing decoded."""

from __future__ import annotations

import json

from splatzip.cli.console import named, printable
from splatzip.cli.options import AsJson, Quiet, Splatz
from splatzip.cli.source import whole


def verify(source: Splatz, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Check every byte of a .splatz file against its checksums.

    If one is wrong, the exit code is 2 and one line names the first damaged chunk.
    """
    from splatzip import verify as check

    with named(source):
        facts = check(whole(source))
    if as_json:
        print(json.dumps({"file": str(source), **facts}, indent=2))
    elif not quiet:
        print(f"{printable(str(source))}: intact, {facts['bytes']:,} bytes match their checksums")
