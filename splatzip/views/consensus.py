"""What the cameras of a capture agree on: which way is up, since people hold them level, and where they look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from splatzip.scene import Camera

Floats = NDArray[np.float64]

_LEVEL = (0.7, 0.25)  # a camera whose right points up by more than this was rolled, as for a portrait; ever surer
_TURNED = 0.05  # share of directions to the right that has to lie across the others, to say where their plane is


def up_of(cameras: Sequence[Camera]) -> Floats | None:
    """(3,) of length 1: against the ground that cameras stand on; None if they agree on nothing.

    The mean of their ups leans where they look down from one side only. Few cameras are rolled, so up is at right
    angles to what most have to the right, if those directions span a plane.
    """
    ups = np.array([-camera.world_to_camera[1, :3] for camera in cameras])
    rights = np.array([camera.world_to_camera[0, :3] for camera in cameras])
    mean = ups.mean(0)
    for _ in range(20):  # to the geometric median: a few that lie on their side have no say
        weights = 1 / np.maximum(np.linalg.norm(ups - mean, axis=1), 1e-3)
        mean = weights @ ups / weights.sum()
    if np.linalg.norm(mean) < 0.1:
        return None
    mean /= np.linalg.norm(mean)
    up = mean
    for most in _LEVEL:
        level = rights[np.abs(rights @ up) < most]
        if len(level) < 3:
            break
        shares, axes = np.linalg.eigh(level.T @ level / len(level))
        across = axes[:, 0] * np.sign(axes[:, 0] @ mean)
        if shares[1] < max(_TURNED, 10 * shares[0]) or across @ mean < 0.5:
            break
        up = across
    return np.asarray(up)


def where_looks_meet(cameras: Sequence[Camera], *, least_spread: float) -> Floats | None:
    """(3,) the point nearest to all lines of sight, by least squares; it may be behind some cameras.

    Args:
        least_spread: None where looks are more parallel than that: 0 is all of them, 2/3 is evenly in all directions.
    """
    places = np.array([camera.position for camera in cameras])
    looks = np.array([camera.world_to_camera[2, :3] for camera in cameras])
    across = np.eye(3) - looks[:, :, None] * looks[:, None, :]  # projects onto what is not along the look
    if np.linalg.eigvalsh(across.mean(0))[0] < least_spread:
        return None
    return np.asarray(np.linalg.solve(across.sum(0), (across @ places[:, :, None]).sum(0)[:, 0]))
