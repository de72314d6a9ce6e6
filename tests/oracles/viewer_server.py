"""`splatzip view` as a process of its own, which may speak to no other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WAIT = 120_000


@dataclass(frozen=True)
class Server:
    """The installed command, at work."""

    address: str
    process: subprocess.Popen[str]
    temporary: Path

    def folder(self, token: str) -> Path:
        """Where files of a page are."""
        (folder,) = self.temporary.glob("splatzip-view-*/sessions")
        return folder / token

    def resident_bytes(self) -> int:
        """Its memory."""
        words = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(words[1]) * os.sysconf("SC_PAGE_SIZE")

    def children(self) -> list[Path]:
        """What it has started, as folders of /proc."""
        folders = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [folder for folder in folders if parent_of(folder) == self.process.pid]

    @contextmanager
    def held(self) -> Iterator[None]:
        """What it starts meanwhile waits: it might end before a slow browser has shown that it is at work."""
        hold = self.temporary / "alone" / "hold"
        hold.touch()
        try:
            yield
        finally:
            hold.unlink()


def parent_of(process: Path) -> int | None:
    """Of one that has not ended."""
    try:
        state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else int(parent)


# What Python imports first in the server and in its children: no torch, no Open3D, and nothing is said to other hosts.
ALONE = """
import ipaddress, os, socket, sys, time
while os.path.exists(os.path.join(os.path.dirname(__file__), "hold")):
    time.sleep(0.05)
sys.modules["torch"] = sys.modules["open3d"] = None
connect, look_up = socket.socket.connect, socket.getaddrinfo
def told(host):
    if host not in (None, "localhost", "") and not ipaddress.ip_address(host).is_loopback:
        raise OSError
def refused(what):
    with open(os.environ["SPLATZIP_TEST_OUTSIDE"], "a") as file:
        print(what, file=file)
    raise OSError(f"{what}: no other hosts in this test")
def only_here(sock, address):
    try:
        sock.family == socket.AF_UNIX or told(address[0])
    except (OSError, ValueError):
        refused(address)
    return connect(sock, address)
def no_names(host, *rest, **more):
    try:
        told(host.decode() if isinstance(host, bytes) else host)
    except (OSError, ValueError):
        refused(host)
    return look_up(host, *rest, **more)
socket.socket.connect, socket.getaddrinfo = only_here, no_names
"""


@contextmanager
def serving(temporary: Path, *arguments: Any) -> Iterator[Server]:
    """`splatzip view`, until it is told to end; then nothing may be left of it, and no other host was asked."""
    command = [Path(sys.executable).with_name("splatzip"), "view", *arguments, "--port", "0"]
    temporary.joinpath("alone").mkdir()
    temporary.joinpath("alone", "sitecustomize.py").write_text(ALONE)
    outside = temporary / "outside.txt"
    environment = {
        **os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(temporary / "alone"),
        "SPLATZIP_TEST_OUTSIDE": str(outside),
    }  # fmt: skip
    said = temporary / "errors.txt"
    with (
        said.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        assert process.stdout is not None
        try:
            yield Server(re.search(r"http://\S+", process.stdout.readline())[0], process, temporary)
        finally:
            process.terminate()
    assert process.returncode == 143
    assert "Traceback" not in said.read_text(), said.read_text()
    assert list(temporary.glob("splatzip-view-*")) == []
    assert not outside.exists(), outside.read_text()


def wait_until(holds: Callable[[], bool], words: Callable[[], str] = str) -> None:
    """Fails with words if it takes too long."""
    deadline = time.monotonic() + WAIT / 1000
    while not holds():
        assert time.monotonic() < deadline, words()
        time.sleep(0.1)
