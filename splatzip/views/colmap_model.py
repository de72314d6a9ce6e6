"""The two tables of a COLMAP model that cameras are made of, row by row, as text and binary both hold them."""

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
