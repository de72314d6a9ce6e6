"""`transforms.json` of instant-ngp and nerfstudio, and of NeRF's synthetic scenes.

Poses are camera to world with OpenGL axes (x right, y up, z back). Intrinsics are per frame or, shared, at the top
level; `camera_angle_x` replaces a focal length, and a missing size is that of the photo.

`applied_transform` (nerfstudio) is what was applied to the poses after COLMAP: it is undone, so that cameras fit a
scene trained on the COLMAP model. For a scene trained on this very file, remove that field.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import ViewsError
from splatzip.scene import Camera
from splatzip.views.distortion import LENS_MODELS, refuse_distortion
from splatzip.views.frame import Frame, array, basename, inverse_pose, number, pixels
from splatzip.views.photos import find_photo, photo_size

_DISTORTION = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
_PERSPECTIVE = {name for name, model in LENS_MODELS.items() if model.perspective} - {"FOV"} | {"PERSPECTIVE"}


def read(document: Any, file: Path) -> list[Frame]:
    """The frames in the order of the file.

    Args:
        document: the parsed JSON.
    Raises: ViewsError if a frame is not an object with a file_path.
    """
    undo = _undo_applied(document, str(file))
    frames = []
    for index, fields in enumerate(document["frames"]):
        if not isinstance(fields, dict) or not isinstance(fields.get("file_path"), str):
            raise ViewsError(f"{file}: frame {index} has no file_path")
        frames.append(_frame(ChainMap(fields, document), file, undo))  # no copy: either may have many fields
    return frames


def _frame(fields: Mapping[str, Any], file: Path, undo: NDArray[np.float64]) -> Frame:
    photo = fields["file_path"]
    folders = (file.parent,)
    return Frame(photo, folders, lambda: _camera(fields, f"{file}, frame {basename(photo)}", folders, undo))


def _camera(fields: Mapping[str, Any], where: str, folders: tuple[Path, ...], undo: NDArray[np.float64]) -> Camera:
    _refuse_lens(fields, where)
    width, height = _size(fields, where, folders)
    focals = [_focal(fields, "x", width, where), _focal(fields, "y", height, where)]
    known = [focal for focal in focals if focal is not None]
    if not known:
        raise ViewsError(f"{where}: it has neither 'fl_x' nor 'camera_angle_x'")
    fx, fy = known[0], known[-1]  # one focal length for both: square pixels
    cx = number(fields, "cx", where) if "cx" in fields else width / 2
    cy = number(fields, "cy", where) if "cy" in fields else height / 2
    pose = np.eye(4)
    pose[:3] = array(fields, "transform_matrix", ((4, 4), (3, 4)), where)[:3]
    pose = undo @ pose
    pose[:3, 1:3] *= -1  # OpenGL's up and back are our down and front, negated
    name = basename(fields["file_path"])
    return Camera(inverse_pose(pose, where), width, height, fx, fy, cx, cy, name)


def _size(fields: Mapping[str, Any], where: str, folders: tuple[Path, ...]) -> tuple[int, int]:
    if "w" in fields or "h" in fields:
        return pixels(fields, "w", where), pixels(fields, "h", where)
    photo = find_photo(fields["file_path"], folders)
    if photo is None:
        raise ViewsError(f"{where}: it has no 'w' and 'h', and there is no photo to take them from")
    return photo_size(photo, where)


def _focal(fields: Mapping[str, Any], axis: str, size: int, where: str) -> float | None:
    if f"fl_{axis}" in fields:
        return number(fields, f"fl_{axis}", where)
    if f"camera_angle_{axis}" not in fields:
        return None
    angle_rad = number(fields, f"camera_angle_{axis}", where)
    if not 0 < angle_rad < math.pi:
        raise ViewsError(f"{where}: 'camera_angle_{axis}' is {angle_rad:g}, not between 0 and pi")
    return size / (2 * math.tan(angle_rad / 2))


def _refuse_lens(fields: Mapping[str, Any], where: str) -> None:
    model = str(fields.get("camera_model", "OPENCV"))
    distortion = {key: number(fields, key, where) for key in _DISTORTION if key in fields}
    fisheye = fields.get("is_fisheye", False)
    refuse_distortion("is_fisheye" if fisheye else model, not fisheye and model in _PERSPECTIVE, distortion, where)


def _undo_applied(document: Mapping[str, Any], where: str) -> NDArray[np.float64]:
    if document.get("applied_transform") is None:
        return np.eye(4)
    return inverse_pose(array(document, "applied_transform", ((3, 4), (4, 4)), where), f"{where}, applied_transform")
