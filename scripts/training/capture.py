"""Photos and their cameras, at the resolution that is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatzip import Camera, Views
from splatzip.errors import ViewsError
from splatzip.optimize.photos import resized

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Capture:
    """Training views, and test views that are measured alone."""

    train: Views
    test: Views
    scale: float
    background: tuple[float, float, float]

    @classmethod
    def load(cls, path: Path, *, scale: float, background: tuple[float, float, float]) -> Capture:
        """Raises: ViewsError if there are no photos, or as Views.load says."""
        train, test = (Views.load(path, split=split) for split in ("train", "test"))
        for views in (train, test):
            if views.photos is None:
                raise ViewsError(f"{path}: these cameras have no photos; training needs them")
        if not 0 < scale <= 1:
            raise ViewsError(f"scale {scale:g} is not above 0 and at most 1")
        return cls(train, test, scale, background)

    @property
    def middle(self) -> NDArray[np.float64]:
        """(3,) the mean of the cameras' positions."""
        return np.mean([camera.position for camera in self.train.cameras], axis=0)

    @property
    def size(self) -> float:
        """How far cameras are from their middle at most, and a tenth: the unit of the positions' rate."""
        distances = [np.linalg.norm(camera.position - self.middle) for camera in self.train.cameras]
        return float(max(distances) * 1.1) or 1.0

    def view(self, views: Views, index: int) -> tuple[Camera, Floats]:
        """A camera and its photo (height, width, 3), 0..1."""
        camera, photo = views.cameras[index], views.photo(index, background=self.background)
        if self.scale == 1:
            return camera, photo
        smaller = camera.scaled(self.scale)
        return smaller, resized(photo, smaller.width, smaller.height)

    def read_all(self) -> None:
        """Read every photo once. Raises: ViewsError, naming the first that is damaged."""
        for views in (self.train, self.test):
            for index in range(len(views)):
                self.view(views, index)
