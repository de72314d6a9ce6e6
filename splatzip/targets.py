"""`balanced` files: at the preset's own point, of a size, of a quality, or of a loss on photos.

    scene -> views, order of removal -> [reduced -> settled -> file -> size, dB or loss] -> file

The order of removal is found once. A target is met by other steps: splats are chosen and repaired once or twice for
them, values settle for each that is tried, judged by real bytes and by pictures to which nothing was fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from splatzip.scene import Camera, Scene
from splatzip.views import Views

_FINENESS = (-5.0, 3.5)  # beyond, pictures hardly change any more, or are none
_COLOR_OFFSET = (0.0, 2.0)  # of colour and SH, where other steps cannot be a little finer
_QUALITY_AT = (-1.0, 42.0)  # a fineness, and about the dB that it gives
_NEAR = 0.15  # of fineness: the splats chosen for one serve others as near as that
_MOST_CHOSEN = 3  # times that splats are chosen for a target
_MOST_SETTLED = 6  # times that values settle for steps that are tried
_ABOVE_DB = 0.15  # a quality may be so much better
_NEAR_LOSS = 0.1  # share of a loss that need not be used
_LEAST_USED = 0.98  # of a size
_ABOUT_USED = 0.95  # the same where files are only estimated
_SETTLED = 1.06  # what a file is larger than its estimate, about: 1.03 (fine) to 1.14
_SIZE_RISE, _SIZE_RISE_WITH_SPLATS = 0.4, 0.7  # of the logarithm of a size, a unit of fineness: usual
_ODD = 4.0  # times what is usual: a rise beyond is a jump, or noise
_NARROW = 2e-3  # of fineness: what still changes between is a jump, or noise
_MARGIN = 0.02  # share of a bracket that an attempt keeps away from its ends
_MOST_TRIES = 16


class _Goal(NamedTuple):
    """What a file should have.

    Attributes:
        of: a number of the file that rises with fineness, nearly a straight line.
        low, high: between these it is good.
        rise: of the number, usual, a unit of fineness, by finer steps.
        rise_with_splats: the same, by more splats and finer steps.
        is_least: whether a file of less than `low` is none, and one of more than `high` too large; or the other way.
    """

    of: Callable[[bytes], float]
    low: float
    high: float
    rise: float
    rise_with_splats: float
    is_least: bool = True

    def allows(self, number: float) -> bool:
        return number >= self.low if self.is_least else number <= self.high


class _Tried(NamedTuple):
    """A file for a goal, and the number that it has."""

    made: Balanced
    file: bytes
    number: float

    @property
    def fineness(self) -> float:
        return self.made.steps.fineness


class Measured(NamedTuple):
    """A file, and what its pictures have lost: dB against the source, mean and worst view."""

    file: bytes
    psnr: float
    worst: float


def encode_balanced(
    scene: Scene, profile: Profile, *, cameras: Sequence[Camera] = (), held_back: Views | None = None,
    threads: int = 0, device: Engine = "cpu", progress: Progress | None = None,
) -> bytes:  # fmt: skip
    """Compress a scene by rendering it.

    Args:
        scene: N splats.
        profile: with `balance`; its target, if any, is met.
        cameras: views that count beside the pseudo-views.
        held_back: views to measure from, which `cameras` has not; None: pseudo-views of another seed.
        threads: 0 for every core; the bytes do not depend on it.
        device: what draws, scores, steps and rounds; codes are always chosen and written by the CPU.
        progress: called with the share done and a word for the step.
    Returns: a whole .splatz file that says what was measured.
    Raises: SplatzipError, naming what can be reached, if a target cannot; ViewsError if nothing is seen.
    """
    maker = _Maker(scene, profile, cameras, held_back, threads, device, progress or silent)
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
        self, scene: Scene, profile: Profile, cameras: Sequence[Camera], held_back: Views | None, threads: int,
        device: Engine, report: Progress,
    ) -> None:  # fmt: skip
        assert profile.stepped is not None
        assert profile.balance is not None
        self.steps = steps_for_pruned(profile.stepped)
        self._profile, self._threads, self._device, self._report = profile, threads, device, report
        self._share = 0.0
        self._prepared: Prepared = prepare(
            scene, profile.balance, cameras=cameras, threads=threads, device=device, progress=self._until(0.4)
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
        about = _search(round(room / _SETTLED), self._about, *_FINENESS, enough=_ABOUT_USED)[0]
        low, high = (float(np.log(max(share * room, 1))) for share in (_LEAST_USED, 1))
        rises = {"rise": _SIZE_RISE, "rise_with_splats": _SIZE_RISE_WITH_SPLATS}
        goal = _Goal(lambda file: float(np.log(len(file))), low, high, **rises, is_least=False)
        best, tried = self._met(goal, about)
        if best is None:
            best = min(tried, key=lambda one: one.number)
        file = best.file
        if best.number < low and best.fineness < _FINENESS[1]:  # coarse steps of opacity are few: sizes jump
            made, fits = best.made, best.fineness
            file = _search(room, lambda more: self.file(made, Setting(fits, more)), *_COLOR_OFFSET, near=0.1)[1]
        found = self.measured(file)
        if len(file) > room and not self._profile.best_effort:
            raise SplatzipError(
                f"{target} bytes cannot be reached: the smallest is {len(file) + target - room} at {found.psnr:.2f} dB "
                "against the source; ask for at least that, or take --best-effort"
            )
        return found

    def _met(self, goal: _Goal, fineness: float) -> tuple[_Tried | None, list[_Tried]]:
        """The smallest file found that is at least what is wanted, or the largest that is at most that; and all.

        Where there is none, the last that was tried is the finest, or the coarsest.
        """
        wanted, tried = _within(fineness), list[_Tried]()
        # Numbers by fineness: of splats that were chosen for it; of those that were chosen last.
        chosen, same = dict[float, float](), dict[float, float]()
        middle, width = (goal.low + goal.high) / 2, goal.high - goal.low
        while True:
            if not same:
                reduced = self.reduced(wanted)
            tried.append(self._tried(goal, reduced, wanted))
            same[wanted] = number = tried[-1].number
            if len(same) == 1:
                at, chosen[wanted] = wanted, number
            if goal.low <= number <= goal.high or len(tried) == _MOST_SETTLED:
                break
            missed = sum(not goal.allows(number) for number in same.values())
            aim = middle + (1 if goal.is_least else -1) * width * (2**missed - 1) / 8
            wanted = _within(_straight(same, aim, wanted, goal.rise))
            anew = _within(_straight(chosen, aim, at, goal.rise_with_splats))
            if abs(wanted - at) > _NEAR and len(chosen) < _MOST_CHOSEN and anew not in chosen:
                wanted, same = anew, {}
            elif wanted in same:
                break
        end = _FINENESS[1 if goal.is_least else 0]
        if tried[-1].fineness != end and not any(goal.allows(one.number) for one in tried):
            tried.append(self._tried(goal, self.reduced(end), end))
        allowed = [one for one in tried if goal.allows(one.number)]
        nearest = (min if goal.is_least else max)(allowed, key=lambda one: one.number, default=None)
        return nearest, tried

    def _tried(self, goal: _Goal, reduced: Balanced, fineness: float) -> _Tried:
        made = self.settled(reduced, fineness)
        file = self.file(made)
        return _Tried(made, file, goal.of(file))

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
    size: int, made: Callable[[float], bytes], low: float, high: float, *, near: float | None = None,
    enough: float = _LEAST_USED,
) -> tuple[float, bytes]:  # fmt: skip
    """The finest file of at most `size` bytes that uses the share `enough` of them, or what comes closest.

    Regula falsi on the logarithm of the size, which is nearly a straight line.
    """
    best: tuple[float, bytes] | None = None
    smallest: tuple[float, bytes] | None = None
    points: dict[float, float] = {}
    fitting: list[bool] = []
    aim = np.log(max(size, 1) * (1 + enough) / 2)
    value = (low + high) / 2 if near is None else near
    for _ in range(_MOST_TRIES):
        file = made(value)
        points[value] = float(np.log(len(file)))
        if smallest is None or len(file) < len(smallest[1]):
            smallest = value, file
        fitting.append(len(file) <= size)
        if fitting[-1]:
            low = max(low, value)
            if best is None or len(file) > len(best[1]):
                best = value, file
            if len(file) >= enough * size:
                break
        else:
            high = min(high, value)
        if high - low < _NARROW:
            break
        there = _straight(points, aim, value, _SIZE_RISE)
        if there <= low not in points or there >= high not in points:  # as far as it goes
            value = min(max(there, low), high)
        elif fitting[-3:] in ([True] * 3, [False] * 3):  # it comes from one side only
            value = (low + high) / 2
        else:
            value = min(max(there, low + _MARGIN * (high - low)), high - _MARGIN * (high - low))
    assert smallest is not None
    return best or smallest


def _straight(points: dict[float, float], aim: float, last: float, rise: float) -> float:
    """Where the line through the two points nearest to the aim meets it; one point has the usual rise."""
    if len(points) == 1:
        return last + (aim - points[last]) / rise
    (a, at_a), (b, at_b) = sorted(points.items(), key=lambda point: abs(point[1] - aim))[:2]
    return a + (aim - at_a) / min(max((at_b - at_a) / (b - a), rise / _ODD), rise * _ODD)
