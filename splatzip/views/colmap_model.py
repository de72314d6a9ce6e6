"""The two tables of a COLMAP model that define cameras, row by row, the same for text and binary."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lens:
    """A row of `cameras`: `parameters` in the order of COLMAP's model."""

    model: str
    width: int
    height: int
    parameters: tuple[float, ...]


@dataclass(frozen=True)
class Pose:
    """A row of `images`: `quaternion` wxyz."""

    name: str
    lens: int
    quaternion: tuple[float, float, float, float]
    translation: tuple[float, float, float]
