"""Decoding on a GPU, from the file's bytes in pinned memory to arrays on the device, beside one core of the CPU.

    python -m benchmark.gpu [SCENE.ply ...]      (scripts/gpu_check runs it)

Scenes are repeated side by side until they have a million and five million splats; without any, the sample chair is.
Each row of benchmarks/gpu/NAME.json says how many repetitions there were; their median counts, after the bits were
found to be those of the CPU. `to_device` is the codec with the CPU's part of it, `to_host` also checks the container's
checksums and brings the arrays back. `share_of_bandwidth`: what has to be read and written at least, the file and the
arrays, in that time, as a share of what a copy on the device moves.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np

import splatzip
from benchmark.gpu_facts import ROOT, write
from splatzip import Scene, decode
from splatzip.kernels import stepped
from splatzip.kernels.device import require_cuda

SAMPLE = ROOT / "datasets" / "samples" / "chair" / "point_cloud.ply"
SPLATS = (1_000_000, 5_000_000)
REPETITIONS, WARM_UP = 15, 3
COPIED_BYTES = 1 << 30


def main() -> None:
    """Measure all scenes at all sizes, and write one file for this GPU."""
    module, rows = require_cuda(), []
    speed = bandwidth()
    for path in map(Path, sys.argv[1:] or [SAMPLE]):
        source = splatzip.load(path)
        for splats in SPLATS:
            row = {"scene": path.parent.name, **measure(repeated(source, splats), module, speed)}
            print(json.dumps(row), flush=True)
            rows.append(row)
            write("decode", {"bytes_a_second": speed, "decode": rows})


def repeated(scene: Scene, splats: int) -> Scene:
    """So many splats: the scene again and again, side by side along x."""
    copies, left = divmod(splats, len(scene))
    edge = float(np.ptp(scene.positions[:, 0])) + 1.0
    parts = []
    for copy in range(copies + (left > 0)):
        arrays = {name: array[: left if copy == copies else None] for name, array in scene.arrays().items()}
        arrays["positions"] = arrays["positions"] + np.float32([copy * edge, 0, 0])
        parts.append(arrays)
    return Scene(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def measure(scene: Scene, module: Any, speed: float | None) -> dict[str, Any]:
    """Seconds of each way to decode the scene as `fast` compresses it."""
    data = splatzip.compress(scene, preset="fast")
    pinned = module.pinned(len(data))
    pinned[:] = np.frombuffer(data, np.uint8)
    arguments, decoder = _arguments(pinned), module.make_decoder()
    whole = decoder.decode_stepped(*arguments)[0]
    expected = splatzip.decompress(data)
    for found, array in zip(whole.download(), expected.arrays().values(), strict=True):
        if np.asarray(found).tobytes() != array.tobytes():
            sys.exit("benchmark.gpu: the GPU's bits are not the CPU's")
    start = time.perf_counter()
    splatzip.decompress(data, threads=1)
    one_core = time.perf_counter() - start
    on_device = _seconds(lambda: decoder.decode_stepped(*arguments))
    with_container = _seconds(lambda: decode.decompress(memoryview(pinned), device="cuda"))
    return {
        "splats": len(scene),
        "sh_degree": scene.sh_degree,
        "bytes": len(data),
        "repetitions": REPETITIONS,
        "to_device_seconds": median(on_device),
        "to_device_fastest_seconds": min(on_device),
        "to_device_splats_per_second": len(scene) / median(on_device),
        "to_host_seconds": median(with_container),
        "share_of_bandwidth": speed and (len(data) + scene.float_bytes) / median(on_device) / speed,
        "one_core_seconds": one_core,
        "times_one_core": one_core / median(on_device),
    }


def bandwidth() -> float | None:
    """Bytes that a copy on the device reads and writes in a second, which nothing can exceed; None without torch."""
    if not find_spec("torch"):
        return None
    import torch

    a, b = (torch.empty(COPIED_BYTES, dtype=torch.uint8, device="cuda") for _ in range(2))
    seconds = []
    for _ in range(REPETITIONS):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        b.copy_(a)
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    return 2 * COPIED_BYTES / min(seconds)


def _arguments(data: Any) -> tuple[Any, ...]:
    """What the container hands to the decoder on the GPU."""
    seen: list[tuple[Any, ...]] = []

    def record(file: memoryview, params: bytes, books: Any, tables: Any, chunks: Any, splats: int, threads: int) -> Any:
        seen.append((np.frombuffer(file, np.uint8), params, list(books), list(tables), stepped.places_of(chunks)))
        return stepped.decode_stepped(file, params, books, tables, chunks, splats, threads)

    with mock.patch.object(decode, "decode_stepped", record):
        splatzip.decompress(memoryview(data))
    return seen[0]


def _seconds(what: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(WARM_UP + REPETITIONS):
        start = time.perf_counter()
        what()
        times.append(time.perf_counter() - start)
    return times[WARM_UP:]


if __name__ == "__main__":
    main()
