"""Pictures by a GPU at 1920x1080 from twelve cameras around a scene, beside gsplat's in the same run, both with the
exact extent, and how far apart they are.

    python -m benchmark.gpu_pictures [SCENE.ply ...]

Needs torch for CUDA; without gsplat, ours are timed alone. A row is the median over repetitions of all twelve cameras,
one picture after the other, tensors on the GPU before and after. `share_of_bandwidth`: what a picture cannot do without
(`benchmark.gpu_floor`), as a share of what a copy on the device moves in that time.
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

import numpy as np
import torch

import splatzip
from benchmark.gpu import SAMPLE, SPLATS, bandwidth, repeated
from benchmark.gpu_facts import write
from benchmark.gpu_floor import least_bytes
from splatzip import Camera, Scene
from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.raster.gsplat_backend import DILATION
from splatzip.raster.view import view_of
from splatzip.views.orbit import orbit_views

WIDTH, HEIGHT = 1920, 1080
REPETITIONS, WARM_UP = 10, 3
DEVICE = "cuda"
Draw = Callable[[Camera], torch.Tensor]  # (HEIGHT, WIDTH, 3)


def main() -> None:
    rows = []
    speed = bandwidth()
    assert speed is not None
    for path in map(Path, sys.argv[1:] or [SAMPLE]):
        source = splatzip.load(path)
        for splats in (len(source), *SPLATS):
            for row in measure(repeated(source, splats), speed):
                rows.append({"scene": path.parent.name, "splats": splats, **row})
                print(json.dumps(rows[-1]), flush=True)
            write("pictures", {"torch": torch.__version__, "bytes_a_second": speed, "pictures": rows})


def measure(scene: Scene, speed: float) -> list[dict[str, Any]]:
    """A row each for ours, in 16 bits and precise, and for gsplat, packed and not, if it is there and works."""
    cameras = [wide(camera) for camera in orbit_views(scene).cameras]
    tensors = {name: torch.tensor(array, device=DEVICE) for name, array in scene.arrays().items()}
    ways: dict[str, Draw] = {
        "splatzip": ours(tensors, scene, precise=False),
        "splatzip, float32": ours(tensors, scene, precise=True),
    }
    if find_spec("gsplat"):
        ways |= {"gsplat": peer(tensors, packed=False), "gsplat, packed": peer(tensors, packed=True)}
    least = {
        name: least_of(scene, cameras, precise=precise)
        for name, precise in (("splatzip", False), ("splatzip, float32", True))
    }
    rows: list[dict[str, Any]] = []
    pictures: dict[str, list[torch.Tensor]] = {}
    for name, draw in ways.items():
        try:
            seconds = timed(draw, cameras)
            pictures[name] = [draw(camera).cpu() for camera in cameras[::4]]
        except Exception as error:
            if name in least:
                raise
            print(f"not measured: {name}: {error!r}", flush=True)  # it compiles itself when it is first used
            continue
        rows.append({"renderer": name, "pictures_a_second": len(cameras) / median(seconds), "seconds": seconds})
        if name in least:
            rows[-1] |= {
                "least_bytes": least[name],
                "share_of_bandwidth": least[name] * len(cameras) / median(seconds) / speed,
            }
    for row in rows:
        row["db_beside_splatzip_float32"] = decibels(pictures[row["renderer"]], pictures["splatzip, float32"])
    return rows


def least_of(scene: Scene, cameras: list[Camera], *, precise: bool) -> float:
    """`least_bytes` of a picture, the mean over cameras."""
    rasterizer = CudaRasterizer(precise=precise)
    rasterizer.set_scene(scene.arrays())
    found = []
    for camera in cameras:
        size = camera.width, camera.height
        rasterizer.render([view_of(camera, scene.origin, exact_extent=True)], depth=False)
        counts = rasterizer.count()
        found.append(least_bytes(counts, size=size, coefficients=scene.sh.shape[1], precise=precise))
    return float(np.mean(found))


def wide(camera: Camera) -> Camera:
    """The same look in 1920x1080, as high as before."""
    focal = camera.fy * HEIGHT / camera.height
    return Camera(camera.world_to_camera, WIDTH, HEIGHT, focal, focal, WIDTH / 2, HEIGHT / 2, camera.name)


def timed(draw: Draw, cameras: list[Camera]) -> list[float]:
    """Seconds of all cameras, once a repetition."""
    seconds = []
    for repetition in range(WARM_UP + REPETITIONS):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        for camera in cameras:
            draw(camera)
        torch.cuda.synchronize()
        if repetition >= WARM_UP:
            seconds.append(time.perf_counter() - begun)
    return seconds


def ours(tensors: dict[str, torch.Tensor], scene: Scene, *, precise: bool) -> Draw:
    rasterizer = CudaRasterizer(precise=precise, stream=torch.cuda.current_stream().cuda_stream)
    rasterizer.set_scene_at([tensor.data_ptr() for tensor in tensors.values()], len(scene), scene.sh_degree)
    color = torch.empty((HEIGHT, WIDTH, 3), device=DEVICE)
    alpha = torch.empty((HEIGHT, WIDTH), device=DEVICE)

    def draw(camera: Camera) -> torch.Tensor:
        view = view_of(camera, scene.origin, exact_extent=True)
        rasterizer.render_at(view, keep=False, color=color.data_ptr(), alpha=alpha.data_ptr())
        return color

    return draw


def peer(tensors: dict[str, torch.Tensor], *, packed: bool) -> Draw:
    scales, opacities = torch.exp(tensors["log_scales"]), torch.sigmoid(tensors["opacity_logits"])
    degree = int(tensors["sh"].shape[1] ** 0.5) - 1

    @torch.no_grad()
    def draw(camera: Camera) -> torch.Tensor:
        from gsplat.rendering import rasterization

        lens = [[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]]
        pictures, _, _ = rasterization(
            tensors["positions"], tensors["rotations"], scales, opacities, tensors["sh"],
            torch.tensor(camera.world_to_camera, dtype=torch.float32, device=DEVICE)[None],
            torch.tensor(lens, device=DEVICE)[None], WIDTH, HEIGHT, near_plane=camera.near, eps2d=DILATION,
            sh_degree=degree, packed=packed,
        )  # fmt: skip
        return pictures[0]

    return draw


def decibels(found: list[torch.Tensor], wanted: list[torch.Tensor]) -> float:
    """Mean over pictures, clipped to 0..1."""
    pairs = zip(found, wanted, strict=True)
    errors = [float(((a.clamp(0, 1) - b.clamp(0, 1)) ** 2).mean()) + 1e-20 for a, b in pairs]
    return float(np.mean(-10 * np.log10(errors)))


if __name__ == "__main__":
    main()
