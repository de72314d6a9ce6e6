"""Renders what a page requests as one JPEG.

    {pose, size, layers} -> camera -> one picture per layer -> stacked from top to bottom -> JPEG

All layers of a response share one camera, so that two scenes never get out of step during a drag.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from splatzip import Camera, Picture, SplatzipError, error_map
from splatzip_viewer.opened import STYLES, OpenScene
from splatzip_viewer.pose import Pose

Bytes8 = NDArray[np.uint8]
MODES = ("color", "depth", "alpha", *STYLES[1:])
_MOST_LAYERS = 2


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        layers: (scene, mode) each; scene is "ref" or "test", mode one of MODES; ("both", "error") compares.
        quality: of the JPEG.
        error_levels: the error, of 255, that the lightest colour of an error map stands for.
        measure: whether to say how far the two colour pictures are apart.
    """

    pose: Pose
    width: int
    height: int
    layers: tuple[tuple[str, str], ...]
    quality: int = 90
    error_levels: float = 16.0
    measure: bool = False

    @staticmethod
    def from_json(values: Any) -> Request:
        """Raises: SplatzipError if it makes no sense."""
        try:
            layers = tuple((str(scene), str(mode)) for scene, mode in values["layers"])
            width, height, quality = (int(values[name]) for name in ("width", "height", "quality"))
            levels, measure = float(values.get("error_levels", 16)), bool(values.get("measure"))
            pose = Pose.from_json(values["pose"])
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
            raise SplatzipError("a picture takes pose, width, height, quality and layers") from None
        known = {*((scene, mode) for scene in ("ref", "test") for mode in MODES), ("both", "error")}
        if not 1 <= len(layers) <= _MOST_LAYERS or not known.issuperset(layers) or not 0 < levels <= 255:
            raise SplatzipError("unknown layers of a picture, or too many")
        return Request(pose, width, height, layers, min(max(quality, 30), 97), levels, measure)


@dataclass(frozen=True)
class Answer:
    """A JPEG of layers from top to bottom, and what was measured on the way."""

    jpeg: bytes
    width: int
    height: int
    psnr: float | None = None


def draw(scenes: Mapping[str, OpenScene], request: Request) -> Answer:
    """Draw what is asked for.

    Args:
        scenes: "ref" and "test", as far as they are open.
    Raises: SplatzipError if a scene is not open or a picture cannot be drawn.
    """
    camera = request.pose.camera(request.width, request.height)
    drawn: dict[tuple[str, str], Picture] = {}

    def picture(which: str, style: str = "splats") -> Picture:
        if which not in scenes:
            raise SplatzipError("that scene is no longer open")
        if (which, style) not in drawn:
            drawn[which, style] = scenes[which].picture(camera, style)
        return drawn[which, style]

    looked_at = not request.measure and not {"error", "depth", "alpha"} & {mode for _, mode in request.layers}

    def pixels(which: str, style: str) -> Bytes8:
        if looked_at and which in scenes:  # nothing is worked out from it: bytes are enough
            return scenes[which].pixels(camera, style)
        return _eight_bits(picture(which, style).color)

    panels = []
    for which, mode in request.layers:
        if mode == "error":
            ref, test = (np.clip(picture(one).color, 0, 1) for one in ("ref", "test"))
            panels.append(error_map(ref, test, full_levels=request.error_levels))
        elif mode == "depth":
            panels.append(_depth(picture(which), scenes[which], camera))
        elif mode == "alpha":
            panels.append(_grey(picture(which).alpha))
        else:
            panels.append(pixels(which, "splats" if mode == "color" else mode))
    psnr = None
    if request.measure and {"ref", "test"} <= scenes.keys():
        ref, test = (np.clip(picture(one).color, 0, 1) for one in ("ref", "test"))
        mse = float(np.mean((ref - test) ** 2, dtype=np.float64))
        psnr = min(100.0, -10 * np.log10(max(mse, 1e-10)))
    return Answer(_jpeg(np.concatenate(panels), request.quality), camera.width, camera.height, psnr)


def _jpeg(pixels: Bytes8, quality: int) -> bytes:
    written = io.BytesIO()
    # Colour at full resolution where it is looked at closely; while dragging half is enough.
    Image.fromarray(pixels).save(written, "JPEG", quality=quality, subsampling=0 if quality > 85 else 2)
    return written.getvalue()


def _eight_bits(values: NDArray[np.float32]) -> Bytes8:
    eight: Bytes8 = (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
    return eight


def _grey(values: NDArray[np.float32]) -> Bytes8:
    return np.repeat(_eight_bits(values)[:, :, None], 3, axis=2)


def _depth(picture: Picture, opened: OpenScene, camera: Camera) -> Bytes8:
    """Near is light, dark is where most of the scene ends, whatever is seen: turning it flickers nowhere."""
    centre, radius = opened.ball
    distance = float(np.linalg.norm(camera.position - centre))
    near, far = max(0.0, distance - radius), distance + radius
    nearness = np.clip((far - picture.depth) / np.float32(far - near), 0, 1)
    return _grey(np.asarray((0.1 + 0.9 * nearness) * picture.alpha, np.float32))  # what is far is not what is not there
