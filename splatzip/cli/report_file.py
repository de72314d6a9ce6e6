"""--report: the summary of a run in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from splatzip.cli.target import check_target, write_whole


def check_report(report: Path, scenes: Iterable[Path], *, to: Path | None, force: bool) -> None:
    """Refuse, before any work, a report that exists (unless `force`) or would replace one of the scenes.

    Args:
        to: a folder that is made.
    """
    if report.parent != to or report.exists():
        if to is None:
            check_target(report, force=force)
        else:  # --force would compress everything again
            check_target(report, force=force, way_out="name another file, or remove it")
    if report.resolve() in {scene.resolve() for scene in scenes}:
        raise typer.BadParameter(f"--report {report}: this is a scene that is read or written; name another file")


def write_report(report: Path, summary: Any) -> None:
    """Write it, whole or not at all."""
    write_whole(report, json.dumps(summary, indent=2).encode())
