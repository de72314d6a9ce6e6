"""Pseudo-views: cameras where a visitor would stand, made from a scene alone.

    scene -> extent -> free space: looks at the middle, looks at splats -> cover: the choice -> Views

An encoder without cameras decides by what pseudo-views show, so a splat that they miss is lost. Three kinds of views,
with one rule for rooms, captures and objects:

1. two thirds look at the middle from free space, from around it or from within, wherever pictures are sharp: objects
   are seen from outside, rooms from inside;
2. close-ups of splats of the middle, from wherever the line of sight is clear;
3. views from the positions of 1 and 2 of splats not covered yet.

Of 2 and 3, greedily those that add the most coverage are chosen. Measured in docs/BENCHMARKS.md.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splatzip.errors import ViewsError
from splatzip.kernels.device import DeviceChoice, Engine, chosen_device
from splatzip.scene import Camera, Scene
from splatzip.views.collection import Views
from splatzip.views.pseudo_cover import Coverage
from splatzip.views.pseudo_extent import Extent
from splatzip.views.pseudo_free import FOV_X_RAD, Drawn, FreeSpace

VIEWS = 88
LOOKS_AT_THE_MIDDLE = 0.64  # of all views
CANDIDATES_A_VIEW = 3  # at most, of either kind, for each that is chosen
MOST_SPARE = 64  # and at most so many more than are chosen: from many, chance alone covers
MEDIAN_SPLAT_PIXELS = 1.8  # standard deviation of the median splat of the middle, in the median view
WIDTHS = (128, 400)  # least and most pixels for that
LEAST_SPLAT_PIXELS, MOST_WIDTH = 0.9, 800  # of scenes of smaller splats: more pixels for so much


def pseudo_views(
    scene: Scene, *, count: int = VIEWS, seed: int = 0, threads: int = 0,
    device: DeviceChoice | Engine = "cpu",
) -> Views:  # fmt: skip
    """Cameras that show what can be seen of a scene, each from where a visitor would stand.

    Args:
        count: how many.
        seed: another seed gives other views; the same scene, count and seed give the same.
        threads: 0 uses all cores; the views are the same.
        device: what draws: "cpu", "cuda", or "auto"; on a GPU a last bit may decide for another view.
    Returns: `count` views without photos.
    Raises: ViewsError if `count` is not positive; BackendError if CUDA is asked for and cannot be had.
    """
    if count < 1:
        raise ViewsError(f"{count} pseudo-views: ask for at least one")
    random = np.random.default_rng(seed)
    engine: Engine = "emulated" if device == "emulated" else chosen_device(device)
    extent, drawn = Extent.of(scene), Drawn.of(scene, threads=threads, device=engine)
    space = FreeSpace(scene, drawn, extent, random, threads=threads, device=engine)
    middle = space.looks_at_the_middle(max(1, round(count * LOOKS_AT_THE_MIDDLE)))
    others = count - len(middle)
    candidates = min(CANDIDATES_A_VIEW * others, others + MOST_SPARE)
    nearby = space.looks_at_splats(candidates) if others else []
    resolution = _resolution(middle, extent)
    middle, nearby = ([camera.scaled(resolution) for camera in cameras] for cameras in (middle, nearby))
    chosen: list[Camera] = []
    if others:
        coverage = Coverage(scene, drawn, extent, middle, nearby, random, threads=threads)
        coverage.look_at_what_is_missing(candidates)
        chosen = coverage.chosen(others)
    if missing := others - len(chosen):  # hardly a place was free: a scene of one splat, or of smoke
        chosen += [camera.scaled(resolution) for camera in space.looks_at_the_middle(missing)]
    return Views(replace(camera, name=f"pseudo {i}") for i, camera in enumerate([*middle, *chosen]))


def _resolution(cameras: list[Camera], extent: Extent) -> float:
    """By how much probing cameras are to be enlarged so that the median splat has its size in pixels."""
    distances = [float(np.linalg.norm(camera.position - extent.centre)) for camera in cameras]
    around = [distance for distance in distances if distance > extent.radius] or [2 * extent.radius]
    at_one_pixel = 2 * np.tan(FOV_X_RAD / 2) * float(np.median(around)) / extent.splat_size
    least, most = WIDTHS
    width = min(max(MEDIAN_SPLAT_PIXELS * at_one_pixel, least), most)
    width = min(max(LEAST_SPLAT_PIXELS * at_one_pixel, width), MOST_WIDTH)
    return int(width / 4) * 4 / cameras[0].width
