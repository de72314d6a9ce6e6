"""Edits of whole scenes: crop, change the SH degree; and `transform`, which does every edit in a fixed order.

An edit drops the quantized source: its codes no longer describe the splats.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import SceneError
from splatzip.scene.attributes import MAX_SH_DEGREE
from splatzip.scene.gaussians import Scene
from splatzip.scene.sh import sh_of_degree
from splatzip.scene.transform import merged, transformed


def transform(
    scenes: Scene | Sequence[Scene],
    *,
    crop: ArrayLike | None = None,
    degree: int | None = None,
    scale: float = 1.0,
    rotation_degrees: ArrayLike = (0.0, 0.0, 0.0),
    translation: ArrayLike = (0.0, 0.0, 0.0),
) -> Scene:
    """Merge, crop, change the SH degree, scale, rotate and translate, in this order.

    Args:
        scenes: one, or several to be merged.
        crop: two opposite corners of a box, six numbers; splats whose centre is outside are dropped.
        degree: SH degree to end with; higher bands are cut, or added as zeros.
        scale: a positive factor about the origin of the coordinates.
        rotation_degrees: (3,) about x, then y, then z (right, down, front); SH turn along.
        translation: (3,) in scene units.
    Raises: SceneError.
    """
    scene = scenes if isinstance(scenes, Scene) else _merged(scenes)
    if crop is not None:
        corners = np.asarray(crop, np.float64)
        if corners.size != 6:
            raise SceneError(f"a crop box is {corners.size} numbers, expected 6: two opposite corners")
        corners = corners.reshape(2, 3)
        scene = cropped(scene, corners.min(0), corners.max(0))
    if degree is not None:
        scene = with_degree(scene, degree)
    if not (np.isfinite(scale) and scale > 0):
        raise SceneError(f"scale is {scale:g}, expected a positive number")
    angles = np.asarray(rotation_degrees, np.float64)
    if angles.shape != (3,) or not np.isfinite(angles).all():
        raise SceneError(f"rotation {angles.tolist()} is not three finite angles")
    rotation = rotation_xyz(angles) if angles.any() else None
    if rotation is None and scale == 1 and not np.any(translation):
        return scene
    return transformed(scene, rotation=rotation, scale=scale, translation=translation)


def cropped(scene: Scene, box_min: ArrayLike, box_max: ArrayLike) -> Scene:
    """The splats whose centre is inside the box, its faces included.

    Args:
        box_min, box_max: (3,) corners in the coordinates of the scene, its origin included.
    Raises: SceneError if no splat is inside.
    """
    positions = scene.positions + scene.origin  # float64: the origin may be far from zero
    inside = np.all((positions >= np.asarray(box_min)) & (positions <= np.asarray(box_max)), axis=1)
    if not inside.any():
        low, high = (" ".join(f"{x:g}" for x in corner) for corner in (positions.min(0), positions.max(0)))
        raise SceneError(f"no splat is inside the crop box; the scene reaches from {low} to {high}")
    return scene.take(inside)


def with_degree(scene: Scene, degree: int) -> Scene:
    """The same splats at another SH degree: higher bands are cut, or added as zeros.

    Raises: SceneError if the degree is not 0 to 4.
    """
    if not 0 <= degree <= MAX_SH_DEGREE:
        raise SceneError(f"SH degree {degree}, expected 0 to {MAX_SH_DEGREE}")
    if degree == scene.sh_degree:
        return scene
    return scene.edited(sh=sh_of_degree(scene.sh, degree))


def rotation_xyz(degrees: ArrayLike) -> NDArray[np.float64]:
    """The 3x3 rotation that turns about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)


def _merged(scenes: Sequence[Scene]) -> Scene:
    """All splats of the scenes.

    Raises: SceneError if some were trained antialiased and some not: such splats are drawn by different rules, so
        no one file can hold both.
    """
    for number, scene in enumerate(scenes, 1):
        if scene.meta.antialiased != scenes[0].meta.antialiased:
            raise SceneError(f"scenes 1 and {number} cannot be merged: only one of them was trained antialiased")
    return merged(scenes)
