"""Axes by letters, as SPZ names them: where x, y and z of a file point, and a scene that is told so.

"RDF": x right, y down, z front (3DGS PLY, and every `Scene`)      "RUB": x right, y up, z back (SPZ, glTF, USD)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import SceneError
from splatzip.scene.gaussians import Scene
from splatzip.scene.transform import transformed

OURS = "RDF"
_ROWS = {"R": (0, 1), "L": (0, -1), "D": (1, 1), "U": (1, -1), "F": (2, 1), "B": (2, -1)}


def checked_axes(axes: str) -> str:
    """The letters, in capitals.

    Raises: SceneError if they are not one each of R or L, U or D, F or B.
    """
    letters = axes.upper()
    if sorted(_ROWS.get(letter, (-1, 0))[0] for letter in letters) != [0, 1, 2]:
        raise SceneError(
            f"axes {axes}: expected where x, y and z point, a letter each of R or L, U or D, F or B; such as RDF or RUB"
        )
    return letters


def turn_of(axes: str) -> NDArray[np.float64]:
    """The 3x3 matrix from numbers in these axes to right-down-front: a rotation, or one with a mirror."""
    turn = np.zeros((3, 3))
    for column, letter in enumerate(checked_axes(axes)):
        row, sign = _ROWS[letter]
        turn[row, column] = sign
    return turn


def read_as(scene: Scene, axes: str, taken_for: str) -> Scene:
    """The scene whose numbers are in `axes`, where its reader took them for another's.

    Args:
        scene: as it was read.
        taken_for: the axes that its reader assumed.
    Returns: a scene without its quantized source, unless nothing moves.
    Raises: SceneError if the letters are no axes.
    """
    axes = checked_axes(axes)
    meta = replace(scene.meta, axes=axes)
    turn = turn_of(axes) @ turn_of(taken_for).T
    if np.array_equal(turn, np.eye(3)):
        return scene.edited(meta=meta, source=scene.source)
    return transformed(scene.edited(meta=meta), rotation=turn)
