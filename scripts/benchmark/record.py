"""JSON lines under benchmarks/: one a repetition, each saying what was measured, of which code, where."""

from __future__ import annotations

import datetime
import functools
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.scenes import ROOT, BenchScene

RECORDS = ROOT / "benchmarks" / "codec.jsonl"
# They do not make the measured code another one.
_WRITTEN_BY_US = (":!benchmarks", ":!docs/BENCHMARKS.md", ":!docs/ABLATIONS.md", ":!docs/images")
_CODE = ("splatzip", "native", "CMakeLists.txt", "pyproject.toml")

Row = Mapping[str, Any]


def machine() -> str:
    """CPU, cores, system and Python in one line."""
    system = platform.freedesktop_os_release()["PRETTY_NAME"] if Path("/etc/os-release").exists() else platform.system()
    cores = len(os.sched_getaffinity(0))
    return f"{_cpu()}, {cores} cores, {system}, Python {platform.python_version()}"


def replace_rows(kind: str, scene: BenchScene, rows: Iterable[Row], *, path: Path = RECORDS) -> None:
    """Put the rows of a measurement in the place of those that there were of the same kind and scene."""
    kept = [row for row in read_rows(path) if (row["kind"], row["scene"]) != (kind, scene.name)]
    stamp = _stamp(kind, scene)
    _write([*kept, *({**stamp, **row} for row in rows)], path)


def put_row(kind: str, scene: BenchScene, row: Row, *, key: Row, path: Path) -> None:
    """Append a row, which takes the place of any that has the values of the key."""
    kept = [other for other in read_rows(path) if not key.items() <= other.items()]
    _write([*kept, {**_stamp(kind, scene), **row}], path)


def read_rows(path: Path = RECORDS) -> list[Row]:
    """Every row that was recorded."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@functools.cache
def code_revision() -> str:
    """The last revision that changed what encodes and decodes: the same while only benchmarks and documents change."""
    dirty = _git("status", "--porcelain", "--", *_CODE)
    return _git("log", "-1", "--format=%h", "--abbrev=12", "--", *_CODE) + ("+dirty" if dirty else "")


def _stamp(kind: str, scene: BenchScene) -> dict[str, str]:
    from splatzip import _core

    return {
        "kind": kind,
        "scene": scene.name,
        "scene_sha256": scene.sha256,
        "revision": _revision(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "machine": machine(),
        "isa": _core.isa(),
    }


def _write(rows: Iterable[Row], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))
    temporary.replace(path)


@functools.cache
def _revision() -> str:
    dirty = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *_WRITTEN_BY_US)
    return _git("rev-parse", "--short=12", "HEAD") + ("+dirty" if dirty else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
