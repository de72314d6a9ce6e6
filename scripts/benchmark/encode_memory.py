"""Compress argv[2] copies of the scene argv[1], side by side, with `balanced`; print what it took as JSON."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

import splatzip
from benchmark.decode_memory import reset_peak, resident
from splatzip import Scene

_MIDDLE = (1, 99)  # percentiles of positions within which a scene is as wide as it counts


def tiled(scene: Scene, copies: int) -> Scene:
    """Copies on a square, as far apart as the scene is wide."""
    wide = np.subtract(*np.percentile(scene.positions, _MIDDLE[::-1], axis=0))
    flat = np.argsort(wide)[1:]  # the two wider axes
    side = int(np.ceil(np.sqrt(copies)))
    offsets = np.zeros((copies, 1, 3), np.float32)
    for axis, place in zip(flat, np.divmod(np.arange(copies), side), strict=True):
        offsets[:, 0, axis] = place * wide[axis]
    arrays = {name: np.concatenate([values] * copies) for name, values in scene.arrays().items()}
    arrays["positions"] = (scene.positions[None] + offsets).reshape(-1, 3)
    return Scene(**arrays, meta=scene.meta)


if __name__ == "__main__":
    import splatzip.targets  # counts as the interpreter's own

    reset_peak()
    before = resident("VmRSS")
    scene = tiled(splatzip.load(sys.argv[1]), int(sys.argv[2]))
    wall, cpu = time.perf_counter(), time.process_time()
    coded = splatzip.compress(scene, preset="balanced")
    facts = splatzip.info(coded)
    figures = {
        "splats": len(scene),
        "bytes": len(coded),
        "stored_splats": facts["splats"],
        "said_db": facts["quality"]["psnr_db"],
        "wall_s": round(time.perf_counter() - wall, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "peak_bytes": resident("VmHWM") - before,
    }
    print(json.dumps(figures))
