"""Translates, rotates, scales and merges scenes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import SceneError
from splatzip.scene.gaussians import Floats, Scene
from splatzip.scene.meta import merged_meta, moved_meta
from splatzip.scene.sh import rotate_sh, sh_of_degree

# Positions keep an origin of their own where they are this many times further from zero than wide: float32 would
# cost them more than four bits.
FAR = 16.0


def transformed(
    scene: Scene, *, rotation: ArrayLike | None = None, scale: float = 1.0, translation: ArrayLike = (0.0, 0.0, 0.0)
) -> Scene:
    """The scene after p -> scale R p + translation, with its orientations, sizes, SH, up direction and opening camera.

    Args:
        rotation: 3x3, orthogonal; one of determinant -1 mirrors. None for none.
    Returns: a scene without its quantized source. Its origin is zero unless the positions are far from it.
    Raises: SceneError if the rotation is not one, the scale is not positive, or something is not finite.
    """
    turn = np.eye(3) if rotation is None else np.asarray(rotation, np.float64)
    shift = np.asarray(translation, np.float64)
    if turn.shape != (3, 3) or not np.allclose(turn @ turn.T, np.eye(3), atol=1e-6):
        raise SceneError(f"not a rotation matrix: {turn.tolist()}")
    if not (np.isfinite(scale) and scale > 0):
        raise SceneError(f"scale {scale} is not positive")
    if shift.shape != (3,) or not np.isfinite(shift).all():
        raise SceneError(f"translation {shift.tolist()} is not three finite numbers")
    with np.errstate(over="ignore", invalid="ignore"):  # Scene names the row that left float32
        relative = scale * (scene.positions.astype(np.float64) @ turn.T)
        positions, origin = _placed(relative, scale * (turn @ scene.origin) + shift)
    changes: dict[str, Floats] = {"positions": positions}
    moved = scale * (turn @ scene.origin) + shift - origin  # of a place relative to one origin, to the other
    meta = moved_meta(scene.meta, lambda place: scale * (turn @ place) + moved, lambda way: turn @ way)
    if scale != 1.0:
        changes["log_scales"] = (scene.log_scales + np.log(scale)).astype(np.float32)
    if rotation is not None:
        # A splat is the same seen from behind: mirrored in a plane, it is turned by the opposite, which is a rotation.
        changes["rotations"] = _turned(turn * np.sign(np.linalg.det(turn)), scene.rotations)
        if scene.sh.shape[1] > 1:
            changes["sh"] = rotate_sh(scene.sh, turn)
    return scene.edited(**changes, origin=origin, meta=meta)


def merged(scenes: Sequence[Scene]) -> Scene:
    """All splats of the scenes, in order, at the highest SH degree among them.

    Raises: SceneError if there are none.
    """
    if len(scenes) == 1:
        return scenes[0]
    if not scenes:
        raise SceneError("nothing to merge")
    base = scenes[0].origin
    relative = np.concatenate([s.positions.astype(np.float64) + (s.origin - base) for s in scenes])
    positions, origin = _placed(relative, base)
    meta = moved_meta(merged_meta([s.meta for s in scenes]), lambda place: place + base - origin, lambda way: way)
    degree = max(s.sh_degree for s in scenes)
    return Scene(
        positions=positions,
        log_scales=np.concatenate([s.log_scales for s in scenes]),
        rotations=np.concatenate([s.rotations for s in scenes]),
        opacity_logits=np.concatenate([s.opacity_logits for s in scenes]),
        sh=np.concatenate([sh_of_degree(s.sh, degree) for s in scenes]),
        origin=origin,
        meta=meta,
    )


def rotation_matrix(quaternion: ArrayLike) -> NDArray[np.float64]:
    """3x3 of a quaternion wxyz of any length but zero."""
    q = np.asarray(quaternion, np.float64)
    q = np.ldexp(q, -np.frexp(np.abs(q).max())[1])  # so that no square overflows or vanishes
    w, x, y, z = q / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit quaternion wxyz of a 3x3 rotation, w not negative; the largest component decides, so none divides by 0."""
    m = rotation
    trace = np.trace(m)
    squares = np.array([trace, m[0, 0], m[1, 1], m[2, 2]]) * 2 - trace + 1  # 4 times each component squared
    squares[0] = trace + 1
    off = np.array(
        [
            [squares[0], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], squares[1], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]],
            [m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], squares[2], m[1, 2] + m[2, 1]],
            [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], squares[3]],
        ]
    )
    q: NDArray[np.float64] = off[int(squares.argmax())]
    q = q / np.linalg.norm(q)
    return -q if q[0] < 0 else q


def _placed(relative: NDArray[np.float64], origin: NDArray[np.float64]) -> tuple[Floats, NDArray[np.float64]]:
    """Positions and origin whose sum is relative + origin, the origin zero where float32 can carry it."""
    reach = np.abs(origin).max()
    width = np.ptp(relative, axis=0).max()
    if reach <= FAR * width or reach == 0:
        return (relative + origin).astype(np.float32), np.zeros(3)
    return relative.astype(np.float32), origin


def _turned(rotation: NDArray[np.float64], rotations: Floats) -> Floats:
    """Quaternions (N, 4) wxyz of R times each orientation; their lengths stay."""
    w, x, y, z = quaternion(rotation)
    left = np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    turned: Floats = (rotations.astype(np.float64) @ left.T).astype(np.float32)
    return turned
