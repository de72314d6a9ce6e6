"""`balanced` files: at the preset's own point, of a size, of a quality, or of a loss on photos.

    scene -> views, order of removal -> [reduced -> settled -> file -> size, dB or loss] -> file

The order of removal is found once. A target is met by other steps: splats are chosen and repaired once or twice for
them, values settle for each that is tried, judged by real bytes and by pictures to which nothing was fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np

from splatzip.balance import Balanced, Prepared, prepare, steps_for_pruned
from splatzip.container import open_file, with_tiles_ordered
from splatzip.decode import decompress
from splatzip.encode import encode, with_quality
from splatzip.errors import SplatzipError
from splatzip.kernels.device import Engine
from splatzip.optimize import tile_order
from splatzip.optimize.closed_loop import OutOfReachError, Setting, meet
from splatzip.profile import Profile
from splatzip.progress import Progress, silent
from splatzip.quality import SourcePictures, measuring_views
from splatzip.scene import Scene
from splatzip.views import Views

_FINENESS = (-5.0, 3.5)  # beyond, pictures hardly change any more, or are none
_COLOR_OFFSET = (0.0, 2.0)  # of colour and SH, where other steps cannot be a little finer
_QUALITY_AT = (-1.0, 42.0)  # a fineness, and about the dB that it gives
_NEAR = 0.15  # of fineness: the splats chosen for one serve others as near as that
_MOST_CHOSEN = 3  # times that splats are chosen for a quality or a loss
_MOST_SETTLED = 6  # times that values settle for one
_ABOVE_DB = 0.15  # a quality may be so much better
_NEAR_LOSS = 0.1  # share of a loss that need not be used
_LEAST_USED = 0.98  # of a size
_NEAR_SIZE = 0.25  # of fineness, where only bytes are asked for
_REPAIRED_TAKES = 1.06  # times the bytes before repair and settling, about: 1.02 (fine) to 1.14
_SETTLED_TAKES = 1.025  # times the bytes before settling: 1.020 to 1.032
_LESS_WHEN_FINER = 0.009  # of that, a unit of fineness above 0
_MOST_FITTED = 3  # times that values settle for a size
_SIZE_RISE = 0.4  # of the logarithm of a size, a unit of fineness, about
_ODD = 4.0  # times what is usual: a rise beyond is a jump, or noise
_NARROW = 2e-3  # of fineness: what still changes between is a jump, or noise
_MARGIN = 0.02  # share of a bracket that an attempt keeps away from its ends
_MOST_TRIES = 16


class _Goal(NamedTuple):
    """What a file should have: at least `low`.

    Attributes:
        of: a number of the file that rises with fineness, nearly a straight line.
        low, high: between these it is good.
        rise: of the number, usual, a unit of fineness, by finer steps.
        rise_with_splats: the same, by more splats and finer steps.
    """

    of: Callable[[bytes], float]
    low: float
    high: float
    rise: float
    rise_with_splats: float


class _Tried(NamedTuple):
    """A file for a goal, and the number that it has."""

    made: Balanced
    file: bytes
    number: float


class Measured(NamedTuple):
    """A file, and what its pictures have lost: dB against the source, mean and worst view."""

    file: bytes
    psnr: float
    worst: float


def encode_balanced(
    scene: Scene, profile: Profile, *, given: Views | None = None, held_back: Views | None = None,
    threads: int = 0, device: Engine = "cpu", progress: Progress | None = None,
) -> bytes:  # fmt: skip
    """Compress a scene by rendering it.

    Args:
        scene: N splats.
        profile: with `balance`; its target, if any, is met.
        given: views that count beside the pseudo-views; with photos, it learns from these.
        held_back: views to measure from, which `given` has not; None: pseudo-views of another seed.
        threads: 0 for every core; the bytes do not depend on it.
        device: what draws, scores, steps and rounds; codes are always chosen and written by the CPU.
        progress: called with the share done and a word for the step.
    Returns: a whole .splatz file that says what was measured.
    Raises: SplatzipError, naming what can be reached, if a target cannot; ViewsError if nothing is seen.
    """
    maker = _Maker(scene, profile, given, held_back, threads, device, progress or silent)
    if profile.target_size is not None:
        made = maker.of_size(profile.target_size)
    elif profile.target_loss is not None:
        made = maker.of_loss(profile.target_loss)
    elif profile.target_quality is not None:
        made = maker.of_quality(profile.target_quality)
    else:
        made = maker.measured(maker.file(maker.settled(maker.reduced(maker.steps.fineness))))
    return with_quality(maker.arranged(made.file), made.psnr, made.worst, maker.described)


class _Maker:
    """Files of one scene, at any fineness."""

    def __init__(
        self, scene: Scene, profile: Profile, given: Views | None, held_back: Views | None, threads: int,
        device: Engine, report: Progress,
    ) -> None:  # fmt: skip
        assert profile.stepped is not None
        assert profile.balance is not None
        self.steps = steps_for_pruned(profile.stepped)
        self._profile, self._threads, self._device, self._report = profile, threads, device, report
        self._share = 0.0
        self._prepared: Prepared = prepare(
            scene, profile.balance, given=given, threads=threads, device=device, progress=self._until(0.4)
        )
        if held_back is None:
            held_back, self.described = measuring_views(scene, threads=threads, device=device)
        else:
            camera = held_back.cameras[0]
            self.described = f"{len(held_back)} given views, held back, {camera.width}x{camera.height}, 3sigma"
        self._pictures = SourcePictures(scene, held_back, threads=threads)

    def reduced(self, fineness: float) -> Balanced:
        """The splats that are worth their bits at a fineness, repaired.

        How often it is called is not known: each time takes a part of what is left of the progress.
        """
        steps = replace(self.steps, fineness=fineness)
        return self._prepared.reduced(steps, progress=self._until(self._share + 0.5 * (0.95 - self._share)))

    def settled(self, reduced: Balanced, fineness: float | None = None) -> Balanced:
        """The same with values that settled for its steps, or for those of another fineness."""
        if fineness is not None:
            reduced = reduced._replace(steps=replace(reduced.steps, fineness=fineness))
        return self._prepared.settled(reduced, progress=self._until(self._share + 0.5 * (0.95 - self._share)))

    def file(self, made: Balanced, setting: Setting | None = None) -> bytes:
        """What is coded of it, with other steps than it settled with if need be."""
        steps = made.steps if setting is None else replace(made.steps, **setting._asdict())
        profile = replace(self._profile, stepped=steps)
        return encode(
            made.scene, profile, tiers=made.tiers, compensation=made.compensation, classes=made.classes,
            fitted=made.fitted, threads=self._threads,
        )  # fmt: skip

    def arranged(self, file: bytes) -> bytes:
        """The same, the tiles first that would be missed most."""
        scene, opened = decompress(file, threads=self._threads), open_file(file)
        cameras, targets = self._prepared.cameras, self._prepared.targets
        order = tile_order.most_missed_first(
            scene, opened, cameras, targets, threads=self._threads, device=self._device
        )
        return with_tiles_ordered(file, opened.root.tiers - 1, order) if order else file

    def measured(self, file: bytes) -> Measured:
        """What the held-back views see."""
        of_views = self._pictures.of_views(decompress(file, threads=self._threads))
        return Measured(file, float(np.mean(of_views)), min(of_views))

    def of_quality(self, target: float) -> Measured:
        """The file of the quality, or a little above it."""
        measured: dict[bytes, Measured] = {}

        def quality(file: bytes) -> float:
            measured[file] = self.measured(file)
            self._report(self._share, f"measured {measured[file].psnr:.2f} dB")
            return measured[file].psnr

        goal = _Goal(quality, target, target + _ABOVE_DB, rise=3.5, rise_with_splats=5.8)
        at, there = _QUALITY_AT
        best, tried = self._met(goal, at + (target - there) / goal.rise_with_splats)
        if best:
            return measured[best.file]
        finest = tried[-1].made

        def attempt(setting: Setting) -> tuple[float, Measured]:
            file = self.file(finest, setting)
            return quality(file), measured[file]

        try:  # with steps so fine that values need not settle
            return meet(target, attempt, start=finest.steps.fineness, options=self._profile.closed_loop).made
        except OutOfReachError as error:
            if self._profile.best_effort:
                return cast(Measured, error.nearest.made)
            raise

    def of_loss(self, target: float) -> Measured:
        """The file that loses about so many dB on the photos of the held-back views, at most."""

        def loss(file: bytes) -> float:
            lost = self._pictures.lost(decompress(file, threads=self._threads))
            self._report(self._share, f"lost {lost:.3f} dB")
            return -float(np.log(max(lost, 1e-3 * target)))

        low, high = (-float(np.log(share * target)) for share in (1, 1 - _NEAR_LOSS))
        best, tried = self._met(_Goal(loss, low, high, rise=0.8, rise_with_splats=1.3), _QUALITY_AT[0])
        if best is None and not self._profile.best_effort:
            least = max(tried, key=lambda one: one.number)
            raise SplatzipError(
                f"a loss of {target:g} dB cannot be reached: the least is {np.exp(-least.number):.2f} dB in "
                f"{len(least.file)} bytes; ask for at least that, or take --best-effort"
            )
        return self.measured((best or max(tried, key=lambda one: one.number)).file)

    def of_size(self, target: int) -> Measured:
        """The file of at most so many bytes, what is said of its quality among them."""
        some = self._about(_FINENESS[0])
        room = target - (len(with_quality(some, 99.99, 99.99, self.described)) - len(some))
        fineness = _search(room, lambda value: round(_REPAIRED_TAKES * len(self._about(value))), *_FINENESS)
        reduced = self.reduced(fineness)
        takes = _SETTLED_TAKES - _LESS_WHEN_FINER * max(fineness, 0.0)
        fits = self._fitting(room / takes, reduced)
        if abs(fits - fineness) > _NEAR_SIZE:
            reduced = self.reduced(fits)
            fits = self._fitting(room / takes, reduced)
        tried: list[_Tried] = []
        while len(tried) < _MOST_FITTED and all(fits != one.made.steps.fineness for one in tried):
            tried.append(self._tried(len, reduced, fits))
            size = tried[-1].number
            if not _LEAST_USED * room <= size <= room:
                fits = self._fitting(room * len(self.file(reduced, Setting(fits, 0.0))) / size, reduced)
        if not any(one.number <= room for one in tried):
            tried.append(self._tried(len, self.reduced(_FINENESS[0]), _FINENESS[0]))
        best = max(tried, key=lambda one: (one.number <= room, one.number if one.number <= room else -one.number))
        file, at = best.file, best.made.steps.fineness
        if len(file) < _LEAST_USED * room and at < _FINENESS[1]:  # coarse steps of opacity are few: sizes jump
            more = _search(room, lambda value: len(self.file(best.made, Setting(at, value))), *_COLOR_OFFSET, near=0.1)
            file = self.file(best.made, Setting(at, more))
        found = self.measured(file)
        if len(file) > room and not self._profile.best_effort:
            raise SplatzipError(
                f"{target} bytes cannot be reached: the smallest is {len(file) + target - room} at {found.psnr:.2f} dB "
                "against the source; ask for at least that, or take --best-effort"
            )
        return found

    def _fitting(self, size: float, reduced: Balanced) -> float:
        """The fineness of about so many bytes, not settled."""
        near = reduced.steps.fineness
        return _search(
            0.995 * size, lambda value: len(self.file(reduced, Setting(value, 0.0))), *_FINENESS, near=near, enough=0.99
        )

    def _met(self, goal: _Goal, fineness: float) -> tuple[_Tried | None, list[_Tried]]:
        """The smallest file found that has what is wanted, and all; where there is none, the last is the finest."""
        wanted, tried = _within(fineness), list[_Tried]()
        # Numbers by fineness: of splats that were chosen for it; of those that were chosen last.
        chosen, same = dict[float, float](), dict[float, float]()
        while True:
            if not same:
                reduced = self.reduced(wanted)
            tried.append(self._tried(goal.of, reduced, wanted))
            same[wanted] = number = tried[-1].number
            if len(same) == 1:
                at, chosen[wanted] = wanted, number
            patience = (len(tried) - 1) / 8 * (goal.high - goal.low)  # noise of 0.1 dB can keep a search from its goal
            if goal.low <= number <= goal.high + patience or len(tried) == _MOST_SETTLED:
                break
            missed = sum(number < goal.low for number in same.values())
            aim = (goal.low + goal.high) / 2 + (goal.high - goal.low) * (2**missed - 1) / 8
            wanted = _within(_straight(same, aim, wanted, goal.rise))
            anew = _within(_straight(chosen, aim, at, goal.rise_with_splats))
            if abs(wanted - at) > _NEAR and len(chosen) < _MOST_CHOSEN and anew not in chosen:
                wanted, same = anew, {}
            elif wanted in same:
                break
        end = _FINENESS[1]
        if tried[-1].made.steps.fineness != end and not any(one.number >= goal.low for one in tried):
            tried.append(self._tried(goal.of, self.reduced(end), end))
        enough = [one for one in tried if one.number >= goal.low]
        return min(enough, key=lambda one: one.number, default=None), tried

    def _tried(self, of: Callable[[bytes], float], reduced: Balanced, fineness: float) -> _Tried:
        made = self.settled(reduced, fineness)
        file = self.file(made)
        return _Tried(made, file, of(file))

    def _about(self, fineness: float) -> bytes:
        """About as many bytes as the scene will take, without repair."""
        steps = replace(self.steps, fineness=fineness)
        left = self._prepared.scene.take(self._prepared.kept(steps))
        return encode(left, replace(self._profile, stepped=steps), threads=self._threads)

    def _until(self, end: float) -> Progress:
        start, self._share = self._share, end
        return lambda share, step: self._report(start + share * (end - start), step)


def _within(fineness: float) -> float:
    return min(max(fineness, _FINENESS[0]), _FINENESS[1])


def _search(
    size: float, size_at: Callable[[float], int], low: float, high: float, *, near: float | None = None,
    enough: float = _LEAST_USED,
) -> float:  # fmt: skip
    """The value that gives the most bytes up to `size`, and at least the share `enough` of it, or what comes closest.

    Regula falsi on the logarithm of the size, which is nearly a straight line.
    """
    sizes: dict[float, int] = {}
    aim = np.log(max(size, 1) * (1 + enough) / 2)
    value = (low + high) / 2 if near is None else near
    for _ in range(_MOST_TRIES):
        sizes[value] = found = size_at(value)
        low, high = (max(low, value), high) if found <= size else (low, min(high, value))
        if enough * size <= found <= size or high - low < _NARROW:
            break
        there = _straight({at: float(np.log(one)) for at, one in sizes.items()}, aim, value, _SIZE_RISE)
        if there <= low not in sizes or there >= high not in sizes:  # as far as it goes
            value = min(max(there, low), high)
        elif sum(one <= size for one in list(sizes.values())[-3:]) in (0, 3):  # it comes from one side only
            value = (low + high) / 2
        else:
            value = min(max(there, low + _MARGIN * (high - low)), high - _MARGIN * (high - low))
    fits = {at: one for at, one in sizes.items() if one <= size}
    return max(fits, key=fits.__getitem__) if fits else min(sizes, key=sizes.__getitem__)


def _straight(points: dict[float, float], aim: float, last: float, rise: float) -> float:
    """Where the line through the two points nearest to the aim meets it; one point has the usual rise."""
    if len(points) == 1:
        return last + (aim - points[last]) / rise
    (a, at_a), (b, at_b) = sorted(points.items(), key=lambda point: abs(point[1] - aim))[:2]
    return a + (aim - at_a) / min(max((at_b - at_a) / (b - a), rise / _ODD), rise * _ODD)
