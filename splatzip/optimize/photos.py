"""What photos know better than the scene that was trained from them: pictures to move towards, corrected by them.

    picture of the source + its alpha x (photo - picture of the source at the photo's resolution) -> picture to move to

Only the difference is carried over to the size at which views are drawn: a splat is at least 0.3 pixels wide at any
resolution, so that smaller pictures of a scene are blurred more than smaller photos, and moving towards those would
sharpen what is sharp. What the scene does not have is not learnt: where it is not (a background that was cut off), and
where photos show something else (what was cut off in front of it, whoever walked by).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from splatzip.errors import ViewsError
from splatzip.raster.rasterize import Renderer
from splatzip.scene import Camera
from splatzip.views import Views

Floats = NDArray[np.float32]

_MOST_ACROSS = 1600  # pixels: scenes are trained from photos that were made as small
_SOMETHING_ELSE = 0.2  # difference of a channel, 0..1, that training does not leave of what the scene has
_LEAST_DB = 15.0  # between photos and pictures where the scene is; other scenes, poses and exposures are below


def corrected(renderer: Renderer, cameras: Sequence[Camera], captured: Views) -> Iterator[Floats]:
    """Pictures of the source from given cameras, corrected by their photos, one after the other.

    Args:
        renderer: of the source.
        cameras: V, those of the capture, of any resolution.
        captured: V cameras with photos, of which `cameras` are smaller copies.
    Returns: (H, W, 3) each, on black, not clipped.
    Raises: ViewsError if a photo is damaged, or, at the end, if the photos do not show the scene.
    """
    squared, covered = 0.0, 0.0
    large = [_as_trained(camera) for camera in captured.cameras]
    both = zip(renderer.pictures(cameras), renderer.pictures(large), strict=True)
    for number, (small, source) in enumerate(both):
        height, width = source.alpha.shape
        difference = resized(captured.photo(number), width, height) - np.clip(source.color, 0, 1)
        squared += float((np.square(difference) * source.alpha[..., None]).mean())
        covered += float(source.alpha.mean())
        difference[np.abs(difference).max(axis=-1) > _SOMETHING_ELSE] = 0
        height, width = small.alpha.shape
        yield small.color + small.alpha[..., None] * resized(difference, width, height)
    alike = -10 * np.log10(max(squared, 1e-12) / max(covered, 1e-12))
    if alike < _LEAST_DB:
        raise ViewsError(
            f"the photos do not show this scene: its pictures differ from them by {alike:.1f} dB where it is seen; are "
            "they of this capture, with these cameras? Leave them out, or mend the views"
        )


def resized(picture: Floats, width: int, height: int) -> Floats:
    """A picture (H, W, 3) made as small as that: each pixel the mean of the area that it covers."""
    if picture.shape[:2] == (height, width):
        return picture
    channels = (Image.fromarray(np.ascontiguousarray(picture[..., channel])) for channel in range(3))
    return np.stack([np.asarray(one.resize((width, height), Image.Resampling.BOX)) for one in channels], axis=-1)


def _as_trained(camera: Camera) -> Camera:
    return camera.scaled(min(1.0, _MOST_ACROSS / max(camera.width, camera.height)))
