"""Photos: found beside their cameras, checked by their headers, read as float pixels when needed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from splatzip.errors import ViewsError
from splatzip.scene import Camera
from splatzip.views.frame import Frame

_EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".PNG", ".JPG", ".JPEG")  # for frames that are named without one
# Of what Pillow reads, pictures as cameras and tools write them: others are programs (EPS), or are read by programs.
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "PPM", "TGA")
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def find_photos(frames: Sequence[Frame]) -> tuple[Path, ...] | None:
    """The photos of frames: all of them, or None if there is none at all.

    Raises: ViewsError, naming the first that is missing while others are there.
    """
    photos = [find_photo(frame.file, frame.folders) for frame in frames]
    found = tuple(photo for photo in photos if photo is not None)
    if not found:
        return None
    if len(found) < len(frames):
        missing = next(frame for frame, photo in zip(frames, photos, strict=True) if photo is None)
        raise ViewsError(
            f"frame {missing.name}: the photo {missing.folders[0] / missing.file} is missing, but "
            f"{len(found)} of {len(frames)} photos are there; add it, or remove them all to use cameras alone"
        )
    return found


def find_photo(file: str, folders: Sequence[Path]) -> Path | None:
    """The photo of that name, with or without extension, in the first folder that has it."""
    name = file.replace("\\", "/")
    for place in (folder / name for folder in folders):
        for candidate in (place, *(place.with_name(place.name + extension) for extension in _EXTENSIONS)):
            if candidate.is_file():
                return candidate
    return None


def photo_size(photo: Path, where: str) -> tuple[int, int]:
    """Width and height from the header. Raises: ViewsError if the file is not a picture."""
    try:
        with _opened(photo) as image:
            return image.size
    except _DAMAGED as error:
        raise ViewsError(f"{where}: {photo} is not a picture: {error}") from None


def _opened(photo: Path) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # cameras say how many pixels are too many
        return Image.open(photo, formats=_FORMATS)


def check_size(photo: Path, camera: Camera) -> None:
    """Raise ViewsError, naming the frame, if the photo is not of the camera's size: neither is resized silently."""
    size = photo_size(photo, f"frame {camera.name}")
    if size != (camera.width, camera.height):
        raise ViewsError(
            f"frame {camera.name}: the photo has {size[0]}x{size[1]} pixels, "
            f"its camera {camera.width}x{camera.height}; resize one of them"
        )


def read_photo(photo: Path, camera: Camera, background: ArrayLike) -> NDArray[np.float32]:
    """Pixels of a photo.

    Args:
        background: (3,) colour, 0..1, behind pixels that are not opaque.
    Returns: (height, width, 3) float32, 0..1.
    Raises: ViewsError, naming the frame, if the file is damaged, of another size, or of more than 8 bits a channel.
    """
    check_size(photo, camera)
    try:
        with _opened(photo) as image:
            if image.mode.startswith(("I", "F")):
                raise ViewsError(f"frame {camera.name}: {photo} does not have 8 bits per channel (mode {image.mode})")
            rgba = np.asarray(image.convert("RGBA"))
    except _DAMAGED as error:
        raise ViewsError(f"frame {camera.name}: {photo} cannot be decoded: {error}") from None
    color = rgba[..., :3].astype(np.float32) / np.float32(255)
    if (rgba[..., 3] == 255).all():
        return color
    alpha = rgba[..., 3:].astype(np.float32) / np.float32(255)
    return color * alpha + np.asarray(background, np.float32) * (1 - alpha)
