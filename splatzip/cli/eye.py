"""Where a scene is looked at from, and how: the cameras that options name."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from splatzip import Camera, Picture, Scene, Views

Split = Literal["test", "train", "all"]
Extent = Literal["3sigma", "exact"]
Pixels = tuple[int, int]


class Up(str, Enum):
    """An axis of the scene."""

    x = "x"
    minus_x = "-x"
    y = "y"
    minus_y = "-y"
    z = "z"
    minus_z = "-z"

    @property
    def direction(self) -> tuple[float, ...]:
        """(3,) the axis as a vector."""
        sign = -1.0 if self.value.startswith("-") else 1.0
        return tuple(sign * (name == self.value[-1]) for name in "xyz")


@dataclass(frozen=True)
class Eye:
    """How a scene is drawn, the same for every camera."""

    scene: Scene
    background: tuple[float, float, float]
    extent: Extent
    threads: int

    def picture(self, camera: Camera) -> Picture:
        """Draw it."""
        from splatzip import render

        return render(self.scene, camera, background=self.background, extent=self.extent, threads=self.threads)


def size_of_text(text: str | None) -> Pixels | None:
    """Width and height of "WxH"."""
    if text is None:
        return None
    from splatzip import Camera

    found = re.fullmatch(r"(\d+)[xX](\d+)", text)
    pixels = (int(found[1]), int(found[2])) if found else (0, 0)
    most_a_side, most = Camera.MOST_PIXELS_A_SIDE, Camera.MOST_PIXELS  # more is a slip of the hand
    if not all(1 <= side <= most_a_side for side in pixels) or pixels[0] * pixels[1] > most:
        raise typer.BadParameter(
            f"--size {text}: expected WIDTHxHEIGHT, such as 1280x720, at most {most_a_side} a side and "
            f"{most} pixels in all"
        )
    return pixels


def one_camera(
    scene: Scene, views: Path | None, split: Split, view: str | None, camera: Path | None, size: Pixels | None
) -> Camera:
    """The camera that a picture is taken with.

    Raises: ViewsError if there is no such view, or `camera` holds several.
    """
    from splatzip import Views, ViewsError, orbit_views

    if camera is not None:
        if views is not None:
            raise typer.BadParameter("give --camera, or --views and --view, not both")
        found = Views.load(camera, split="all", photos=False)
        if len(found) > 1:
            raise ViewsError(f"{camera}: holds {len(found)} cameras; choose one with --views {camera} --view I")
        return resized(found.cameras[0], size)
    among = Views.load(views, split=split, photos=False) if views is not None else orbit_views(scene)
    return resized(_named(among, view or "0", views, split), size)


def _named(among: Views, view: str, views: Path | None, split: Split) -> Camera:
    from splatzip import ViewsError

    for camera in among.cameras:
        if camera.name == view:
            return camera
    if view.isascii() and view.isdigit() and int(view) < len(among):
        return among.cameras[int(view)]
    where = f"{views}: " if views is not None else ""
    of = f" of --split {split}" if views is not None else ""
    raise ViewsError(f"{where}there is no view {view}; choose 0 to {len(among) - 1}{of}, or a view's name")


def resized(camera: Camera, size: Pixels | None) -> Camera:
    """The camera with another picture that still shows all that it showed: the longer side sees more."""
    if size is None:
        return camera
    width, height = size
    factor = min(width / camera.width, height / camera.height)
    cx, cy = (factor * (c - s / 2) for c, s in ((camera.cx, camera.width), (camera.cy, camera.height)))
    fx, fy = factor * camera.fx, factor * camera.fy
    return replace(camera, width=width, height=height, fx=fx, fy=fy, cx=cx + width / 2, cy=cy + height / 2)
