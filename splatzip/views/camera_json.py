"""One camera in a JSON file, to be written by hand: a position, the target in the middle of the picture, its width.

    {"position": [0, -1, -4], "target": [0, 0, 0], "up": [0, -1, 0], "fov_y_degrees": 50, "width": 1280, "height": 720}

The fields are those of a scene's opening view (`SceneMeta.camera`). `up` may be left out: in a 3DGS scene y points
down. Or the numbers of a `Camera`, for a view that must be met exactly:

    {"world_to_camera": [[...], [...], [...], [0, 0, 0, 1]], "fx": 600, "fy": 600, "cx": 640, "cy": 360,
     "width": 1280, "height": 720}

Either may have a `name`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from splatzip.errors import ViewsError
from splatzip.scene import Camera
from splatzip.views.frame import Frame, array, number, pixels


def read(document: Any, file: Path) -> list[Frame]:
    """The one frame.

    Args:
        document: the parsed JSON.
    """
    name = str(document.get("name", file.stem))
    return [Frame(name, (file.parent,), lambda: _camera(document, name, str(file)))]


def _camera(fields: Mapping[str, Any], name: str, where: str) -> Camera:
    width, height = pixels(fields, "width", where), pixels(fields, "height", where)
    if "world_to_camera" in fields:
        pose = array(fields, "world_to_camera", ((4, 4),), where)
        fx, fy, cx, cy = (number(fields, key, where) for key in ("fx", "fy", "cx", "cy"))
        return Camera(pose, width, height, fx, fy, cx, cy, name)
    fov_y_rad = math.radians(number(fields, "fov_y_degrees", where))
    if not 0 < fov_y_rad < math.pi:
        raise ViewsError(f"{where}: 'fov_y_degrees' is not between 0 and 180")
    up = array(fields, "up", ((3,),), where) if "up" in fields else (0.0, -1.0, 0.0)
    return Camera.look_at(
        array(fields, "position", ((3,),), where),
        array(fields, "target", ((3,),), where),
        down=[-x for x in up],
        width=width,
        height=height,
        fov_x_rad=2 * math.atan(math.tan(fov_y_rad / 2) * width / max(height, 1)),
        name=name,
    )
