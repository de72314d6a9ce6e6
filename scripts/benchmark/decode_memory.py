"""Decode the file of argv[1] with argv[2] threads; print the peak of resident memory above what there was before."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

import splatzip.decode

_RESET_PEAK = "5"  # proc(5), clear_refs


def resident(field: str) -> int:
    """Bytes of VmRSS or VmHWM. getrusage would show the parent's peak where that was higher."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")


def reset_peak() -> None:
    """VmHWM starts from what is in use now.

    What imports freed goes back to the system first: it would serve what comes, more or less of it each time.
    """
    with contextlib.suppress(AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text(_RESET_PEAK)


if __name__ == "__main__":
    reset_peak()
    before = resident("VmRSS")
    scene = splatzip.decode.decompress(sys.argv[1], threads=int(sys.argv[2]))
    print(resident("VmHWM") - before)
