"""`Camera`: the pinhole camera of a picture.

Axes are those of the scene (right-down-front): a point p is at R p + t in front of the camera, x to the right, y
down, z forward, and lands on pixel (fx x/z + cx, fy y/z + cy). The first pixel's centre is at (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import ViewsError

NEAR_PLANE = 0.05  # units
MOST_NEAR = 0.2  # of the distance to what a camera looks at, where that is less


@dataclass(frozen=True, eq=False, repr=False)
class Camera:
    """A pinhole camera without distortion.

    Attributes:
        world_to_camera: (4, 4) float64, a rigid motion [R t; 0 1].
        width, height: of the picture, pixels.
        fx, fy: focal lengths, pixels.
        cx, cy: principal point, pixels.
        name: what reports and errors call the view.
        near: splats nearer than that are not drawn.

    Raises: ViewsError, naming the view, if a number is not finite, a size, focal length or `near` is not positive, the
        picture has more than 16,384 pixels a side or 2^27 in all, or the matrix is not a rigid motion (to 1e-3).
    """

    # A camera file is a few bytes, a picture of the size that it claims takes memory: photos of 100 megapixels fit.
    MOST_PIXELS_A_SIDE: ClassVar[int] = 1 << 14
    MOST_PIXELS: ClassVar[int] = 1 << 27

    world_to_camera: NDArray[np.float64]
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    name: str = ""
    near: float = NEAR_PLANE

    def __post_init__(self) -> None:
        matrix = np.asarray(self.world_to_camera, np.float64).copy()  # np.array warns of some tensors
        object.__setattr__(self, "world_to_camera", matrix)
        if matrix.shape != (4, 4):
            raise ViewsError(f"{self._called}: the pose has shape {matrix.shape}, expected (4, 4)")
        try:
            numbers = np.array([self.width, self.height, self.fx, self.fy, self.cx, self.cy, self.near], np.float64)
        except OverflowError:  # integers of text have no end
            numbers = np.array([np.inf])
        if not np.isfinite(matrix).all() or not np.isfinite(numbers).all():
            raise ViewsError(f"{self._called}: the pose or the intrinsics are not finite numbers")
        for name in ("width", "height"):  # which many files, and divisions, give as floats
            if (size := getattr(self, name)) % 1:
                raise ViewsError(f"{self._called}: its {name} is {size:g}, not a number of pixels")
            object.__setattr__(self, name, int(size))
        if self.width < 1 or self.height < 1 or self.fx <= 0 or self.fy <= 0:
            raise ViewsError(
                f"{self._called}: {self.width}x{self.height} pixels with focal lengths {self.fx:g}, {self.fy:g} "
                "is not a picture"
            )
        if max(self.width, self.height) > self.MOST_PIXELS_A_SIDE or self.width * self.height > self.MOST_PIXELS:
            raise ViewsError(
                f"{self._called}: {self.width}x{self.height} pixels are too many: at most {self.MOST_PIXELS_A_SIDE} "
                f"a side and {self.MOST_PIXELS} in all; scale its size, focal lengths and centre"
            )
        if self.near <= 0:
            raise ViewsError(f"{self._called}: its near plane is at {self.near:g}, not in front of it")
        for name in ("fx", "fy", "cx", "cy", "near"):  # of an array or a tensor, too
            object.__setattr__(self, name, float(getattr(self, name)))
        rotation = matrix[:3, :3]
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
            raise ViewsError(
                f"{self._called}: the pose is not a rigid motion (its axes are skewed, scaled or mirrored)"
            )
        if np.abs(matrix[3] - (0, 0, 0, 1)).max() > 1e-3:
            last = " ".join(f"{x:g}" for x in matrix[3])
            raise ViewsError(f"{self._called}: the last row of the pose is {last}, expected 0 0 0 1: is it transposed?")

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        x, y, z = self.position
        focal = f"{self.fx:g}" if self.fx == self.fy else f"{self.fx:g} and {self.fy:g}"
        return f"Camera({name}{self.width}x{self.height}, focal length {focal}, at {x:g} {y:g} {z:g})"

    @property
    def _called(self) -> str:
        return f"view {self.name}" if self.name else "camera"

    @property
    def position(self) -> NDArray[np.float64]:
        """(3,) where the camera stands."""
        return np.asarray(-self.world_to_camera[:3, :3].T @ self.world_to_camera[:3, 3])

    @property
    def lens(self) -> tuple[float, float, float, float, float]:
        """fx, fy, cx, cy in pixels, and `near`."""
        return self.fx, self.fy, self.cx, self.cy, self.near

    def scaled(self, factor: float) -> Camera:
        """The same view in `factor` times the resolution (whole pixels, at least one)."""
        width, height = (max(1, round(size * factor)) for size in (self.width, self.height))
        x, y = width / self.width, height / self.height
        return replace(self, width=width, height=height, fx=self.fx * x, fy=self.fy * y, cx=self.cx * x, cy=self.cy * y)

    @classmethod
    def look_at(
        cls,
        eye: ArrayLike,
        target: ArrayLike,
        *,
        down: ArrayLike = (0.0, 1.0, 0.0),
        width: int,
        height: int,
        fov_x_rad: float,
        name: str = "",
    ) -> Camera:
        """A camera at `eye` that sees `target` in its middle, with square pixels; `near` follows from the distance.

        Args:
            eye, target, down: (3,); `down` need not be at a right angle to the look.
            fov_x_rad: angle between the left and the right edge, less than pi.
        Raises: ViewsError if eye and target coincide, the look is along `down`, or no lens has that angle.
        """
        called = f"view {name}" if name else "camera"
        if not 0 < fov_x_rad < np.pi:
            raise ViewsError(f"{called}: a field of view of {fov_x_rad:g} radians is out of range: 0 to pi")
        start = np.asarray(eye, np.float64)
        forward = np.asarray(target, np.float64) - start
        right = _cross(np.asarray(down, np.float64), forward)
        if not np.linalg.norm(right) > 0:
            raise ViewsError(f"{called}: eye and target coincide, or the view direction is parallel to `down`")
        z, x = forward / np.linalg.norm(forward), right / np.linalg.norm(right)
        rotation = np.stack([x, _cross(z, x), z])
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, -rotation @ start
        focal = width / (2 * np.tan(fov_x_rad / 2))
        near = min(NEAR_PLANE, MOST_NEAR * float(np.linalg.norm(forward)))
        return cls(matrix, width, height, focal, focal, width / 2, height / 2, name, near)


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of two vectors: what numpy's own does, without what it asks of their shapes first."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
