"""Options that several verbs share: one name, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[Path, typer.Argument(metavar="IN", help="Scene in any format, recognised by its content.")]
Target = Annotated[Path, typer.Argument(metavar="OUT", help="File to write; its extension names the format.")]
Splatz = Annotated[Path, typer.Argument(metavar="FILE", help="A .splatz file.")]
FormatVersion = Annotated[
    int | None, typer.Option("--version", metavar="N", help="Version of OUT's format, where it has several (SPZ).")
]
Repair = Annotated[bool, typer.Option("--repair", help="Drop rows with NaN, Inf or a zero rotation.")]
Threads = Annotated[int, typer.Option(metavar="N", min=0, help="Threads; 0 takes every core.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")]
