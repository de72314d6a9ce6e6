"""Many scenes into a folder: a process for each, so that one that fails, or crashes, does not stop the rest.

A file in the folder is whole or not there (`target`), so a run that was stopped is resumed by repeating it:
what exists already is kept and only the rest is done.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import typer

from splatzip.cli.console import error_line, one_line, printable, progress_bar
from splatzip.cli.job import Settings
from splatzip.cli.places import clash, most_precise, one_scene
from splatzip.cli.target import check_writable

# The child finds what this process finds: `-m` would put the current folder first. It ends with this process, however
# that ends: what is left of a killed run would write, with its settings, into the folder of the one that is repeated.
_CHILD = """
import contextlib, json, os, signal, sys, threading
sys.path[:] = json.loads(sys.argv.pop(1))
def end_with_parent():
    os.read(0, 1)  # nothing is written there: it returns when nobody is left to write
    os.kill(os.getpid(), signal.SIGTERM)
with contextlib.suppress(RuntimeError):  # no thread can be started
    threading.Thread(target=end_with_parent, daemon=True).start()
from splatzip.cli import main
main()
"""


class _Children:
    """The processes under way, to be ended with this one."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._ended = False
        self._lock = Lock()
        self._stdin, self._open_while_alive = os.pipe()

    def compress(self, source: Path, target: Path, settings: Settings) -> dict[str, Any]:
        """Compress one scene in a process of its own; returns its summary, or {"input", "error"}."""
        command = [sys.executable, "-c", _CHILD, json.dumps(sys.path), "compress", "--json", "--force"]
        paths = [str(source), str(target)]  # without a dash in front the line is a plain one, which starts sooner
        command += [*settings.arguments(), *(["--"] if any(path.startswith("-") for path in paths) else []), *paths]
        pipe = subprocess.PIPE
        with self._lock:
            if self._ended:
                return {"input": str(source), "error": "not started"}
            child = subprocess.Popen(  # whatever a terminal here would want: this one reads UTF-8
                command, stdin=self._stdin, stdout=pipe, stderr=pipe, text=True, encoding="utf-8",
                errors="backslashreplace", env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            )  # fmt: skip
            self._running.add(child)
        out, err = child.communicate()
        self._running.discard(child)
        lines = err.splitlines()
        warnings = [line for line in lines if line.startswith("warning: ")]
        if child.returncode == 0:
            return {**json.loads(out), "warnings": warnings}
        refusals = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        # Without a refusal it is a crash or a bug: of a traceback the last line says most.
        reason = refusals or [f"its process ended with {_ending(child.returncode)}", *lines[-1:]]
        error = ": ".join(reason)
        if one_line(str(source)) not in error:  # such as a size that this one cannot have
            error = f"{source}: {error}"
        return {"input": str(source), "error": error, "warnings": warnings}

    def end(self) -> None:
        """SIGTERM to all: each takes its temporary file away."""
        with self._lock:
            self._ended = True
            for child in tuple(self._running):
                child.terminate()


def _ending(code: int) -> str:
    if code == -9:  # a signal that Windows does not have
        return "SIGKILL, as when the machine has too little memory: fewer --jobs need less"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def compress_many(
    places: Mapping[Path, Sequence[Path]], folder: Path, settings: Settings, *, jobs: int, force: bool, quiet: bool
) -> list[dict[str, Any]]:
    """Compress the scene of every place in the folder (see `places_in`), `jobs` at a time.

    Returns: one summary a scene, in their order: as `compress_file` gives it; or {"input", "output", "output_bytes",
        "existed"}, and "older" if the scene changed since; or {"input", "instead"} for a format of a scene of which
        another was taken; or {"input", "error"}. Failures are said on stderr when they happen, a line each.
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed  # one scene alone does without

    from splatzip import core_count, format_title

    if folder.exists() and not folder.is_dir():
        raise typer.BadParameter(f"--to {folder}: this is a file; name a folder")
    folder.mkdir(parents=True, exist_ok=True)
    check_writable(folder)
    jobs = max(1, min(jobs, sum(force or not os.path.exists(target) for target in places)))
    settings = replace(settings, threads=settings.threads or max(1, core_count() // jobs))
    done: dict[Path, list[dict[str, Any]]] = {}
    children = _Children()

    def compress_or_keep(target: Path, scenes: Sequence[Path]) -> list[dict[str, Any]]:
        source = most_precise(scenes)
        if source is None and not (one_scene(scenes) and target.exists() and not force):
            return [{"input": str(scene), "error": clash(target, scenes)} for scene in scenes]
        source = source or scenes[0]
        others = [scene for scene in scenes if scene is not source]
        try:
            if source.is_dir() and format_title(source) is None:
                return [{"input": str(source), "error": f"{source}: no scene in this folder"}]
            if target.exists() and not force:  # by now: another run may have written it since this one began
                return [_kept(source, target), *_left_out(others, source)]
            target.parent.mkdir(parents=True, exist_ok=True)
            summary = children.compress(source, target, settings)
            if others:
                names = ", ".join(other.name for other in others)
                words = f"warning: {source}: compressed instead of {names}, taken for the same scene in less detail"
                summary["warnings"] = [words, *summary.get("warnings", ())]
            return [summary, *_left_out(others, source)]
        except OSError as error:  # too long a name, a limit on open files or processes
            return [{"input": str(source), "error": f"{error.filename or source}: {error.strerror or error}"}]

    with progress_bar(quiet=quiet) as progress, ThreadPoolExecutor(jobs) as pool:
        try:
            waiting = {pool.submit(compress_or_keep, *place): place[0] for place in places.items()}
            progress(0, f"0 of {len(places)}")
            for future in as_completed(waiting):
                done[waiting[future]] = future.result()
                _say(future.result()[0], quiet=quiet)
                progress(len(done) / len(places), f"{len(done)} of {len(places)}")
        except BaseException:  # Ctrl-C, SIGTERM
            pool.shutdown(wait=False, cancel_futures=True)
            children.end()
            if not quiet:
                print(f"{_tally(folder, places, done)}; repeat the command to do the rest", file=sys.stderr)
            raise
    if not quiet:
        print(_tally(folder, places, done))
    return [summary for target in places for summary in done[target]]


def _left_out(others: Sequence[Path], source: Path) -> list[dict[str, Any]]:
    """Of scenes in several formats, those that were not taken."""
    return [{"input": str(other), "instead": str(source)} for other in others]


def _kept(source: Path, target: Path) -> dict[str, Any]:
    status = target.stat()
    facts = {"input": str(source), "output": str(target), "output_bytes": status.st_size, "existed": True}
    file = source / "meta.json" if source.is_dir() else source
    trained_again = file.exists() and file.stat().st_mtime > status.st_mtime  # or copied: whoever runs it knows
    return facts | {"older": True} if trained_again else facts


def _tally(folder: Path, places: Collection[Path], done: Mapping[Path, Sequence[Mapping[str, Any]]]) -> str:
    """How many scenes ended how."""
    ended = [summary for several in done.values() for summary in several]
    failed, kept, out = (sum(name in summary for summary in ended) for name in ("error", "existed", "instead"))
    older = sum("older" in summary for summary in ended)
    kept_as = f"kept ({older:,} older than the scene)" if older else "kept"
    counts = {"compressed": len(ended) - failed - kept - out, kept_as: kept, "failed": failed}
    counts["left out (the same in another format)"] = out
    counts["left"] = len(places) - len(done)
    return f"{folder}: {', '.join(f'{count:,} {word}' for word, count in counts.items() if count)}"


def _say(summary: dict[str, Any], *, quiet: bool) -> None:
    for line in summary.get("warnings", ()):
        print(one_line(line), file=sys.stderr)
    if "error" in summary:
        error_line(summary["error"])
    elif not quiet and "existed" not in summary:  # those are counted: ten thousand lines would hide what was done
        print(
            f"{printable(summary['output'])}  {summary['output_bytes']:,} bytes  ratio {summary['ratio']:.2f}  "
            f"{summary['bits_per_splat']:.2f} bits per splat  {sum(summary['seconds'].values()):.1f} s",
            flush=True,  # whoever writes it to a file wants to follow it
        )
