"""The opening camera and the up direction: taken from given cameras where a file has none.

    cameras -> up, as they are held (consensus.py)    -> META of the file
            -> a typical one that sees many splats    ->

Viewers orbit the target of the opening view, so the target lies on what the camera looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.raster import render
from splatzip.scene import Camera, Scene
from splatzip.views.consensus import up_of, where_looks_meet
from splatzip.views.orbit import middle

Floats = NDArray[np.float64]

_LEAST_SPREAD = 0.1  # of looks, for a point where they meet
_MISSED = 0.35  # by how much a look may miss that point, in distances to it
_MOST = 0.8  # share of the cameras that have to look at it
_TYPICAL = 1.2  # times as unlike the others as the least unlike one
_OTHERS = 500  # cameras that each is compared with
_FAINT_LOGIT = -2.2  # opacity 0.1
_LOOKED_AT = 4000
_CELLS = 32  # across the picture that says what hides what
_BEHIND = 1.03  # times the depth of the nearest one, to be hidden
_PICTURE_PIXELS = 96  # width of the picture that says how far away things are
_DIGITS = 3


def with_opening(scene: Scene, cameras: Sequence[Camera]) -> Scene:
    """The scene, saying where to look from and what is up, as far as it does not already.

    Args:
        cameras: at least one, in the scene's coordinates (with its origin).
    """
    meta = scene.meta
    up = up_of(cameras)
    if meta.up is None and up is not None:
        meta = replace(meta, up=_rounded(up, 1.0))
    if meta.camera is None:
        meta = replace(meta, camera=_opening_view(scene, _best(scene, cameras, up), cameras))
    return replace(scene, meta=meta)


def fullest(scene: Scene, cameras: Sequence[Camera]) -> Camera:
    """The camera that sees most splats: they are many where there is something to see."""
    points = _points(scene)
    return max(cameras, key=lambda camera: _shown(points, camera))


def _best(scene: Scene, cameras: Sequence[Camera], up: Floats | None) -> Camera:
    """Of the cameras that stand and look much as all others do, the one that sees most splats.

    Only of the half that look least steeply: of cameras all around a thing, the one above it is most like the others.
    """
    places = np.array([camera.position for camera in cameras])
    looks = np.array([camera.world_to_camera[2, :3] for camera in cameras])
    spread = np.median(np.linalg.norm(places - np.median(places, axis=0), axis=1))
    features = np.concatenate([places / max(float(spread), 1e-9), looks], axis=1)
    others = features[:: -(-len(features) // _OTHERS)]
    unlike = np.array([np.linalg.norm(others - one, axis=1).mean() for one in features])
    steepness = np.zeros(len(cameras)) if up is None else np.abs(looks @ up)
    unlike = np.where(steepness <= np.median(steepness) + 1e-6, np.round(unlike, 9), np.inf)
    points = _points(scene)
    typical = [int(number) for number in np.flatnonzero(unlike <= _TYPICAL * unlike.min())]
    if len(typical) == 1:
        return cameras[typical[0]]
    return cameras[max(typical, key=lambda number: _shown(points, cameras[number]))]


def _points(scene: Scene) -> Floats:
    """(k, 3) some thousand of the splats that are not faint, evenly chosen."""
    rows = np.flatnonzero(scene.opacity_logits > _FAINT_LOGIT)
    return np.asarray(scene.origin + scene.positions[rows[:: -(-len(rows) // _LOOKED_AT) or 1]])


def _shown(points: Floats, camera: Camera) -> int:
    """How many points are in the picture and behind no other. Splats are many where there is something to see."""
    seen = points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    seen = seen[seen[:, 2] > 1e-6]
    cells = np.array([_CELLS, max(1, round(_CELLS * camera.height / camera.width))])
    pixels = seen[:, :2] / seen[:, 2:] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
    at = np.floor(pixels * cells / [camera.width, camera.height])
    inside = ((at >= 0) & (at < cells)).all(1)
    cell = (at[inside] @ [1, cells[0]]).astype(np.int64)
    depths = seen[inside, 2]
    nearest = np.full(cells.prod(), np.inf)
    np.minimum.at(nearest, cell, depths)
    return int((depths < _BEHIND * nearest[cell]).sum())


def _opening_view(scene: Scene, camera: Camera, cameras: Sequence[Camera]) -> dict[str, Any]:
    """What a camera sees, as META has it: relative to the scene's origin."""
    ahead = camera.world_to_camera[2, :3]
    position = camera.position - scene.origin
    distance = _distance_to_common(camera, cameras) or _distance_to_seen(scene, camera)
    return {
        "position": list(_rounded(position, distance)),
        "target": list(_rounded(position + distance * ahead, distance)),
        "fov_y_degrees": round(float(np.degrees(2 * np.arctan(camera.height / (2 * camera.fy)))), 1),
    }


def _distance_to_common(camera: Camera, cameras: Sequence[Camera]) -> float | None:
    """From the camera to what all of them stand around; None if that is nothing."""
    places = np.array([other.position for other in cameras])
    looks = np.array([other.world_to_camera[2, :3] for other in cameras])
    common = where_looks_meet(cameras, least_spread=_LEAST_SPREAD)
    if common is None:
        return None
    ahead = ((common - places) * looks).sum(1)
    missed = np.linalg.norm(common - places - ahead[:, None] * looks, axis=1)
    if np.mean((ahead > 0) & (missed < _MISSED * ahead)) < _MOST:
        return None
    distance = float((common - camera.position) @ camera.world_to_camera[2, :3])
    return distance if distance > 0 else None


def _distance_to_seen(scene: Scene, camera: Camera) -> float:
    """From the camera to what is in the middle of its picture; where that is nothing, to the middle of the scene."""
    picture = render(scene, camera.scaled(_PICTURE_PIXELS / camera.width))
    height, width = picture.alpha.shape
    inner = slice(height // 3, height - height // 3), slice(width // 3, width - width // 3)
    depths = picture.depth[inner][picture.alpha[inner] > 0.5]
    if len(depths):
        return max(float(np.median(depths)), 1e-6)
    return max(float(np.linalg.norm(middle(scene)[0] - camera.position)), 1e-6)


def _rounded(values: Floats, size: float) -> tuple[float, float, float]:
    """To a thousandth of a size: files need no more."""
    digits = _DIGITS - int(np.floor(np.log10(size)))
    x, y, z = (round(float(value), digits) + 0.0 for value in values)  # 0.0: no -0.0
    return x, y, z
