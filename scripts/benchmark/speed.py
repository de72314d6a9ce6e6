"""The codec itself, in memory: seconds to encode and to decode, and the peak memory of decoding."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import splatzip
from splatzip import Scene

ALL_THREADS = 0
WARM_UP = 1  # repetitions that are not recorded


def measure_speed(source: Scene, *, preset: str, repetitions: int) -> Iterator[dict[str, Any]]:
    """Encode and decode in turn, with one thread and with all; every file is verified."""
    coded = splatzip.compress(source, preset=preset)
    for threads in (1, ALL_THREADS):
        peak = decode_peak(coded, threads=threads)
        for repetition in range(-WARM_UP, repetitions):
            start = time.perf_counter()
            again = splatzip.compress(source, preset=preset, threads=threads)
            encoded = time.perf_counter()
            decoded = splatzip.decompress(again, threads=threads)
            end = time.perf_counter()
            if again != coded or len(decoded) != len(source):
                raise AssertionError("the bytes depend on the number of threads")
            if repetition < 0:
                continue
            yield {
                "preset": preset,
                "threads": threads,
                "repetition": repetition,
                "warm_up": WARM_UP,
                "splats": len(source),
                "sh_degree": source.sh_degree,
                "bytes": len(coded),
                "encode_s": round(encoded - start, 5),
                "decode_s": round(end - encoded, 5),
                "decode_peak_bytes": peak,
                "decoded_bytes": decoded_bytes(decoded),
            }


def decoded_bytes(scene: Scene) -> int:
    """Bytes of the arrays that a decoded scene holds: its floats, and the codes and tables of a source that it has."""
    source = scene.source
    held = [
        *scene.arrays().values(),
        *(source.codes.values() if source else ()),
        *(source.tables.values() if source else ()),
    ]
    return sum(array.nbytes for array in held)


def decode_peak(coded: bytes, *, threads: int) -> int:
    """Most resident bytes while a process of its own decodes a file, above what the interpreter had before."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scene.splatz"
        file.write_bytes(coded)
        command = [sys.executable, str(Path(__file__).with_name("decode_memory.py")), str(file), str(threads)]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)
