"""Once around a scene: the cameras of a video."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import ViewsError
from splatzip.scene import Camera
from splatzip.views.collection import Views
from splatzip.views.consensus import up_of, where_looks_meet
from splatzip.views.orbit import FOV_X_DEGREES, Placed, middle

_ELEVATION_DEGREES = 18.0
_DISTANCE = 2.2  # in radii
_UNSEEN_SIDE = np.radians(100)  # a wider gap between cameras is a side that was not trained
_LEAST_SPREAD = 0.02  # of the looks of a capture, for a point where they meet

Floats = NDArray[np.float64]


def turntable(
    scene: Placed, *, frames: int, width: int, height: int, up: ArrayLike | None = None, views: Views | None = None
) -> Views:
    """Cameras on a circle that look at its middle, evenly spaced; a video of them loops seamlessly.

    Args:
        up: (3,) which way is up; None: as the cameras of `views` stand, else what the scene says, else -y.
        views: of a capture: the film goes where its cameras stood, around what they look at; where they left out a
            side, it swings to and fro over the others. None: around the middle of the scene's visible splats, from
            outside.
    Raises: ViewsError if `up` is not a direction; SceneError if the scene has no splats.
    """
    centre, radius = middle(scene)
    distance, elevation = _DISTANCE * radius, np.radians(_ELEVATION_DEGREES)
    if up is None and views is not None:
        up = up_of(views.cameras)
    if up is None:
        up = scene.meta.up or (0.0, -1.0, 0.0)
    axis = np.asarray(up, np.float64)
    if axis.shape != (3,) or not 0 < np.linalg.norm(axis) < np.inf:
        raise ViewsError(f"up {axis.tolist()} is not a direction: three numbers, not all of them 0")
    axis = axis / np.linalg.norm(axis)
    away: Floats | None = None
    if views is not None and (point := _looked_at(views)) is not None:
        centre = point
        away = np.array([camera.position for camera in views.cameras]) - centre
        distance = float(np.median(np.linalg.norm(away, axis=1)))
        elevation = float(np.median(np.arcsin(np.clip(away @ axis / np.linalg.norm(away, axis=1), -0.9, 0.9))))
    # Any two directions that span the plane across the axis; the first is as near to the front as it can be.
    front = np.array([0.0, 0.0, -1.0]) if abs(axis[2]) < 0.9 else np.array([0.0, -1.0, 0.0])
    side = np.cross(axis, front)
    side /= np.linalg.norm(side)
    front = np.cross(side, axis)
    fov_x_rad = float(np.radians(FOV_X_DEGREES))
    cameras = []
    for frame, turn in enumerate(_turns(frames, away, front, side)):
        outward = np.cos(elevation) * (np.cos(turn) * front + np.sin(turn) * side) + np.sin(elevation) * axis
        eye = centre + distance * outward
        cameras.append(
            Camera.look_at(
                eye, centre, down=-axis, width=width, height=height, fov_x_rad=fov_x_rad, name=f"frame {frame}"
            )
        )
    return Views(cameras)


def _turns(frames: int, away: Floats | None, front: Floats, side: Floats) -> Floats:
    """(frames,) angle of each frame from front towards side: a circle, or a swing over the arc that cameras stand on.

    Args:
        away: (V, 3) where cameras stand, seen from the middle; None: not known.
    """
    time = 2 * np.pi * np.arange(frames) / frames
    if away is None:
        return time
    stand = np.sort(np.arctan2(away @ side, away @ front))
    gaps = np.diff(stand, append=stand[0] + 2 * np.pi)
    widest = int(gaps.argmax())
    if gaps[widest] < _UNSEEN_SIDE:
        return time
    arc = 2 * np.pi - gaps[widest]
    first = stand[(widest + 1) % len(stand)]
    return np.asarray(first + arc / 2 * (1 + np.sin(time)))


def _looked_at(views: Views) -> Floats | None:
    """What the cameras look at; None if their looks are parallel, or if that is behind most of them."""
    point = where_looks_meet(views.cameras, least_spread=_LEAST_SPREAD)
    if point is None:
        return None
    ahead = [(point - camera.position) @ camera.world_to_camera[2, :3] for camera in views.cameras]
    return point if np.median(ahead) > 0 else None
