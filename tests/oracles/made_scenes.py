"""Small scenes for the tests of the rasterizer, made from a seed."""

from __future__ import annotations

import numpy as np

from splatzip import Scene
from splatzip.scene.cameras import Camera


def smooth_scene(splats: int = 12, *, degree: int = 3, seed: int = 0) -> tuple[Scene, Camera]:
    """Splats so wide, pale and bright that no cutoff and no clamp takes part anywhere in the picture."""
    rng = np.random.default_rng(seed)
    camera = Camera.look_at((0.3, -0.4, -4.0), (0.0, 0.0, 0.0), width=20, height=14, fov_x_rad=0.5, name="smooth")
    sh = 0.08 * rng.normal(size=(splats, (degree + 1) ** 2, 3))
    sh[:, 0] = rng.uniform(0.2, 1.5, (splats, 3))
    scene = Scene(
        positions=rng.uniform(-1, 1, (splats, 3)) * [0.4, 0.3, 0.6],
        log_scales=np.log(rng.uniform(0.7, 1.4, (splats, 3))),
        rotations=rng.normal(size=(splats, 4)),
        opacity_logits=rng.uniform(-1.5, 0.6, splats),
        sh=sh,
    )
    return scene, camera


def rough_scene(splats: int = 150, *, degree: int = 3, seed: int = 0) -> tuple[Scene, Camera]:
    """Needles, discs and specks, opaque and faint, some behind the camera, off the picture or with dark colours."""
    rng = np.random.default_rng(seed)
    camera = Camera.look_at((0.5, -0.7, -3.0), (0.0, 0.0, 0.0), width=61, height=43, fov_x_rad=0.9, name="rough")
    sh = 0.2 * rng.normal(size=(splats, (degree + 1) ** 2, 3))
    sh[:, 0] = rng.uniform(-1.2, 2.5, (splats, 3))
    scene = Scene(
        positions=rng.normal(size=(splats, 3)) * [1.0, 0.7, 1.6],
        log_scales=np.log(rng.uniform(0.01, 0.3, (splats, 3))),
        rotations=rng.normal(size=(splats, 4)) * rng.uniform(0.5, 2.0, (splats, 1)),
        opacity_logits=rng.uniform(-4.0, 6.0, splats),
        sh=sh,
    )
    return scene, camera
