"""Long work in a child process: it can be cancelled at once, and leaves no memory behind.

    task as a line of JSON -> [child: worker.py] -> lines of JSON: progress, parts, result or error

The child's stdin stays open as long as the server lives: however the server ends, its children end with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from splatzip import SplatzipError

MOST_RUNNING = 2  # processes at a time, of all pages together: others wait their turn
_running = threading.Semaphore(MOST_RUNNING)
_PACE_S = 0.2  # between two steps that are progress alone: told of hundreds a second, a page stands still


class Cancelled(Exception):
    """Somebody stopped the job."""


@dataclass(frozen=True)
class Step:
    """What a job says on its way.

    Attributes:
        share: done, 0..1.
        words: for the step.
        part: a piece of the result that is there already.
        result: all of it, in the last step.
    """

    share: float
    words: str
    part: Any = None
    result: Any = None


class Job:
    """One task: `steps` runs it.

    Attributes:
        is_done: whether it has come to an end, whichever.
    """

    def __init__(self, kind: str, **task: Any) -> None:
        """
        Args:
            kind: one of `worker.TASKS`.
            task: what it takes, ready for JSON.
        """
        self._task: Mapping[str, Any] = {"kind": kind, **task}
        self._child: subprocess.Popen[str] | None = None
        self._cancelled = threading.Event()
        self.is_done = False

    def cancel(self) -> None:
        """Stop it; `steps` raises Cancelled."""
        self._cancelled.set()
        child = self._child
        if child is not None and child.poll() is None:
            child.kill()

    def steps(self) -> Iterator[Step]:
        """Run the task. Of progress that comes too fast to be read only the newest is passed on.

        Raises: SplatzipError with the words of the error; Cancelled.
        """
        try:
            while not _running.acquire(timeout=0.2):
                if self._cancelled.is_set():
                    raise Cancelled
                yield Step(0.0, "waiting until other work is done")
            try:
                yield from self._run()
            finally:
                self.cancel()  # also when nobody listens any more
                if self._child is not None:
                    self._child.wait()
                _running.release()
        finally:
            self.is_done = True

    def _run(self) -> Iterator[Step]:
        # Without the folder that the server was started in: nothing there is to be imported.
        code = "import sys; del sys.path[0]; from splatzip_viewer.worker import main; main()"
        command = [sys.executable, "-c", code]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as child:
            self._child = child
            if self._cancelled.is_set():
                child.kill()
            said: list[str] = []
            arrived: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
            assert child.stdin is not None
            assert child.stdout is not None
            assert child.stderr is not None
            listening = [
                threading.Thread(target=said.extend, args=[child.stderr], daemon=True),
                threading.Thread(target=_pass_on, args=[child.stdout, arrived], daemon=True),
            ]
            for thread in listening:
                thread.start()
            try:
                with suppress(BrokenPipeError):
                    child.stdin.write(json.dumps(self._task) + "\n")
                    child.stdin.flush()  # and open: the child ends when it closes
                yield from _paced(arrived)
                child.wait()
            finally:
                if child.poll() is None:
                    child.kill()
                for thread in listening:
                    thread.join()
            if self._cancelled.is_set():
                raise Cancelled
            if child.returncode < 0:
                raise SplatzipError(f"the process was killed by signal {-child.returncode}; was there enough memory?")
            if child.returncode:
                raise SplatzipError(f"the process failed: {said[-1].strip() if said else 'no message'}")


def _pass_on(lines: Iterable[str], arrived: SimpleQueue[dict[str, Any] | None]) -> None:
    with suppress(ValueError):  # the last line of a child that was killed is not whole
        for line in lines:
            arrived.put(json.loads(line))
    arrived.put(None)


def _paced(arrived: SimpleQueue[dict[str, Any] | None]) -> Iterator[Step]:
    """Steps as they come; what is progress alone waits its time, and gives way to what is newer.

    Args:
        arrived: what a child says; None at its end.
    Raises: SplatzipError with the words of its error.
    """
    newest: Step | None = None
    due = 0.0
    while True:
        try:
            said = arrived.get(timeout=None if newest is None else max(0.0, due - time.monotonic()))
        except Empty:
            if newest is not None:
                yield newest
            newest, due = None, time.monotonic() + _PACE_S
            continue
        if said is None:
            return
        if "error" in said:
            raise SplatzipError(said["error"])
        step = Step(**said)
        if step.part is None and step.result is None:
            newest = step
        else:
            newest = None
            yield step
