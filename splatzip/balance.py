"""What `balanced` does before a scene is coded: it renders the scene and lets pictures decide where bits are spent.

    scene -> views -> prune -> optimize (repair) -> quantize (classes) -> optimize (settle) -> scene to encode

One number, `fineness`, sets everything: the steps, and with them how much a splat must be worth to stay. A splat goes
if that changes pictures less than `worth` times what the steps change per splat on average: coarse steps imply coarse
pruning, and no bits are spent on what quantization errors hide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from splatzip.distill import regression
from splatzip.kernels.device import Engine
from splatzip.kernels.pictures import Targets, beginning_with
from splatzip.optimize import compensation, photos, repair, settle
from splatzip.progress import Progress, silent
from splatzip.prune import removal
from splatzip.prune.order import Removal
from splatzip.quantize import classes, stepped
from splatzip.raster.rasterize import precise_renderer
from splatzip.raster.score import score
from splatzip.scene import Camera, Scene
from splatzip.stream.compensation import Compensation
from splatzip.stream.tiers import SHARES_BALANCED, by_importance
from splatzip.views import Views, pseudo_views
from splatzip.views.collection import evenly

Floats = NDArray[np.float32]

_NOISE_EVERY = 4  # of so many scoring views one is enough to see what steps do to pictures
_GIVEN_FOCAL = 600.0  # pixels: where there are given cameras alone
_GIVEN_SCALE = 1.4  # pixels per radian, where there are pseudo-views: what given cameras see is what will be looked at
_TUNED_AT = -0.9  # the fineness that worth and rates serve best; finer, they fall with the square root of the noise
_FALL = 0.57  # natural logarithm of that, a unit of fineness
_SMALL_PIXELS = 400 * 300  # what a picture has that is kept as float32: 320 of the largest would take 1.8 GB
_TILE_SPLATS = 6000  # finer to stream than larger ones, whose files are 0.2 to 0.9 % smaller
# Two thirds of what serves where fewer steps have to do: 0.2 (snowmiku) to 1 dB (chair) better after a thousand.
_REPAIR = repair.Options(
    steps=1600, position=0.0042, log_scale=7e-3, rotation=2e-3, opacity_logit=3.5e-2, color=5e-3, sh=7e-4
)
# Found on pruned snowmiku: what equal bits buy shifts where neighbours are fewer.
_OCTAVES = {"axis": -0.7, "position": 0.48, "color": 0.2, "sh": 0.12, "spin": -0.13, "scale": 0.3}


@dataclass(frozen=True)
class Options:
    """Options of every stage.

    Attributes:
        views: number of pseudo-views where no camera is given.
        views_beside: number of pseudo-views beside given cameras; they preserve the rest of the scene.
        pruning_scale: resolution factor for pruning, which uses all views: many small pictures see more than few large.
        scoring_views: about this many, evenly taken from all, decide how coarse the steps of the remaining splats are.
        given_weight: of a given camera, relative to 1 for a pseudo-view: how much what it sees counts, and how often
            values move towards its picture.
        worth: minimum worth of a kept splat, in mean squared changes by the steps.
        prune: share of the splats to remove instead, least worth first; 0: none; None: as many as `worth` says.
        degree: highest SH degree to keep, by regression over what the views see; None: the source's.
        tier_views: about this many, evenly taken from all, decide which splats come first in a file.
        removal, repair, classes, settle, compensation: see there; removal.keep is where repeated scoring ends.
    """

    views: int = 320
    views_beside: int = 88
    pruning_scale: float = 0.5
    scoring_views: int = 88
    given_weight: float = 1.0
    worth: float = 2.0
    prune: float | None = None
    tier_views: int = 30
    degree: int | None = None
    removal: removal.Options = field(default_factory=lambda: removal.Options(keep=0.1))
    repair: repair.Options = field(default_factory=lambda: _REPAIR)
    classes: classes.Options = field(default_factory=classes.Options)
    settle: settle.Options = field(default_factory=settle.Options)
    compensation: compensation.Options = field(default_factory=compensation.Options)


def steps_for_pruned(steps: stepped.Options) -> stepped.Options:
    """The same fineness for a scene of fewer splats, whose errors settle instead of being diffused."""
    return replace(steps, octaves=_OCTAVES, most_color=12, diffusion=0.4, sh_dead_zone=0.15, tile_splats=_TILE_SPLATS)


class Balanced(NamedTuple):
    """A scene to encode.

    Attributes:
        scene: N splats.
        classes: (N, 2) int8; see `quantize.classes`. None: no classes.
        tiers: (N,); values settle to be coded in these.
        steps: to code it with.
        fitted: parameters to code it by, those that it settled with; empty: not settled.
        compensation: how splats stand in for those of later tiers; None: not settled.
    """

    scene: Scene
    classes: NDArray[np.int8] | None
    tiers: NDArray[np.uint8]
    steps: stepped.Options
    fitted: bytes = b""
    compensation: Compensation | None = None


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is computed once per source, for any target.

    Attributes:
        scene: the source, neighbours side by side.
        cameras: V views.
        targets: V pictures of the source, (H, W, 3); large ones as 16-bit floats; on a GPU where it draws.
        goals: the same, or corrected by photos: what values move towards.
        weights: (V,) how much each view counts.
        removal: the order of removal, with prices that are mean squared changes of all pictures.
        options, threads, device: as `prepare` was called with.
    """

    scene: Scene
    cameras: Sequence[Camera]
    targets: Targets
    goals: Targets
    weights: Sequence[float]
    removal: Removal
    options: Options
    threads: int
    device: Engine = "cpu"

    def kept(self, steps: stepped.Options) -> NDArray[np.int64]:
        """The rows that are worth their bits at these steps, or as many as were asked for."""
        if self.options.prune is not None:
            return self.removal.keeping(1 - self.options.prune)
        rounded = stepped.rounded(self.scene, steps, threads=self.threads)
        noise = self._squared_change(self.scene.edited(**rounded))
        prices, limit = self.removal.price, self.options.worth * _less_when_finer(steps) * noise
        worth = prices * np.arange(len(prices), 0, -1)  # the splat itself, and all that go later
        looked_at = min(round(len(prices) * (1 - self.options.removal.keep)), len(prices) - 1)
        worthy = worth[: looked_at + 1] >= limit
        if worthy.any():
            return self.removal.keeping(1 - int(np.argmax(worthy)) / len(prices))
        # Steps so coarse that less stays than was looked at again: what one was worth there says how much less.
        return self.removal.keeping(self.options.removal.keep * float(worth[looked_at]) / limit)

    def reduced(self, steps: stepped.Options, *, progress: Progress) -> Balanced:
        """Fewer splats, repaired, with classes; not settled yet."""
        left = self._of_degree(self.scene.take(self.kept(steps)))
        if len(left) < len(self.scene) or left.sh_degree < self.scene.sh_degree:
            left = self._repaired(left, steps, progress)
        cameras, weights = self._scoring(self.options.scoring_views)
        scored = score(
            left, cameras, what={"weight", "removal"}, weights=weights, threads=self.threads, device=self.device
        )
        return Balanced(left, classes.importance_classes(left, scored, self.options.classes), self._tiers(left), steps)

    def settled(self, balanced: Balanced, *, progress: Progress) -> Balanced:
        """The same, with values that round to better pictures."""
        start, of_splats, tiers, steps = balanced.scene, balanced.classes, balanced.tiers, balanced.steps
        fitted = stepped.encode(start, steps, tiers=tiers, classes=of_splats, threads=self.threads).params
        rounding = stepped.Rounding(steps, tiers, of_splats, fitted, self.threads)
        options = self.options.settle
        options = replace(options, rates=options.rates.slowed(_less_when_finer(steps)))
        scene = settle.settle(
            start, rounding, self.cameras, self.goals, options, weights=self.weights,
            threads=self.threads, device=self.device, progress=lambda done: progress(done, "settling"),
        )  # fmt: skip
        shown = scene.edited(**rounding(scene))
        stand_ins = compensation.fit(
            shown, tiers, self.cameras, self.targets, self.options.compensation, threads=self.threads,
            device=self.device,
        )  # fmt: skip
        return balanced._replace(scene=scene, fitted=fitted, compensation=stand_ins)

    def _repaired(self, scene: Scene, steps: stepped.Options, progress: Progress) -> Scene:
        options = self.options.repair.slowed(_less_when_finer(steps))
        return repair.repair(
            scene, self.cameras, self.goals, options, weights=self.weights, threads=self.threads,
            device=self.device, progress=lambda done: progress(0.9 * done, "repairing"),
        )  # fmt: skip

    def _tiers(self, scene: Scene) -> NDArray[np.uint8]:
        """The splats that are missed most come first: those that pruning would remove last."""
        views, weights = self._scoring(self.options.tier_views)
        options = removal.Options(keep=SHARES_BALANCED[0], keep_unseen=False)
        gone = removal.order(scene, views, options, weights=weights, threads=self.threads, device=self.device)
        stays = np.empty(len(scene), np.int64)
        stays[gone.order] = np.arange(len(scene))
        return by_importance(stays, SHARES_BALANCED)

    def _of_degree(self, scene: Scene) -> Scene:
        degree = self.options.degree
        if degree is None or degree >= scene.sh_degree:
            return scene
        cameras, weights = self._scoring(self.options.scoring_views)
        moments = score(
            scene, cameras, what={"curvature"}, weights=weights, threads=self.threads, device=self.device
        ).color_curvature
        assert moments is not None
        return regression.distill(scene, moments, regression.Options(degree=degree), threads=self.threads).scene

    def _scoring(self, count: int) -> tuple[Sequence[Camera], Sequence[float]]:
        """About so many of the views, evenly taken, and how much each counts."""
        some = evenly(len(self.cameras), count)
        return self.cameras[some], self.weights[some]

    def _squared_change(self, scene: Scene) -> float:
        """How far the pictures of a scene are from the targets: mean square over the pixels of a few views."""
        rasterizer = precise_renderer(scene, threads=self.threads, device=self.device)
        some = evenly(len(self.cameras), self.options.scoring_views // _NOISE_EVERY)
        errors = rasterizer.errors(self.cameras[some], self.targets[some])
        pixels = [camera.width * camera.height for camera in self.cameras[some]]
        return float(np.average(errors, weights=np.multiply(self.weights[some], pixels)))


def prepare(
    scene: Scene, options: Options, *, given: Views | None = None, threads: int = 0,
    device: Engine = "cpu", progress: Progress | None = None,
) -> Prepared:  # fmt: skip
    """Make views of a scene and their pictures, and find the order in which its splats may be removed.

    Args:
        scene: N splats.
        options: see `Options`.
        given: cameras used beside the pseudo-views; with photos, values move towards these.
        threads: 0 for every core; the result does not depend on it.
        device: what draws, scores, steps and rounds.
        progress: called with the share done and a word for the step.
    Raises: ViewsError if nothing of the scene is seen, or photos do not show it.
    """
    report = progress or silent
    report(0.0, "making views")
    own = () if given is None else given.cameras
    count = options.views_beside if own else options.views
    made = pseudo_views(scene, count=count, threads=threads, device=device).cameras if count else ()
    weights = [*([options.given_weight] * len(own)), *([1.0] * len(made))]
    small = [*([_GIVEN_SCALE**2 * _SMALL_PIXELS] * len(own)), *([_SMALL_PIXELS] * len(made))]
    cameras = [*as_large(own, made), *made]
    scene = scene.take(scene.z_order)  # so that a view sees all of 16 in a row or none, mostly
    report(0.4, "rendering the source")
    rasterizer = precise_renderer(scene, threads=threads, device=device)
    targets = rasterizer.targets(cameras, small=small)
    goals = targets
    if given is not None and given.photos is not None:
        goals = beginning_with(photos.corrected(rasterizer, cameras[: len(own)], given), targets)
    del rasterizer
    report(0.5, "pruning")
    order = _order(scene, cameras, weights, options, threads, device)
    return Prepared(scene, cameras, targets, goals, weights, order, options, threads, device)


def _order(
    scene: Scene, cameras: Sequence[Camera], weights: Sequence[float], options: Options, threads: int, device: Engine
) -> Removal:
    """The order in which splats are removed, with prices as mean squared changes."""
    if options.prune == 0:
        return Removal(np.arange(len(scene)), np.full(len(scene), np.inf))
    small = [camera.scaled(options.pruning_scale) for camera in cameras]
    found = removal.order(scene, small, options.removal, weights=weights, threads=threads, device=device)
    pixels = sum(w * 3 * camera.width * camera.height for camera, w in zip(small, weights, strict=True))
    return replace(found, price=found.price / pixels)


def as_large(cameras: Sequence[Camera], made: Sequence[Camera] = ()) -> list[Camera]:
    """Given cameras, scaled to a little more pixels per radian than the pseudo-views; never enlarged.

    In scenes of less than a unit they see as near as the pseudo-views do.
    """
    focal = _GIVEN_SCALE * float(np.median([camera.fx for camera in made])) if made else _GIVEN_FOCAL
    near = float(np.median([camera.near for camera in made or cameras]))
    return [replace(camera.scaled(min(1.0, focal / camera.fx)), near=min(camera.near, near)) for camera in cameras]


def _less_when_finer(steps: stepped.Options) -> float:
    """Factor on the required worth and on Adam's rates: 1 up to the fineness where both were tuned, then less.

    At fine steps, pruning cannot be repaired to below what the steps change, and Adam's own steps become visible.
    """
    return min(1.0, float(np.exp(-_FALL * (steps.fineness - _TUNED_AT))))
