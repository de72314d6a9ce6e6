"""Splats as glTF and USD keep them: linear scales and opacities, quaternions x y z w, axes right-up-back.

Scene  <->  positions (N, 3), rotations (N, 4), scales (N, 3), opacities (N,), sh (N, 1+B, 3)
Scene of a node  ->  [matrix of the node]  ->  Scene of the world
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import CorruptError, FormatError, UnsupportedFeatureError
from splatzip.formats.input import scene_from
from splatzip.scene import Scene, SceneMeta
from splatzip.scene.attributes import sh_rest_count
from splatzip.scene.sh import SH_FLIP_YZ
from splatzip.scene.transform import transformed

FLIP = np.array([1, -1, -1], np.float32)  # right-up-back <-> right-down-front
TINY = np.finfo(np.float32).tiny  # a scale of 0 is legal there; its logarithm must be finite
MOST_COORDINATE = 1e38  # of a node's matrix: no float32 scene reaches further
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Linear:
    """The arrays of N splats, as in the file."""

    positions: Floats
    rotations: Floats
    scales: Floats
    opacities: Floats
    sh: Floats


def linear(scene: Scene, degree: int, lost: list[str]) -> Linear:
    """The scene's arrays as a file has them, SH cut to a degree; what is lost is added to `lost`.

    Raises: FormatError naming the row, if a scale does not fit float32.
    """
    with np.errstate(over="ignore"):  # judged right below
        scales = np.exp(scene.log_scales.astype(np.float64)).astype(np.float32)
        opacities = (1 / (1 + np.exp(-scene.opacity_logits.astype(np.float64)))).astype(np.float32)
    if np.isinf(scales).any():
        row = int(np.isinf(scales).any(1).argmax())
        raise FormatError(f"row {row}: log_scales {scene.log_scales[row].tolist()} is too large for a linear float32")
    rounded = np.isfinite(scene.opacity_logits) & ((opacities == 1) | (opacities == 0))
    if rounded.any():
        lost.append(f"opacity_logits: {int(rounded.sum())} splats are as good as opaque or invisible and become so")
    rotations = scene.rotations.astype(np.float64)
    rotations /= np.linalg.norm(rotations, axis=1, keepdims=True)
    sh = scene.sh[:, : 1 + sh_rest_count(degree)]
    turned = (rotations[:, [1, 2, 3, 0]] * [1, -1, -1, 1]).astype(np.float32)
    return Linear(scene.positions * FLIP, turned, scales, opacities, sh * _signs(sh))


def scene_of(file: Linear, *, repair: bool, meta: SceneMeta, has_log_scales: bool = False) -> Scene:
    """The scene of a file's arrays.

    Args:
        has_log_scales: the file's scales are logarithms instead.
    Raises: SceneError naming the row of a value out of range.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # NaN and Inf are the scene's to judge, by row
        alpha, scales = file.opacities.astype(np.float64), file.scales.astype(np.float64)
        logs = np.log(np.where(scales == 0, TINY, scales)).astype(np.float32)
        arrays = {
            "positions": file.positions * FLIP,
            "log_scales": file.scales if has_log_scales else logs,
            "rotations": file.rotations[:, [3, 0, 1, 2]] * np.array([1, 1, -1, -1], np.float32),
            "opacity_logits": np.log(alpha / (1 - alpha)).astype(np.float32),
            "sh": file.sh * _signs(file.sh),
        }
    return scene_from(arrays, repair=repair, meta=meta)


def _signs(sh: Floats) -> Floats:
    """(1+B, 1): which coefficients change their sign with y and z."""
    signs: Floats = np.concatenate([np.ones(1, np.float32), SH_FLIP_YZ[: sh.shape[1] - 1]])[:, None]
    return signs


def moved(scene: Scene, matrix: NDArray[np.float64], where: str) -> Scene:
    """The scene where a node puts it.

    Args:
        matrix: (4, 4) from the node to the world, in axes of the file, for column vectors.
        where: the file and the node, for errors.
    Raises: CorruptError, UnsupportedFeatureError if it is not a rotation or a mirror, a scale and a translation.
    """
    if np.array_equal(matrix, np.eye(4)):
        return scene
    if not (np.abs(matrix) < MOST_COORDINATE).all():
        raise CorruptError(f"{where} has a matrix beyond +-{MOST_COORDINATE:g}: {matrix.tolist()}")
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    scale = float(lengths.mean())
    turn = matrix[:3, :3] / scale if scale > 0 else np.zeros((3, 3))
    if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-4):
        raise UnsupportedFeatureError(
            f"{where} skews or scales its axes differently ({lengths.tolist()}); bake it first"
        )
    if not np.allclose(matrix[3], (0, 0, 0, 1)):
        raise CorruptError(f"{where} has a matrix whose last row is not 0 0 0 1")
    u, _, vt = np.linalg.svd(turn)  # the nearest rotation: float32 matrices are off by their rounding
    flip = np.diag(FLIP.astype(np.float64))
    turned = None if np.allclose(turn, np.eye(3), atol=1e-9) else flip @ (u @ vt) @ flip
    return transformed(
        scene,
        rotation=turned,
        scale=1.0 if abs(scale - 1) < 1e-9 else scale,
        translation=flip @ matrix[:3, 3],
    )
