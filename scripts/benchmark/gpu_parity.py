"""What a GPU has to give as the CPU does: gradients, and files of `balanced`; and how long those take.

    python -m benchmark.gpu_parity [SCENE.ply ...]

`gradients`: by attribute, how far those of CUDA's backward are from the CPU's, relative to their norm, of all but the
worst 1 % of rows (a pixel that falls to the other side of a rim is one splat's) and of all.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import splatzip
from benchmark.gpu import SAMPLE, repeated
from benchmark.gpu_facts import write
from splatzip import Camera, Scene
from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.kernels.device import Device
from splatzip.kernels.rasterize import NativeRasterizer
from splatzip.raster.view import view_of
from splatzip.views.orbit import orbit_views

MANY = 1_000_000


def main() -> None:
    """Measure all scenes."""
    rows = []
    for path in map(Path, sys.argv[1:] or [SAMPLE]):
        scene = splatzip.load(path)
        row: dict[str, Any] = {"scene": path.parent.name, "splats": len(scene)}
        rows.append(row)
        for name, found in parts(scene):
            row[name] = found
            print(json.dumps({name: found}), flush=True)
            write("parity", {"parity": rows})


def parts(scene: Scene) -> Iterator[tuple[str, Any]]:
    """What is measured of a scene, what takes longest last."""
    yield "gradients", gradients(scene, next(iter(orbit_views(scene).cameras)))
    yield "balanced_cuda", balanced(scene, "cuda")
    yield "balanced_cuda_of_a_million", balanced(repeated(scene, MANY), "cuda")
    yield "balanced_cpu", balanced(scene, "cpu")


def gradients(scene: Scene, camera: Camera, *, core: Any = None) -> dict[str, list[float]]:
    """By attribute: all but the worst 1 % of rows, all rows; `core` as CudaRasterizer takes it."""
    to_color = np.random.default_rng(0).normal(size=(camera.height, camera.width, 3)).astype(np.float32)
    cuda, native = CudaRasterizer(precise=True, core=core), NativeRasterizer()
    for rasterizer in (cuda, native):
        rasterizer.set_scene(scene.arrays())
    view = view_of(camera, scene.origin)
    cuda.render([view], depth=False, keep=True)
    native.render(view, depth=False, threads=0)
    found, wanted = cuda.backward(to_color[None])[0], native.backward(to_color)[0]
    return {name: _apart(found[name], wanted[name]) for name in wanted}


def _apart(found: Any, wanted: Any) -> list[float]:
    rows = np.linalg.norm((np.asarray(found) - wanted).reshape(len(wanted), -1), axis=1)
    norm = float(np.linalg.norm(wanted)) + 1e-30
    most = np.sort(rows)[: int(0.99 * len(rows))]
    return [float(np.linalg.norm(most)) / norm, float(np.linalg.norm(rows)) / norm]


def balanced(scene: Scene, device: Device) -> dict[str, Any]:
    """Seconds of the preset, by step, and its bytes."""
    by_step: dict[str, float] = {}
    begun = last = time.perf_counter()
    current = "making views"

    def progress(share: float, step: str) -> None:
        nonlocal last, current
        now = time.perf_counter()
        by_step[current] = by_step.get(current, 0.0) + now - last
        last, current = now, step

    data = splatzip.compress(scene, preset="balanced", device=device, progress=progress)
    progress(1.0, "")
    return {"seconds": time.perf_counter() - begun, "by_step": by_step, "bytes": len(data)}


if __name__ == "__main__":
    main()
