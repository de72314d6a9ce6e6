"""`Frame`: one picture of a capture as a camera file lists it, before its camera or photo is needed.

Frames are cheap and forgiving: an unused frame may be distorted, broken or without a photo, without an error. `camera`
is where a frame is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import ViewsError
from splatzip.scene import Camera


@dataclass(frozen=True)
class Frame:
    """One picture of a capture.

    Attributes:
        file: the photo as the camera file names it: relative, perhaps without extension. It need not exist.
        folders: where to look for it, best first.
        camera: makes the camera. Raises ViewsError, naming the frame.
    """

    file: str
    folders: tuple[Path, ...]
    camera: Callable[[], Camera]

    @property
    def name(self) -> str:
        """The file without its folders: what splits, reports and errors call the frame."""
        return basename(self.file)


def basename(file: str) -> str:
    """The last part of a path of any system."""
    return PurePosixPath(file.replace("\\", "/")).name


def number(values: Mapping[str, Any], key: str, where: str) -> float:
    """A field that must be a number.

    Args:
        where: the file and frame, for messages.
    Raises: ViewsError.
    """
    value = values.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):  # JSON's integers have no end
            return float(value)
    raise ViewsError(
        f"{where}: {key!r} " + ("is missing" if value is None else f"is not a number: {str(value)[:40]!r}")
    )


def pixels(values: Mapping[str, Any], key: str, where: str) -> int:
    """A field that must be a whole number: some writers give it as a float."""
    value = number(values, key, where)
    if value != int(value):
        raise ViewsError(f"{where}: {key!r} is {value:g}, not a number of pixels")
    return int(value)


def array(values: Mapping[str, Any], key: str, shapes: tuple[tuple[int, ...], ...], where: str) -> NDArray[np.float64]:
    """A field that must be numbers in one of some shapes.

    Raises: ViewsError.
    """
    try:
        value = np.array(values.get(key), np.float64)
    except (TypeError, ValueError, OverflowError):
        value = np.empty(0)
    if value.shape not in shapes:
        expected = " or ".join("x".join(map(str, shape)) for shape in shapes)
        raise ViewsError(f"{where}: {key!r} is not {expected} numbers")
    return value


def inverse_pose(camera_to_world: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """(4, 4) world to camera of a pose of 3 or 4 rows.

    Raises: ViewsError if it cannot be inverted; `Camera` checks that it is a rigid motion.
    """
    pose = np.eye(4)
    pose[:3] = camera_to_world[:3]
    try:
        return np.asarray(np.linalg.inv(pose))
    except np.linalg.LinAlgError:
        raise ViewsError(f"{where}: the pose cannot be inverted") from None
