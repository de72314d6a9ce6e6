"""Lens models of COLMAP and of the files made from it: their parameters, and which of them distort.

The renderer supports only pinhole cameras. A model that could distort is accepted when its distortion is zero, as tools
write it for undistorted photos; a fisheye is never a pinhole, whatever its parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from splatzip.errors import ViewsError


@dataclass(frozen=True)
class LensModel:
    """One row of COLMAP's table.

    Attributes:
        focals: 1 (square pixels) or 2 leading parameters; cx and cy follow.
        distortion: how many parameters follow those.
        perspective: a pinhole when all of these are zero.
    """

    focals: int
    distortion: int
    perspective: bool = True


# In the order of COLMAP's model ids.
LENS_MODELS: dict[str, LensModel] = {
    "SIMPLE_PINHOLE": LensModel(1, 0),
    "PINHOLE": LensModel(2, 0),
    "SIMPLE_RADIAL": LensModel(1, 1),
    "RADIAL": LensModel(1, 2),
    "OPENCV": LensModel(2, 4),
    "OPENCV_FISHEYE": LensModel(2, 4, perspective=False),
    "FULL_OPENCV": LensModel(2, 8),
    "FOV": LensModel(2, 1),
    "SIMPLE_RADIAL_FISHEYE": LensModel(1, 1, perspective=False),
    "RADIAL_FISHEYE": LensModel(1, 2, perspective=False),
    "THIN_PRISM_FISHEYE": LensModel(2, 8, perspective=False),
    "RAD_TAN_THIN_PRISM_FISHEYE": LensModel(2, 12, perspective=False),
}


def refuse_distortion(model: str, perspective: bool, distortion: Mapping[str, float], where: str) -> None:
    """Raise ViewsError, naming the frame and the model, unless it is a pinhole.

    Args:
        distortion: parameters by name; all must be zero.
        where: the frame.
    """
    bent = [f"{name} = {value:g}" for name, value in distortion.items() if value != 0]
    if perspective and not bent:
        return
    reason = f"camera model {model}" + (f" with {bent[0]}" if bent else "")
    raise ViewsError(f"{where}: {reason} is not a pinhole; undistort the photos first (colmap image_undistorter)")
