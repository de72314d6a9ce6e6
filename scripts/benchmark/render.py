"""The CPU rasterizer at 800x600 pixels and 200,000 splats of SH degree 3: milliseconds a picture of every pass.

snowmiku's own splats, some of them repeated a little aside; a repetition draws every test view once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import splatzip
from benchmark.record import ROOT, replace_rows
from benchmark.scenes import DATA, scenes_named
from splatzip import Camera, Scene, Views
from splatzip.kernels.rasterize import Floats
from splatzip.kernels.score import NativeScores
from splatzip.raster import Rasterizer

RENDER_RECORDS = ROOT / "benchmarks" / "render.jsonl"
SPLATS, WIDTH = 200_000, 800
THREADS = (1, 2)
WARM_UP = 1  # repetitions that are not recorded


@dataclass(frozen=True)
class Bench:
    """What every pass works on: a scene made ready, gradients to feed, arrays to fill."""

    rasterizer: Rasterizer
    g_color: Floats
    gradients: dict[str, Floats]
    weights: NativeScores
    everything: NativeScores


def forward(bench: Bench, camera: Camera, threads: int) -> None:
    """Colour, alpha and depth."""
    bench.rasterizer.render(camera, threads=threads)


def forward_and_backward(bench: Bench, camera: Camera, threads: int) -> None:
    """Colour and alpha, then the gradients of every attribute and of the background, into arrays that are kept."""
    native = bench.rasterizer.native
    native.render(bench.rasterizer.view(camera), depth=False, threads=threads)
    native.backward(bench.g_color, out=bench.gradients, threads=threads)


def score_weights(bench: Bench, camera: Camera, threads: int) -> None:
    """What each splat weighs in the picture."""
    _add(bench.weights, bench, camera, threads)


def score_everything(bench: Bench, camera: Camera, threads: int) -> None:
    """Weights, removal, curvature of every group of attributes, directions."""
    _add(bench.everything, bench, camera, threads)


def _add(scores: NativeScores, bench: Bench, camera: Camera, threads: int) -> None:
    view = bench.rasterizer.view(camera)
    scores.add(bench.rasterizer.native, view, view_weight=1.0, floor=0.1, threads=threads)


# Name, what runs, and the most milliseconds a picture with two threads, or how many times the milliseconds of a pass.
PASSES: dict[str, tuple[Callable[[Bench, Camera, int], None], float | tuple[float, str]]] = {
    "forward": (forward, 60.0),
    "forward + backward": (forward_and_backward, 140.0),
    "score: weights": (score_weights, (1.2, "forward")),
    "score: everything": (score_everything, (1.5, "forward + backward")),
}


def measure_rendering(*, repetitions: int) -> None:
    """Every pass in turn, with one thread and with two, recorded."""
    (source,) = scenes_named(["snowmiku"])
    replace_rows("render", source, list(_rows(repetitions)), path=RENDER_RECORDS)


def _rows(repetitions: int) -> Iterator[dict[str, Any]]:
    scene = enlarged(splatzip.load(DATA / "scenes" / "snowmiku" / "point_cloud.ply"), SPLATS)
    views = Views.load(DATA / "scenes" / "snowmiku", split="test")
    cameras = [camera.scaled(WIDTH / camera.width) for camera in views.cameras]
    rng = np.random.default_rng(1)
    bench = Bench(
        Rasterizer(scene),
        rng.normal(size=(cameras[0].height, cameras[0].width, 3)).astype(np.float32),
        {name: np.zeros_like(array) for name, array in scene.arrays().items()},
        _scores(scene, everything=False),
        _scores(scene, everything=True),
    )
    for repetition in range(-WARM_UP, repetitions):
        for threads in THREADS:
            for name, (run, _) in PASSES.items():
                wall, cpu = time.perf_counter(), time.process_time()
                for camera in cameras:
                    run(bench, camera, threads)
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                if repetition >= 0:
                    yield {
                        "pass": name,
                        "threads": threads,
                        "repetition": repetition,
                        "warm_up": WARM_UP,
                        "splats": len(scene),
                        "sh_degree": scene.sh_degree,
                        "size": [cameras[0].width, cameras[0].height],
                        "views": len(cameras),
                        "wall_ms": round(1e3 * wall / len(cameras), 3),
                        "cpu_ms": round(1e3 * cpu / len(cameras), 3),
                        "load": round(os.getloadavg()[0], 2),
                    }


def _scores(scene: Scene, *, everything: bool) -> NativeScores:
    names = ("removal", "geometry_curvature", "color_curvature", "directions")
    return NativeScores(len(scene), scene.sh_degree, **dict.fromkeys(names, everything), threads=0)


def enlarged(scene: Scene, splats: int) -> Scene:
    """The scene with some rows once more, each moved by about half its size."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(scene))[: splats - len(scene)]
    more = scene.take(rows)
    shift = 0.5 * np.exp(more.log_scales.mean(1, keepdims=True)) * rng.normal(size=more.positions.shape)
    moved = more.edited(positions=more.positions + shift.astype(np.float32))
    return Scene(**{name: np.concatenate([array, moved.arrays()[name]]) for name, array in scene.arrays().items()})
