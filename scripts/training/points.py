"""Where splats begin: the points that COLMAP triangulated, or random ones."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import ViewsError
from training.capture import Capture

_PLACES = (".", "sparse", "sparse/0")
_HEAD = struct.Struct("<Q3d3BdQ")  # id, place, colour, error, length of the track
_TRACK_BYTES = 8


@dataclass(frozen=True)
class Points:
    """positions (N, 3) and colors (N, 3), 0..1; where they are from."""

    positions: NDArray[np.float64]
    colors: NDArray[np.float64]
    origin: str


def colmap_points(path: Path, *, asked: bool) -> Points | None:
    """The points of a COLMAP model.

    Args:
        path: points3D.bin or points3D.txt, or a folder that may have one where COLMAP leaves it.
        asked: they must be there.
    Raises: ViewsError if they are damaged, or asked for and not there.
    """
    candidates = (
        [path]
        if path.is_file()
        else [path / place / f"points3D.{kind}" for place in _PLACES for kind in ("bin", "txt")]
    )
    for file in candidates:
        if file.is_file() and file.suffix in (".bin", ".txt") and file.stem == "points3D":
            rows = _of_binary(file) if file.suffix == ".bin" else _of_text(file)
            return Points(rows[:, :3], rows[:, 3:] / 255, f"from {file}")
    if asked:
        raise ViewsError(f"{path}: no points3D.bin or points3D.txt of COLMAP")
    return None


def random_points(capture: Capture, count: int, seed: int) -> Points:
    """In a cube of three times the scene's size each way around the middle of the cameras, as gsplat begins."""
    rng = np.random.default_rng(seed)
    positions = capture.middle + capture.size * 3 * rng.uniform(-1, 1, (count, 3))
    return Points(positions, rng.uniform(0, 1, (count, 3)), "random")


def _of_binary(file: Path) -> NDArray[np.float64]:
    data = file.read_bytes()
    rows, at = [], 8
    try:
        for _ in range(struct.unpack_from("<Q", data)[0]):
            _, *row, _, track = _HEAD.unpack_from(data, at)
            rows.append(row)
            at += _HEAD.size + track * _TRACK_BYTES
    except struct.error:
        raise ViewsError(f"{file}: cut short after {len(rows)} points") from None
    return _checked(rows, file)


def _of_text(file: Path) -> NDArray[np.float64]:
    lines = [line.split() for line in file.read_text().splitlines() if line.strip() and not line.startswith("#")]
    try:
        return _checked([[float(word) for word in words[1:7]] for words in lines], file)
    except ValueError:
        raise ViewsError(f"{file}: a line is no point") from None


def _checked(rows: list[list[float]], file: Path) -> NDArray[np.float64]:
    if len(rows) < 4 or any(len(row) != 6 for row in rows):
        raise ViewsError(f"{file}: {len(rows)} points are too few to begin with, or a line is too short")
    return np.array(rows, np.float64)
