"""Repair: the remaining splats compensate for what pruning or coarse steps changed.

    scene + pictures of the source -> [optimize] -> scene

Adam on all attributes towards renders of the source (no photos), one view per step, on the Huber loss: differences of
up to 0.02 count by their square, which is what is measured in the end; larger ones linearly, since squares would chase
the worst pixel. Native: native/src/repair.cpp.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import ViewsError
from splatzip.kernels.cuda_repair import CudaRepair
from splatzip.kernels.device import Engine
from splatzip.kernels.pictures import StoredPictures, Targets, shapes
from splatzip.kernels.repair import NativeRepair, Rates
from splatzip.raster.view import view_of
from splatzip.scene import Camera, Scene

Floats = NDArray[np.float32]
Arrays = Mapping[str, Floats]


@dataclass(frozen=True)
class Options:
    """How long, and how far a step goes: about three times the rates that scenes are trained with.

    Attributes:
        steps: pictures to move towards, one after the other.
        position: in sizes of the splat.
        log_scale, rotation, opacity_logit, color, sh: in units of the attribute; color is SH degree 0.
        small: differences of pictures up to this count by their square, larger ones linearly (Huber).
        last: share of the rates at the last step; they fall geometrically.
        seed: of the order of the views.
    """

    steps: int = 250
    position: float = 0.006
    log_scale: float = 1e-2
    rotation: float = 3e-3
    opacity_logit: float = 5e-2
    color: float = 7.5e-3
    sh: float = 1e-3
    small: float = 0.02
    last: float = 0.1
    seed: int = 0

    def slowed(self, factor: float) -> Options:
        """The same, every step `factor` times as far."""
        rates = ("position", "log_scale", "rotation", "opacity_logit", "color", "sh")
        return replace(self, **{name: factor * getattr(self, name) for name in rates})

    def rates(self, done: float) -> Rates:
        """Of a step, `done` (0 to 1) of the way."""
        share = self.last**done
        return Rates(
            share * self.position, share * self.log_scale, share * self.rotation, share * self.opacity_logit,
            share * self.color, share * self.sh, self.small,
        )  # fmt: skip


class Optimizer(Protocol):
    """Adam on a scene's arrays, on any device."""

    def arrays(self) -> Arrays:
        """The values so far."""
        ...

    def show(self, arrays: Arrays) -> None:
        """Draw these, row for row, and take gradients with them, from now on, in place of the values."""
        ...


def repair(
    scene: Scene, cameras: Sequence[Camera], targets: Targets, options: Options | None = None, *,
    weights: Sequence[float] | None = None, before_step: Callable[[int, Optimizer], None] | None = None,
    threads: int = 0, device: Engine = "cpu", progress: Callable[[float], None] | None = None,
) -> Scene:  # fmt: skip
    """Move a scene's attributes towards pictures.

    Args:
        scene: N splats, those that remain.
        cameras: V views.
        targets: V pictures (H, W, 3) of what they should show, on black, not clipped.
        options: see `Options`.
        weights: (V,) how often each view is used, relative to others; None: equally often.
        before_step: called with each step's number and the `Optimizer`, which it may make draw other values.
        threads: 0 for every core; the result does not depend on it.
        device: what draws and steps.
        progress: called with the share done.
    Returns: the scene with new attributes, in the same order.
    Raises: ViewsError if a picture does not have its camera's size.
    """
    options = options or Options()
    for camera, shape in zip(cameras, shapes(targets), strict=True):
        if shape != (camera.height, camera.width, 3):
            raise ViewsError(f"view {camera.name}: a picture of shape {shape} for {camera.width}x{camera.height}")
    optimizer: NativeRepair | CudaRepair
    if device == "cpu":
        assert not isinstance(targets, StoredPictures)
        optimizer = NativeRepair(scene.arrays(), targets, threads=threads)
    else:
        optimizer = CudaRepair(scene.arrays(), targets, engine=device)
    views = [view_of(camera, scene.origin, antialias=scene.meta.antialiased) for camera in cameras]
    random = np.random.default_rng(options.seed)
    queue: list[int] = []
    for step in range(options.steps):
        while not queue:
            queue = _turns(len(cameras), weights, random)
        turn = queue.pop()
        if before_step is not None:
            before_step(step, optimizer)
        optimizer.step(views[turn], turn, options.rates((step + 1) / options.steps))
        if progress is not None:
            progress((step + 1) / options.steps)
    return scene.edited(**optimizer.arrays())


def _turns(views: int, weights: Sequence[float] | None, random: np.random.Generator) -> list[int]:
    """One round of the views in random order: each as often as its weight says, on average."""
    if weights is None or len(set(weights)) == 1:
        return random.permutation(views).tolist()  # type: ignore[no-any-return]
    times = np.floor(np.divide(weights, max(weights)) + random.random(views)).astype(np.int64)
    return random.permutation(np.repeat(np.arange(views), times)).tolist()  # type: ignore[no-any-return]
