"""`splatzip info`: what a file says about itself."""

from __future__ import annotations

from splatzip.cli.console import named
from splatzip.cli.options import AsJson, Splatz
from splatzip.cli.source import whole
from splatzip.cli.summary import show


def info(source: Splatz, as_json: AsJson = False) -> None:
    """Show what a .splatz file holds, without decoding it.

    Splats, SH degree, bytes and bits per splat by attribute, settings, bounds.
    """
    from splatzip import info as facts_of

    with named(source):
        facts = facts_of(whole(source))
    show({"file": str(source), **facts}, as_json=as_json, quiet=False)
