"""`cameras.json` as the reference implementation of 3D Gaussian splatting writes it beside a trained scene.

A list of cameras: where each stands (`position`), its axes right, down, front as the columns of `rotation`, focal
lengths in pixels; the principal point is the picture's centre. `img_name` has no extension in older files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from splatzip.errors import ViewsError
from splatzip.scene import Camera
from splatzip.views.frame import Frame, array, basename, inverse_pose, number, pixels


def read(document: Any, file: Path) -> list[Frame]:
    """The frames in the order of the file.

    Args:
        document: the parsed JSON.
    Raises: ViewsError if an entry is not an object.
    """
    folders = (file.parent / "images", file.parent)
    frames = []
    for index, fields in enumerate(document):
        if not isinstance(fields, dict):
            raise ViewsError(f"{file}: entry {index} is not a camera")
        photo = str(fields.get("img_name", fields.get("id", index)))
        frames.append(_frame(fields, photo, folders, file))
    return frames


def _frame(fields: Mapping[str, Any], photo: str, folders: tuple[Path, ...], file: Path) -> Frame:
    return Frame(photo, folders, lambda: _camera(fields, basename(photo), f"{file}, frame {basename(photo)}"))


def _camera(fields: Mapping[str, Any], name: str, where: str) -> Camera:
    width, height = pixels(fields, "width", where), pixels(fields, "height", where)
    pose = np.eye(4)
    pose[:3, :3] = array(fields, "rotation", ((3, 3),), where)
    pose[:3, 3] = array(fields, "position", ((3,),), where)
    fx, fy = number(fields, "fx", where), number(fields, "fy", where)
    return Camera(inverse_pose(pose, where), width, height, fx, fy, width / 2, height / 2, name)
