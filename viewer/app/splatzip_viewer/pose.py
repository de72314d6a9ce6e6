"""Poses: converts what the page sends into a camera, and finds a scene's opening pose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from splatzip import Camera, Picture, Scene, Views, ViewsError, turntable

if TYPE_CHECKING:
    from splatzip_viewer.opened import Outline

FOV_Y_DEGREES = 45.0
_FOV_RANGE = (5.0, 120.0)
_MOST_PIXELS = 1920  # a side: what a page asks for beyond is drawn smaller
_DIRECTIONS = 8  # looked at from, where nobody says where the front is
_SKETCH = (96, 72)


@dataclass(frozen=True)
class Pose:
    """A look, in the scene's coordinates: (3,) each, right-down-front."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    up: tuple[float, float, float]
    fov_y_degrees: float = FOV_Y_DEGREES

    @staticmethod
    def from_json(values: Any) -> Pose:
        """Raises: ViewsError if these are no finite numbers."""
        try:
            position, target, up = (_three(values[name]) for name in ("position", "target", "up"))
            fov = float(values.get("fov_y_degrees", FOV_Y_DEGREES))
        except (TypeError, KeyError, ValueError, AttributeError):
            raise ViewsError("a pose is position, target and up, three numbers each") from None
        if not np.isfinite([*position, *target, *up, fov]).all():
            raise ViewsError("a pose is position, target and up, three finite numbers each")
        return Pose(position, target, up, float(np.clip(fov, *_FOV_RANGE)))

    def to_json(self) -> dict[str, Any]:
        return {
            "position": list(self.position), "target": list(self.target), "up": list(self.up),
            "fov_y_degrees": self.fov_y_degrees,
        }  # fmt: skip

    def camera(self, width: int, height: int) -> Camera:
        """The camera of a picture.

        Raises: ViewsError if nothing can be seen that way.
        """
        if width < 1 or height < 1:
            raise ViewsError(f"{width}x{height} pixels is not a picture")
        shrink = min(1.0, _MOST_PIXELS / max(width, height))
        width, height = max(1, round(width * shrink)), max(1, round(height * shrink))
        half = np.tan(np.radians(self.fov_y_degrees) / 2) * width / height
        return Camera.look_at(
            self.position, self.target, down=-np.asarray(self.up), width=width, height=height,
            fov_x_rad=float(2 * np.arctan(half)), name="page",
        )  # fmt: skip


def pose_of(camera: Camera, distance: float) -> Pose:
    """The pose that sees what a camera sees, `distance` from what a person turns about."""
    look, down = camera.world_to_camera[2, :3], camera.world_to_camera[1, :3]
    fov = float(np.degrees(2 * np.arctan(camera.height / 2 / camera.fy)))
    return Pose(_three(camera.position), _three(camera.position + distance * look), _three(-down), fov)


def opening_pose(scene: Scene | Outline, draw: Callable[[Camera], Picture], views: Views | None = None) -> Pose:
    """Where to look from first: as the file says, else like the cameras of its capture, else from outside.

    From outside, the side is taken from which most of the picture is filled: `draw` makes small ones.
    """
    camera = scene.meta.camera
    up = None if scene.meta.up is None else _three(scene.meta.up)
    if camera is not None and (said := _said(scene, camera, up)) is not None:
        return said
    width, height = _SKETCH
    stood = views if up is None else None
    around = turntable(scene, frames=_DIRECTIONS, width=width, height=height, views=stood)
    filled = [float(draw(one).alpha.mean()) for one in around.cameras]
    chosen = around.cameras[int(np.argmax(filled))]
    towards = np.mean([one.position for one in around.cameras], axis=0)
    distance = float(np.linalg.norm(towards - chosen.position)) or 1.0
    pose = pose_of(chosen, distance)
    first, quarter = around.cameras[0].position, around.cameras[_DIRECTIONS // 4].position
    axis = np.cross(first - towards, quarter - towards)  # of the circle
    if np.linalg.norm(axis) > 0 and len({_three(one.position) for one in around.cameras}) > 2:
        axis = axis / np.linalg.norm(axis)
        leaning = np.asarray(pose.up) @ axis
        pose = replace(pose, up=_three(axis if leaning > 0 else -axis))
    return pose


def _said(scene: Scene | Outline, camera: Mapping[str, Any], up: tuple[float, float, float] | None) -> Pose | None:
    try:
        pose = Pose.from_json({"up": up or camera.get("up") or (0.0, -1.0, 0.0), **camera})
        moved = [_three(np.asarray(point) + scene.origin) for point in (pose.position, pose.target)]
        pose = replace(pose, position=moved[0], target=moved[1])
        pose.camera(*_SKETCH)
    except ViewsError:  # what a file says of itself need not make sense
        return None
    return pose


def _three(vector: Any) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in vector)
    return x, y, z
