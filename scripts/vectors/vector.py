"""A vector, and the real scene that vectors are cut from."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import splatzip
from splatzip import Scene

ROOT = Path(__file__).resolve().parents[2]
SCENES = Path(os.environ.get("SPLATZIP_SCENES") or ROOT.parent / "shared" / "data")


@dataclass(frozen=True)
class Vector:
    """One file and what it shows.

    Attributes:
        name: its folder; begins with the codec or feature.
        holds: one sentence.
        sections: of FORMAT.md that it exercises.
        make: the bytes of the file.
        has_parts: whether it says what is drawn of its beginnings, too (parts.npz).
    """

    name: str
    holds: str
    sections: tuple[str, ...]
    make: Callable[[], bytes]
    has_parts: bool = False


@cache
def _leica() -> Scene:
    return splatzip.load(SCENES / "scenes" / "leica" / "leica.ply").edited()


def leica(splats: int, sh_degree: int) -> Scene:
    """Every so many-th splat of a scene trained from photos (CC0), at most 8,192.

    It has SH degree 3; for degree 4 half of its degree 3 stands once more, for want of a trained scene.
    """
    scene = _leica()
    scene = scene.take(np.arange(splats) * (len(scene) // splats))
    sh = scene.sh if sh_degree < 4 else np.concatenate([scene.sh, 0.5 * scene.sh[:, 7:16]], axis=1)
    return scene.edited(sh=sh[:, : (sh_degree + 1) ** 2])
