"""A COLMAP model: `cameras` (lenses) and `images` (poses), both as text or both in binary.

Poses are world to camera, quaternion and translation, with our axes and our pixel grid (the first pixel's centre is
at 0.5, 0.5). All lenses are read; a lens that distorts is refused only for a frame that is used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import ViewsError
from splatzip.scene import Camera
from splatzip.scene.transform import rotation_matrix
from splatzip.views import colmap_binary, colmap_text
from splatzip.views.colmap_model import Lens, Pose
from splatzip.views.distortion import LENS_MODELS, refuse_distortion
from splatzip.views.frame import Frame, basename

SUBFOLDERS = (".", "sparse", "sparse/0")  # where a model is, seen from the folder that is named


def model_folder(folder: Path) -> Path | None:
    """Where the model of a project is: the folder itself, `sparse` or `sparse/0`."""
    for candidate in (folder / name for name in SUBFOLDERS):
        if any(_both(candidate, suffix) for suffix in ("bin", "txt")):
            return candidate
    return None


def read(model: Path) -> list[Frame]:
    """The frames in the order of the file.

    Args:
        model: the folder that holds the two files. Binary is preferred; COLMAP writes the same in both.
    Raises: ViewsError if the files are damaged.
    """
    if _both(model, "bin"):
        lenses = colmap_binary.read_lenses(model / "cameras.bin")
        poses = colmap_binary.read_poses(model / "images.bin")
    else:
        lenses, poses = colmap_text.read_lenses(model / "cameras.txt"), colmap_text.read_poses(model / "images.txt")
    folders = tuple(place / "images" for place in (model, *model.absolute().parents[:2]))
    return [_frame(pose, lenses.get(pose.lens), model, folders) for pose in poses]


def _frame(pose: Pose, lens: Lens | None, model: Path, folders: tuple[Path, ...]) -> Frame:
    return Frame(pose.name, folders, lambda: _camera(pose, lens, f"{model}, frame {basename(pose.name)}"))


def _camera(pose: Pose, lens: Lens | None, where: str) -> Camera:
    if lens is None:
        raise ViewsError(f"{where}: it names camera {pose.lens}, which the model does not have")
    model = LENS_MODELS.get(lens.model)
    if model is None:
        raise ViewsError(f"{where}: camera model {lens.model} is not one of COLMAP's")
    count = model.focals + 2
    if len(lens.parameters) != count + model.distortion:
        raise ViewsError(f"{where}: camera model {lens.model} cannot have {len(lens.parameters)} parameters")
    bends = {f"parameter {i + 1}": value for i, value in enumerate(lens.parameters) if i >= count}
    refuse_distortion(lens.model, model.perspective, bends, where)
    focals, (cx, cy) = lens.parameters[: model.focals], lens.parameters[model.focals : count]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = _rotation(pose.quaternion, where), pose.translation
    return Camera(matrix, lens.width, lens.height, focals[0], focals[-1], cx, cy, basename(pose.name))


def _rotation(quaternion: tuple[float, ...], where: str) -> NDArray[np.float64]:
    length = np.linalg.norm(quaternion)
    if not (np.isfinite(length) and length > 0):
        raise ViewsError(f"{where}: the rotation is not a quaternion")
    return rotation_matrix(quaternion)


def _both(folder: Path, suffix: str) -> bool:
    return all((folder / f"{name}.{suffix}").is_file() for name in ("cameras", "images"))
