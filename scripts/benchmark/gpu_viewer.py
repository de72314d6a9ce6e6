"""The viewer's path on a GPU: a file's bytes to the first picture, and pictures a second at 1280x720.

    python -m benchmark.gpu_viewer [SCENE.ply ...]

`first_seconds` is from a path to a JPEG: read to pinned memory, decoded and drawn on the GPU, three bytes a pixel back,
encoded. `pictures_a_second` repeats the last three, camera after camera; `served_a_second` asks `splatzip view --device
cuda` over HTTP, one picture at a time, where Gradio is installed.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

import splatzip
from benchmark import viewer
from benchmark.gpu import SAMPLE, SPLATS, repeated
from benchmark.gpu_facts import write
from splatzip import Camera, GpuScene, Renderer
from splatzip.views.orbit import orbit_views

WIDTH, HEIGHT, QUALITY = 1280, 720, 90
REPETITIONS, PICTURES = 5, 120


def main() -> None:
    """Measure all scenes at all sizes."""
    rows = []
    for path in map(Path, sys.argv[1:] or [SAMPLE]):
        source = splatzip.load(path)
        for splats in SPLATS:
            scene = repeated(source, splats)
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "scene.splatz"
                file.write_bytes(splatzip.compress(scene, preset="fast"))
                row = {"scene": path.parent.name, "splats": splats, **measure(file, cameras_of(scene))}
                if find_spec("gradio"):
                    row["served_a_second"] = served(file)
            print(json.dumps(row), flush=True)
            rows.append(row)
            write("viewer", {"width": WIDTH, "height": HEIGHT, "viewer": rows})


def cameras_of(scene: splatzip.Scene) -> list[Camera]:
    """Twelve looks at the scene in the size that is measured."""
    cameras = orbit_views(scene).cameras
    focal = [camera.fy * HEIGHT / camera.height for camera in cameras]
    return [
        Camera(camera.world_to_camera, WIDTH, HEIGHT, f, f, WIDTH / 2, HEIGHT / 2, camera.name)
        for camera, f in zip(cameras, focal, strict=True)
    ]


def measure(file: Path, cameras: list[Camera], *, pictures: int = PICTURES) -> dict[str, Any]:
    """Seconds from the file to the first JPEG, and JPEGs a second from then on."""
    first = []
    for _ in range(REPETITIONS + 1):
        begun = time.perf_counter()
        scene: GpuScene = splatzip.decompress_on_gpu(file)
        drawn_by = splatzip.renderer(scene, device="cuda")
        jpeg(drawn_by, cameras[0])
        first.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    for k in range(pictures):
        jpeg(drawn_by, cameras[k % len(cameras)])
    return {
        "file_bytes": file.stat().st_size,
        "cold_seconds": first[0],  # with all that CUDA does once
        "first_seconds": median(first[1:]),
        "pictures_a_second": pictures / (time.perf_counter() - begun),
    }


def jpeg(drawn_by: Renderer, camera: Camera) -> bytes:
    """What the server sends."""
    written = io.BytesIO()
    Image.fromarray(drawn_by.render_bytes(camera)).save(written, "JPEG", quality=QUALITY, subsampling=0)
    return written.getvalue()


def served(file: Path) -> float:
    """Pictures a second that the viewer's server answers, one asked for after the other."""
    command = [sys.executable, "-c", "from splatzip.cli import main; main()", "view", str(file), "--port", "0"]
    with subprocess.Popen([*command, "--device", "cuda"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found is not None
            return viewer.pictures_a_second(found[0], size=(WIDTH, HEIGHT), quality=QUALITY, pictures=PICTURES)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
