"""The installed `splatzip` command, a small scene to run it on, and snapshots of what it prints."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splatzip import Scene, save

COMMAND = Path(sys.executable).with_name("splatzip")
SNAPSHOTS = Path(__file__).parent / "snapshots"
# No terminal, no colour, one width: the same text on every machine.
ENVIRONMENT = {**os.environ, "COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command in the test's own folder; takes its arguments."""

    def run_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [COMMAND, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)

    return run_command


class _Started(subprocess.Popen[str]):
    """Does not outlive a test that fails, and would wait for its end."""

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, *rest)


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the command and go on; takes its arguments, and further environment by name."""

    def start_command(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        return _Started(
            [COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env={**ENVIRONMENT, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start_command


@pytest.fixture
def run_patched(tmp_path: Path) -> Run:
    """Run the command after some Python statements, in a process of its own."""

    def run_command(statements: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        code = f"{statements}\nfrom splatzip.cli import main\nmain()"
        command = [sys.executable, "-I", "-c", code, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)

    return run_command


@pytest.fixture
def run_in_terminal(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run the command with a terminal as stderr; returns the exit code and what was drawn there.

    What it prints goes into `stdout.txt`.
    """

    def run_command(*arguments: str | Path) -> tuple[int, str]:
        screen, stderr = pty.openpty()
        environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm"}
        command = [COMMAND, *map(str, arguments)]
        with (
            open(tmp_path / "stdout.txt", "wb") as stdout,
            subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=stdout, stderr=stderr) as child,
        ):
            os.close(stderr)
            drawn = b""
            with contextlib.suppress(OSError):  # EIO: the last writer closed the terminal
                while piece := os.read(screen, 65536):
                    drawn += piece
            os.close(screen)
        return child.returncode, drawn.decode(errors="replace")

    return run_command


def small_scene(splats: int = 500, degree: int = 1, seed: int = 7) -> Scene:
    """A scene with the spread of values that trained ones have."""
    rng = np.random.default_rng(seed)
    return Scene(
        positions=rng.normal(0, 1, (splats, 3)),
        log_scales=rng.normal(-4, 1, (splats, 3)),
        rotations=rng.normal(0, 1, (splats, 4)),
        opacity_logits=rng.normal(0, 2, splats),
        sh=rng.normal(0, 0.3, (splats, (degree + 1) ** 2, 3)),
    )


@pytest.fixture
def scene_ply(tmp_path: Path) -> Path:
    """`scene.ply` in the test's own folder."""
    path = tmp_path / "scene.ply"
    save(small_scene(), path)
    return path


@pytest.fixture
def chair_ply() -> Path:
    """The sample that ships with the project: several tiles."""
    return Path(__file__).resolve().parents[2] / "datasets/samples/chair/point_cloud.ply"


@pytest.fixture
def broken_ply(scene_ply: Path, tmp_path: Path) -> Path:
    """`broken.ply`: `scene.ply` with a NaN in row 2."""
    header, end, rows = scene_ply.read_bytes().partition(b"end_header\n")
    row_bytes = len(rows) // 500
    rows = bytearray(rows)
    rows[2 * row_bytes : 2 * row_bytes + 4] = np.float32(np.nan).tobytes()
    path = tmp_path / "broken.ply"
    path.write_bytes(header + end + rows)
    return path


def check_snapshot(name: str, text: str) -> None:
    """Compare with tests/cli/snapshots/NAME.txt; SPLATZIP_UPDATE_SNAPSHOTS=1 writes it anew."""
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("SPLATZIP_UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), "see the diff; SPLATZIP_UPDATE_SNAPSHOTS=1 scripts/test tests/cli accepts it"


@pytest.fixture
def snapshot() -> Callable[[str, str], None]:
    """`check_snapshot`, for text that is the same in every run."""
    return check_snapshot


@pytest.fixture
def snapshot_of_shape() -> Callable[[str, str], None]:
    """Snapshot with every number as #: sizes are held by tests/regression, times by the benchmark."""

    def check(name: str, text: str) -> None:
        numberless = re.sub(r"-?\d[\d,]*(\.\d+)?(e[+-]?\d+)?", "#", text)
        lines = (re.sub(r" {2,}", "  ", line).rstrip() for line in numberless.splitlines())
        check_snapshot(name, "\n".join(lines) + "\n")

    return check
