"""What a GPU has to give as the CPU does: gradients, and files of `balanced`; and how long those take.

    python -m benchmark.gpu_parity [SCENE.ply ...]

`gradients`: by attribute, how far those of CUDA's backward are from the CPU's, relative to their norm, of all but the
worst 1 % of rows (a pixel that falls to the other side of a rim is one splat's) and of all.
"""

from __future__ import annotations

import inspect
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import splatzip
from benchmark.gpu import SAMPLE, repeated
from benchmark.gpu_facts import write
from splatzip import Camera, Scene
from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.kernels.rasterize import NativeRasterizer
from splatzip.views.orbit import orbit_views

MANY = 1_000_000


def main() -> None:
    """Measure all scenes."""
    rows = []
    for path in map(Path, sys.argv[1:] or [SAMPLE]):
        scene = splatzip.load(path)
        row = {"scene": path.parent.name, "splats": len(scene)}
        row["gradients"] = gradients(scene, next(iter(orbit_views(scene).cameras)))
        row["balanced"] = {device: balanced(scene, device) for device in ("cpu", "cuda")}
        row["balanced_of_a_million"] = balanced(repeated(scene, MANY), "cuda")
        print(json.dumps(row), flush=True)
        rows.append(row)
    write("parity", {"parity": rows})


def gradients(scene: Scene, camera: Camera, *, core: Any = None) -> dict[str, list[float]]:
    """By attribute: all but the worst 1 % of rows, all rows; `core` as CudaRasterizer takes it."""
    size, black = (camera.width, camera.height), np.zeros(3, np.float32)
    lens = (camera.fx, camera.fy, camera.cx, camera.cy)
    to_color = np.random.default_rng(0).normal(size=(camera.height, camera.width, 3)).astype(np.float32)
    cuda, native = CudaRasterizer(precise=True, core=core), NativeRasterizer()
    for rasterizer in (cuda, native):
        rasterizer.set_scene(scene.arrays())
    settings: dict[str, Any] = {"exact_extent": False, "antialias": False, "depth": False}
    cuda.render([camera.world_to_camera], scene.origin, [lens], size, black, **settings, keep=True)
    native.render(camera.world_to_camera, scene.origin, lens, size, black, **settings, threads=0)
    found, wanted = cuda.backward(to_color[None])[0], native.backward(to_color)[0]
    return {name: _apart(found[name], wanted[name]) for name in wanted}


def _apart(found: Any, wanted: Any) -> list[float]:
    rows = np.linalg.norm((np.asarray(found) - wanted).reshape(len(wanted), -1), axis=1)
    norm = float(np.linalg.norm(wanted)) + 1e-30
    most = np.sort(rows)[: int(0.99 * len(rows))]
    return [float(np.linalg.norm(most)) / norm, float(np.linalg.norm(rows)) / norm]


def balanced(scene: Scene, device: str) -> dict[str, Any] | None:
    """Seconds and bytes of the preset; None where the encoder cannot choose a device."""
    if "device" not in inspect.signature(splatzip.compress).parameters:
        return None
    options: dict[str, Any] = {"device": device}
    begun = time.perf_counter()
    data = splatzip.compress(scene, preset="balanced", **options)
    return {"seconds": time.perf_counter() - begun, "bytes": len(data)}


if __name__ == "__main__":
    main()
