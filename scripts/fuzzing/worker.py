"""A child process that opens damaged files: one JSON request a line on stdin, one JSON verdict a line back.

A verdict has `bug`, a line that says what must not happen, or null; and `outcome`, for the statistics. What Python
cannot catch (a crash, a hang) the parent sees.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import splatzip
from splatzip import Scene, SplatzipError

MOST_CPU_SECONDS = 1.5  # of one call; about a second on a machine that has other things to do
MOST_BYTES = 256 << 20  # resident, above what there was before; seeds have less than 64 KB
HEADROOM_BYTES = 2 << 30  # of address space, above what there was before: where allocation fails


# Under AddressSanitizer everything is slower, freed memory stays resident for a while, and terabytes are mapped.
SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")
_SLOWNESS = 8 if SANITIZED else 1


class Bug(Exception):
    """What must not happen."""


def main() -> None:
    """Answer requests until stdin ends."""
    warnings.simplefilter("error")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints does not speak to the parent
    if not SANITIZED:
        _limit_memory()
    os.environ.pop("LD_PRELOAD", None)  # OpenUSD's process may not have the memory that sanitizers map
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps(_verdict(**request)) + "\n")
        answers.flush()


def _verdict(check: str, path: str) -> dict[str, Any]:
    try:
        outcome = CHECKS[check](Path(path))
    except Bug as bug:
        return {"bug": str(bug), "outcome": "bug"}
    except BaseException:
        return {"bug": traceback.format_exc(limit=-6), "outcome": "bug"}
    return {"bug": None, "outcome": outcome}


def _whole(path: Path) -> str:
    """A scene."""
    scene, outcome = _attempt(lambda: splatzip.load(path))
    if scene is None:
        raise Bug(f"a file that nobody damaged is refused: {outcome}")
    return outcome


def _foreign(path: Path) -> str:
    """A named error, or a valid scene that comes back from .splatz; without loss, if that was asked for."""
    scene, outcome = _attempt(lambda: splatzip.load(path))
    if scene is None:
        return outcome
    for preset in ("fast", "lossless"):
        coded, refused = _attempt(lambda preset=preset: splatzip.compress(scene, preset=preset))  # type: ignore[misc]
        if coded is None and preset == "lossless":
            raise Bug(f"the scene was read but cannot be compressed: {refused}")
        decoded = scene if coded is None else splatzip.decompress(coded)
        if len(decoded) != len(scene) or (preset == "lossless" and _rows(decoded) != _rows(scene)):
            raise Bug(f"the scene was read but does not come back from preset {preset}")
    return outcome


def _rows(scene: Scene) -> list[bytes]:
    """The splats bit by bit, in no order."""
    columns = [array.view(np.uint8).reshape(len(scene), -1) for array in scene.arrays().values()]
    return sorted(row.tobytes() for row in np.concatenate(columns, axis=1))


def _changed(path: Path) -> str:
    """Refused by everything that reads strictly; the partial decoder gives a named error or a scene."""
    data = path.read_bytes()
    for name, call in (("decompress", splatzip.decompress), ("verify", splatzip.verify), ("info", splatzip.info)):
        result, outcome = _attempt(lambda call=call: call(data))  # type: ignore[misc]
        if result is not None:
            raise Bug(f"{name} takes a file whose bytes were changed")
    _attempt(lambda: splatzip.decompress(data, strict=False))
    return outcome


def _resealed(path: Path) -> str:
    """A named error or a valid scene from every reader."""
    data = path.read_bytes()
    _attempt(lambda: splatzip.verify(data))
    _attempt(lambda: splatzip.info(data))
    _attempt(lambda: splatzip.decompress(data, strict=False))
    _, outcome = _attempt(lambda: splatzip.decompress(data))
    return outcome


def _attempt(call: Callable[[], Any]) -> tuple[Any, str]:
    """What a call gives (None if it refuses) and the outcome in a word; within its limits of time and memory."""
    _reset_peak()
    before, start = _resident("VmRSS"), time.process_time()
    try:
        result, outcome = call(), "taken"
    except SplatzipError as error:
        if type(error) is SplatzipError or "\n" in str(error) or not str(error).strip():
            raise Bug(f"not a named error of one line: {type(error).__name__}: {error}") from None
        result, outcome = None, f"{type(error).__name__}: {error}"
    seconds, grown = time.process_time() - start, _resident("VmHWM") - before
    if isinstance(result, Scene) and len(result) == 0:
        raise Bug("an empty scene")
    if seconds > MOST_CPU_SECONDS * _SLOWNESS:
        raise Bug(f"{seconds:.1f} CPU seconds ({outcome})")
    if grown > MOST_BYTES and not SANITIZED:
        raise Bug(f"{grown / 1e6:.0f} MB of memory ({outcome})")
    return result, outcome


def _limit_memory() -> None:
    limit = _resident("VmSize") + HEADROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # proc(5)


CHECKS = {"whole": _whole, "foreign": _foreign, "changed": _changed, "resealed": _resealed}

if __name__ == "__main__":
    main()
