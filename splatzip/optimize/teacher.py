"""Distillation by a teacher: a scene of lower SH degree learns its colours from renders of the source.

    source + cameras -> pictures, from there and from nearby -> [repair, SH alone] -> scene

LightGaussian (arXiv 2311.17245) trains a pruned scene of lower degree on renders of the source at its cameras and at
jittered ones. Used by the recipe of that name. On whole scenes 400 steps regain 0.15 dB of what truncation to degree 2
loses, where regression (`splatzip.distill`) regains 0.25 to 0.5 in a hundredth of the time; after regression they gain
nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from splatzip.kernels.device import Engine
from splatzip.optimize import repair
from splatzip.raster.rasterize import Picture, precise_renderer
from splatzip.scene import Camera, Scene


@dataclass(frozen=True)
class Options:
    """What is shown, and how it is learned.

    Attributes:
        jittered: number of cameras near each given one, in addition to it.
        jitter: their offset from it in each direction (standard deviation), as a share of the median depth that it
            sees; they look the same way.
        steps: how SH learns; other rates are taken as 0.
        seed: of the jitter.
    """

    jittered: int = 1
    jitter: float = 0.03
    steps: repair.Options = field(default_factory=lambda: repair.Options(steps=400))
    seed: int = 0


def teach(
    student: Scene, source: Scene, cameras: Sequence[Camera], options: Options | None = None, *,
    threads: int = 0, device: Engine = "cpu", progress: Callable[[float], None] | None = None,
) -> Scene:  # fmt: skip
    """Move SH until pictures look like the source's.

    Args:
        student: N splats of any degree, of the same place as `source`.
        source: what it should look like.
        cameras: the views.
        options: see `Options`.
        threads: 0 for every core; the result does not depend on it.
        device: what draws and steps.
        progress: called with the share done.
    Returns: the student with other SH.
    """
    options = options or Options()
    rasterizer, random = precise_renderer(source, threads=threads, device=device), np.random.default_rng(options.seed)
    lessons, pictures = [], []
    for camera in cameras:
        picture = rasterizer.render(camera)
        around = [_jittered(camera, picture, options.jitter, random) for _ in range(options.jittered)]
        lessons += [camera, *around]
        pictures += [picture.color, *(rasterizer.render(near).color for near in around)]
    steps = replace(options.steps, position=0.0, log_scale=0.0, rotation=0.0, opacity_logit=0.0)
    learnt = repair.repair(student, lessons, pictures, steps, threads=threads, device=device, progress=progress)
    return student.edited(sh=learnt.sh)


def _jittered(camera: Camera, seen: Picture, jitter: float, random: np.random.Generator) -> Camera:
    """A camera near by; the same where nothing is seen, and so no depth is known."""
    there = seen.alpha > 0.5
    offset = jitter * float(np.median(seen.depth[there]) if there.any() else 0.0) * random.standard_normal(3)
    pose = camera.world_to_camera.copy()
    pose[:3, 3] += offset
    return replace(camera, world_to_camera=pose, name=f"near {camera.name}")
