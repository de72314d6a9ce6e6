"""Worker processes: cases go out, verdicts come back; who crashes or hangs is replaced and reported."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

HANG_SECONDS = 30.0  # of wall time, on whatever machine


class Worker:
    """One child process, started when it is first needed and again after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115  what it says last, should it crash

    def judge(self, check: str, path: Path) -> dict[str, Any]:
        """Send one case and wait for the verdict."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"check": check, "path": str(path)}) + "\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            answered = selector.select(HANG_SECONDS)
        line = process.stdout.readline() if answered else ""
        if line:
            verdict: dict[str, Any] = json.loads(line)
            return verdict
        self.stop()
        self._errors.seek(0)
        said = self._errors.read()[-4000:]
        what = f"crashed, exit {process.returncode}" if answered else f"no answer in {HANG_SECONDS:g} s"
        return {"bug": f"{what}\n{said}".rstrip(), "outcome": "bug"}

    def close(self) -> None:
        """End the process for good."""
        self.stop()
        self._errors.close()

    def stop(self) -> None:
        """End the process; the next case starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            command = [sys.executable, str(Path(__file__).with_name("worker.py"))]
            pipe = subprocess.PIPE
            self._errors.seek(0)
            self._errors.truncate()
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self._errors, text=True)
        return self._process
