"""Decoding on a GPU, from the file's bytes in pinned memory to arrays on the device, beside one core of the CPU.

    python -m benchmark.gpu [SCENE.ply ...]      (scripts/gpu_check runs it)

Scenes are repeated side by side until they have a million and five million splats; without any, the sample chair is.
Each row of benchmarks/gpu/NAME.json says how many repetitions there were; their median counts, after the bits were
found to be those of the CPU. `to_device` is the codec with the CPU's part of it, `to_host` also checks the container's
checksums and brings the arrays back.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np

import splatzip
from splatzip import Scene, decode
from splatzip.kernels import stepped
from splatzip.kernels.device import cuda_versions, gpus, require_cuda

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "datasets" / "samples" / "chair" / "point_cloud.ply"
SPLATS = (1_000_000, 5_000_000)
REPETITIONS, WARM_UP = 15, 3


def main() -> None:
    """Measure all scenes at all sizes, and write one file for this GPU."""
    module, gpu, versions = require_cuda(), gpus()[0], cuda_versions()
    assert versions is not None
    rows = []
    for path in map(Path, sys.argv[1:] or [SAMPLE]):
        source = splatzip.load(path)
        for splats in SPLATS:
            row = {"scene": path.parent.name, **measure(repeated(source, splats), module)}
            print(json.dumps(row))
            rows.append(row)
    facts = {
        "device": gpu.name,
        "capability": list(gpu.capability),
        "multiprocessors": gpu.multiprocessors,
        "memory_bytes": gpu.total_bytes,
        "driver_cuda": versions[0],
        "runtime_cuda": versions[1],
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "decode": rows,
    }
    target = ROOT / "benchmarks" / "gpu" / f"{re.sub('[^a-z0-9]+', '_', gpu.name.lower()).strip('_')}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(facts, indent=2) + "\n")
    print(f"wrote {target.relative_to(ROOT)}")


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


def measure(scene: Scene, module: Any) -> dict[str, Any]:
    """Seconds of each way to decode the scene as `fast` compresses it."""
    data = splatzip.compress(scene, preset="fast")
    pinned = module.pinned(len(data))
    pinned[:] = np.frombuffer(data, np.uint8)
    arguments, decoder = _arguments(pinned), module.make_decoder()
    whole = decoder.decode_stepped(*arguments)[0]
    expected = splatzip.decompress(data)
    for found, array in zip(whole.download(), expected.arrays().values(), strict=True):
        assert np.asarray(found).tobytes() == array.tobytes(), "the GPU's bits are not the CPU's"
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
        "one_core_seconds": one_core,
        "times_one_core": one_core / median(on_device),
    }


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
