"""Edits of whole scenes: crop, change the SH degree, merge; and `transform`, which does them all in a fixed order.

An edit drops the quantized source: its codes no longer say what the splats are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import SceneError
from splatzip.scene.attributes import MAX_SH_DEGREE, sh_rest_count
from splatzip.scene.gaussians import Scene
from splatzip.scene.meta import SceneMeta
from splatzip.scene.transform import transformed

Vector = Sequence[float]


def transform(
    scenes: Scene | Sequence[Scene],
    *,
    crop: ArrayLike | None = None,
    degree: int | None = None,
    scale: float = 1.0,
    rotation_degrees: Vector = (0.0, 0.0, 0.0),
    translation: Vector = (0.0, 0.0, 0.0),
) -> Scene:
    """Merge, crop, change the SH degree, scale, rotate and translate, in this order.

    Args:
        scenes: one, or several to be merged.
        crop: two opposite corners of a box, six numbers; splats whose centre is outside are dropped.
        degree: SH degree to end with; higher bands are cut, or added as zeros.
        scale: a positive factor about the origin of the coordinates.
        rotation_degrees: about x, then y, then z (right, down, front); SH turn along.
        translation: in scene units.
    Raises: SceneError.
    """
    scene = scenes if isinstance(scenes, Scene) else merged(scenes)
    if crop is not None:
        corners = np.asarray(crop, np.float64).reshape(2, 3)
        scene = cropped(scene, corners.min(0), corners.max(0))
    if degree is not None:
        scene = with_degree(scene, degree)
    if not (np.isfinite(scale) and scale > 0):
        raise SceneError(f"scale is {scale:g}, expected a positive number")
    rotation = rotation_xyz(rotation_degrees) if any(rotation_degrees) else None
    if rotation is None and scale == 1 and not any(translation):
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
    wanted = 1 + sh_rest_count(degree)
    sh = np.zeros((len(scene), wanted, 3), np.float32)
    shared = min(wanted, scene.sh.shape[1])
    sh[:, :shared] = scene.sh[:, :shared]
    return scene.edited(sh=sh)


def merged(scenes: Sequence[Scene]) -> Scene:
    """All splats of the scenes, in order, at the highest SH degree among them and about the first one's origin.

    Where they disagree on a fact beside the splats, the first one's is kept and `meta.ignored` says so.

    Raises: SceneError if there is no scene, or some were trained antialiased and some not: such splats are
        drawn by different rules, so no one file can hold both.
    """
    if not scenes:
        raise SceneError("no scene to merge")
    first = scenes[0]
    if len(scenes) == 1:
        return first
    for number, scene in enumerate(scenes[1:], 2):
        if scene.meta.antialiased != first.meta.antialiased:
            raise SceneError(f"scenes 1 and {number} cannot be merged: only one of them was trained antialiased")
    degree = max(scene.sh_degree for scene in scenes)
    parts = [with_degree(scene, degree).arrays() for scene in scenes]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns["positions"] = np.concatenate([_positions_about(scene, first.origin) for scene in scenes])
    return first.edited(**columns, meta=_merged_meta([scene.meta for scene in scenes]))


def rotation_xyz(degrees: Vector) -> NDArray[np.float64]:
    """The unit quaternion (4,) wxyz that turns about x, then y, then z."""
    half = np.radians(np.asarray(degrees, np.float64)) / 2
    (cx, cy, cz), (sx, sy, sz) = np.cos(half), np.sin(half)
    return np.array(
        [
            cx * cy * cz + sx * sy * sz,
            sx * cy * cz - cx * sy * sz,
            cx * sy * cz + sx * cy * sz,
            cx * cy * sz - sx * sy * cz,
        ]
    )


def _positions_about(scene: Scene, origin: NDArray[np.float64]) -> NDArray[np.float32]:
    shift = scene.origin - origin
    return (scene.positions + shift).astype(np.float32) if shift.any() else scene.positions


def _merged_meta(metas: Sequence[SceneMeta]) -> SceneMeta:
    first = metas[0]
    facts = [f.name for f in fields(SceneMeta) if f.name not in {"axes", "dropped", "ignored", "missing"}]
    disagreeing = [
        f"{name} of merged scene {number}: {getattr(meta, name)!r}"
        for number, meta in enumerate(metas[1:], 2)
        for name in facts
        if getattr(meta, name) not in (getattr(first, name), None, ())
    ]
    return replace(
        first,
        dropped=dict(sum((Counter(meta.dropped) for meta in metas), Counter())),
        ignored=(*(line for meta in metas for line in meta.ignored), *disagreeing),
        missing=tuple(line for meta in metas for line in meta.missing),
    )
