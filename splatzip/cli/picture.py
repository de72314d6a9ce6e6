"""A rendered picture as a PNG."""

from __future__ import annotations

import io
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from splatzip import Camera, Picture


class Shown(str, Enum):
    """What of a picture is written."""

    color = "color"
    alpha = "alpha"
    depth = "depth"


ShowOption = Annotated[
    Shown, typer.Option("--show", help="What to write; depth is 16-bit grey, alpha a transparent picture.")
]


def as_png(picture: Picture, camera: Camera, shown: Shown) -> tuple[bytes, dict[str, Any]]:
    """The file's bytes, and facts for the summary.

    Depth is 65535 at the farthest and 0 where nothing is; the facts say what one level is in scene units. Under
    `alpha` the colours are those of the splats alone, whatever the background.
    """
    import numpy as np
    from PIL import Image

    facts: dict[str, Any] = {"view": camera.name, "pixels": f"{camera.width}x{camera.height}"}
    if shown is Shown.depth:
        farthest = float(picture.depth.max()) or 1.0
        facts["depth_of_a_level"] = farthest / 65535
        image = Image.fromarray(np.rint(picture.depth * (65535 / farthest)).astype(np.uint16))
    elif shown is Shown.alpha:
        alpha = picture.alpha[..., None]
        straight = picture.color / np.maximum(alpha, 1 / 512)
        image = Image.fromarray(_bytes(np.concatenate([straight, alpha], axis=2)), "RGBA")
    else:
        image = Image.fromarray(_bytes(picture.color))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue(), facts


def _bytes(picture: Any) -> Any:
    import numpy as np

    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)
