"""To Open3D and back: its tools crop, clean and register point clouds; splats pass through them with every attribute.

    Scene <-> open3d.t.geometry.PointCloud, with the attributes that Open3D itself gives a splat PLY that it reads

Whatever picks points (crop, select_by_mask, outlier removal) picks whole splats. Open3D's rotate, scale and transform
move only the centres: `splatzip.transform` also rotates and scales the splats, SH included.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from splatzip.errors import BackendError, SceneError
from splatzip.scene import Scene, SceneMeta

_SPLAT = ("scale", "rot", "opacity", "f_dc")
_Y0 = 0.28209479177387814  # SH of degree 0: base colour = 0.5 + _Y0 * sh[0]


def to_open3d(scene: Scene) -> Any:
    """The scene as an `open3d.t.geometry.PointCloud`.

    Returns: a cloud of N points: `positions` (float64 where the scene has an origin), `colors` (base colour, 0..1),
        `scale` (standard deviations), `rot` (wxyz), `opacity` (logits), `f_dc`, and `f_rest` above degree 0.
    Raises: BackendError without Open3D.
    """
    o3d = _open3d()
    positions = scene.positions + scene.origin if scene.origin.any() else scene.positions
    attributes = {
        "positions": positions,
        "colors": np.clip(0.5 + np.float32(_Y0) * scene.sh[:, 0], 0, 1),
        "scale": np.exp(scene.log_scales),
        "rot": scene.rotations,
        "opacity": scene.opacity_logits[:, None],
        "f_dc": scene.sh[:, 0],
    }
    if scene.sh_degree:
        attributes["f_rest"] = scene.sh[:, 1:]
    cloud = o3d.t.geometry.PointCloud()
    for name, values in attributes.items():
        cloud.point[name] = o3d.core.Tensor(np.ascontiguousarray(values))
    return cloud


def from_open3d(cloud: Any, *, like: Scene | None = None) -> Scene:
    """A scene of the splats of an Open3D cloud.

    Args:
        cloud: `open3d.t.geometry.PointCloud` with the attributes of `to_open3d`; `colors` are not looked at.
        like: where the cloud came from: its origin and meta are taken over.
    Raises: SceneError if the cloud has no splats, or they are not valid.
    """
    point: Any = getattr(cloud, "point", {})  # a legacy cloud has none
    lacking = [name for name in ("positions", *_SPLAT) if name not in point]
    if lacking:
        raise SceneError(
            f"an Open3D cloud without {lacking[0]} has no splats; take open3d.t.geometry.PointCloud from to_open3d"
        )
    values = {name: point[name].cpu().numpy() for name in ("positions", *_SPLAT)}
    count = len(values["positions"])
    sh = values["f_dc"].reshape(count, 1, 3)
    if "f_rest" in point:
        sh = np.concatenate([sh, point["f_rest"].cpu().numpy().reshape(count, -1, 3)], axis=1)
    origin, meta = (np.zeros(3), SceneMeta()) if like is None else (like.origin, like.meta)
    with np.errstate(divide="ignore", invalid="ignore"):  # what is not positive is refused by Scene
        log_scales = np.log(values["scale"])
    return Scene(
        positions=values["positions"] - origin if origin.any() else values["positions"],
        log_scales=log_scales,
        rotations=values["rot"],
        opacity_logits=values["opacity"].reshape(count),
        sh=sh,
        origin=origin,
        meta=meta,
    )


def _open3d() -> Any:
    try:
        return importlib.import_module("open3d")
    except ImportError as error:
        raise BackendError(f"Open3D cannot be imported ({error}); pip install 'splatzip[open3d]'") from error
