"""`Views`: cameras, with their photos where there are some."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import ViewsError
from splatzip.scene import Camera
from splatzip.views.frame import Frame
from splatzip.views.photos import check_size, find_photos, read_photo
from splatzip.views.sources import read_frames
from splatzip.views.split import Split, split_of

BLACK = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False, repr=False)
class Views:
    """Where a scene is looked at from. Iterates over its cameras.

    Attributes:
        cameras: at least one.
        photos: the photo of each camera, or None: cameras alone.
        test, train: names of all frames of the capture that are for testing and for training, whichever of them
            these views are; both empty for views that were made.

    Raises: ViewsError if there is no camera, or photos and cameras differ in number or size.
    """

    cameras: tuple[Camera, ...]
    photos: tuple[Path, ...] | None = None
    test: tuple[str, ...] = ()
    train: tuple[str, ...] = ()

    if TYPE_CHECKING:  # what is taken, which is more than what is held

        def __init__(
            self, cameras: Iterable[Camera], photos: Iterable[str | Path] | None = ..., test: tuple[str, ...] = ...,
            train: tuple[str, ...] = ...,
        ) -> None: ...  # fmt: skip

    def __post_init__(self) -> None:
        object.__setattr__(self, "cameras", tuple(self.cameras))
        if not self.cameras:
            raise ViewsError("there are no views")
        if self.photos is None:
            return
        object.__setattr__(self, "photos", tuple(map(Path, self.photos)))
        if len(self.photos) != len(self.cameras):
            raise ViewsError(f"{len(self.photos)} photos for {len(self.cameras)} cameras")
        for photo, camera in zip(self.photos, self.cameras, strict=True):
            check_size(photo, camera)

    def __len__(self) -> int:
        return len(self.cameras)

    def __iter__(self) -> Iterator[Camera]:
        return iter(self.cameras)

    def __repr__(self) -> str:
        return f"Views({len(self)} cameras, {'without' if self.photos is None else 'with'} photos)"

    def photo(self, index: int, *, background: ArrayLike = BLACK) -> NDArray[np.float32]:
        """The photo of a camera.

        Args:
            background: (3,) colour, 0..1, behind a photo that is not opaque.
        Returns: (height, width, 3) float32, 0..1, as stored (no colour conversion).
        Raises: ViewsError, naming the frame, if there are no photos or this one is damaged.
        """
        if self.photos is None:
            raise ViewsError(f"frame {self.cameras[index].name}: these views have no photos")
        return read_photo(self.photos[index], self.cameras[index], background)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, split: Split = "test", photos: bool = True) -> Views:
        """The cameras of a capture, and their photos.

        Args:
            path: a folder, or a camera file: transforms.json (instant-ngp, nerfstudio), a COLMAP model in text or
                binary, cameras.json (reference 3DGS), or a single camera (`views/camera_json.py`).
            split: "test": the frames that split.json beside the views lists as such, without one every 8th by name;
                "train": the others; "all".
            photos: False takes the cameras alone and looks for no photo.
        Raises: ViewsError, naming the frame, if a frame in use has a lens that distorts, a photo is missing while
            others are there, or a photo is not of its camera's size. Frames that are not in use are not looked at.
        """
        if split not in ("test", "train", "all"):
            raise ViewsError(f"split {split!r} is not test, train or all")
        try:
            frames, folder = read_frames(Path(path))
            if not frames:
                raise ViewsError(f"{path}: this file lists no cameras")
            parts = split_of(frames, folder)
            used = frames if split == "all" else parts[split]
            if not used:
                raise ViewsError(f"{path}: none of the {len(frames)} views is for {split}; choose another split")
            cameras = tuple(frame.camera() for frame in used)
            return cls(
                cameras, find_photos(used) if photos else None, *(_names(parts[name]) for name in ("test", "train"))
            )
        except OSError as error:
            raise ViewsError(f"{path}: {error.strerror or error}") from None


def evenly(views: int, count: int) -> slice:
    """About `count` of so many views, evenly spread; at least one."""
    return slice(None, None, max(1, round(views / max(count, 1))))


def _names(frames: Sequence[Frame]) -> tuple[str, ...]:
    return tuple(frame.name for frame in frames)
