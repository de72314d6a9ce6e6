"""The child process of a job: reads one task from stdin, writes lines of JSON to stdout, ends when stdin closes."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from splatzip import Comparison, SplatzipError, compare, compress, export_web, load, save

Say = Callable[..., None]
_NICENESS = 5  # pictures that somebody waits for come first


def main() -> None:
    """What `jobs.Job` starts."""
    os.nice(_NICENESS)
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    try:
        result = TASKS[task.pop("kind")](_say, **task)
        _say(1.0, "done", result=result)
    except (SplatzipError, OSError) as error:
        _fail(words_of(error))
    except MemoryError:
        _fail("not enough memory for this scene")


def words_of(error: Exception) -> str:
    """What went wrong, for a page: without folders of this machine."""
    if isinstance(error, OSError) and error.strerror:
        return f"{Path(error.filename).name}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _end_with_the_server() -> None:
    os.read(0, 1)  # nothing more comes: it closes
    os._exit(1)


def _say(share: float, words: str, **more: Any) -> None:
    print(json.dumps({"share": share, "words": words, **more}), flush=True)


def _fail(words: str) -> None:
    print(json.dumps({"error": words}), flush=True)


def compress_to(
    say: Say, *, source: str, target: str, options: dict[str, Any], axes: str | None = None
) -> dict[str, Any]:  # fmt: skip
    """Compress a file; `options` are those of `splatzip.compress`."""
    say(0.0, "reading")
    data = compress(source, axes=axes, progress=lambda share, words: say(share, words), **options)
    Path(target).write_bytes(data)
    return {"bytes": len(data)}


def convert_to(say: Say, *, source: str, target: str, axes: str | None = None) -> dict[str, Any]:
    """Write a scene in another format."""
    say(0.1, "reading")
    scene = load(source, axes=axes)
    say(0.4, "writing")
    return {"lost": save(scene, target)}


def compare_views(
    say: Say, *, ref: str, test: str, views: str | None, axes: Sequence[str | None] | None = None
) -> dict[str, Any]:
    """Measure a file against its source, view by view; `axes` are those of the two."""
    (found,) = compare(
        ref, test, views=views, axes=axes,
        progress=lambda share, words: say(share, f"measuring {words.rpartition(', ')[2]}"),
    )  # fmt: skip
    return found.to_json() | {"seen_from": found.seen_from}


def site(say: Say, *, source: str, folder: str, axes: str | None = None) -> dict[str, Any]:
    """Make the folder of the web client with one scene."""
    say(0.0, "preparing the scene")
    Path(folder).mkdir(exist_ok=True)
    export_web(source, folder, axes=axes, progress=lambda share, words: say(share, words))
    return {}


def curve(
    say: Say, *, source: str, views: str | None, rungs: Sequence[dict[str, Any]], folder: str, axes: str | None = None
) -> dict[str, Any]:
    """Bytes and dB of a scene for one setting after another; each is said as a part as soon as it is known.

    Args:
        rungs: options of `splatzip.compress`, and `label`.
        folder: for the files, which do not stay.
    """
    for number, rung in enumerate(rungs):
        label = rung.pop("label")

        def progress(share: float, words: str, *, number: int = number, label: str = label) -> None:
            say((number + share) / len(rungs), f"{label}: {words}")

        target = Path(folder) / f"curve-{os.getpid()}.splatz"
        try:
            coded = compress(source, axes=axes, progress=lambda share, words: progress(0.6 * share, words), **rung)
            target.write_bytes(coded)
            (found,) = compare(
                source, target, views=views, axes=axes, progress=lambda s, _: progress(0.6 + 0.4 * s, "measuring")
            )
            say((number + 1) / len(rungs), label, part=_point(found, label, rung["preset"]))
        except SplatzipError as error:  # a quality that this scene does not reach: others may
            progress(1.0, str(error))
        finally:
            target.unlink(missing_ok=True)
    return {}


def _point(found: Comparison, label: str, preset: str) -> dict[str, Any]:
    return {"label": label, "preset": preset, "bytes": found.bytes, "psnr": found.psnr, "ssim": found.ssim}


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "compress": compress_to,
    "convert": convert_to,
    "compare": compare_views,
    "curve": curve,
    "site": site,
}
