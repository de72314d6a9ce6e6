"""`balanced` files: at the preset's own point, of a size, of a quality, or of a loss on photos.

    scene -> balance -> encode -> measured, and tried again -> file

The expensive parts run once (views, removal order) or twice (repair, classes, settling; more often only where a quality
needs splats that were removed). A target is met by changing the steps of the settled values, judged by real bytes and
by pictures to which nothing was fitted.
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
_QUALITY_AT = (-1.0, 42.0, 4.5)  # fineness, about the dB it gives, and dB a unit: where a search starts
_NEAR_DB = 1.0  # as close as a quality has to be for other steps to do the rest
_NEAR_FINENESS = 0.25  # as little as steps may have to change for what settled to stay
_FINER = 0.4  # of fineness, where too many splats went for a quality: about 2 dB, and twice as much again
_AGAIN = 4  # times at most that values settle again for the steps that a target takes
_ABOVE_DB = 0.1  # a quality by settling may be so much better
_NEAR_LOSS = 0.1  # share of a loss that need not be used
_LEAST_USED = 0.98  # of a size
_ABOUT_USED = 0.9  # the same where its files are only estimated
_NARROW = 2e-3  # of fineness: what still changes between is a jump, or noise
_SIZE_SLOPE, _LEAST_SIZE_SLOPE = 0.4, 0.05  # of the logarithm of a size, a unit of fineness: usual; less is noise
_MARGIN = 0.02  # share of a bracket that an attempt keeps away from its ends
_MOST_TRIES = 16


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
        made = maker.measured(maker.file(maker.settled(maker.steps.fineness)))
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

    def settled(self, fineness: float) -> Balanced:
        """The scene for steps of a fineness. How often it is called is not known: each time takes half of the rest."""
        steps = replace(self.steps, fineness=fineness)
        reduced = self._prepared.reduced(steps, progress=self._until(self._share + 0.5 * (0.95 - self._share)))
        return self._prepared.settled(reduced, progress=self._until(self._share + 0.6 * (0.95 - self._share)))

    def again(self, made: Balanced, fineness: float) -> Balanced:
        """The same splats for other steps: coded by steps that they did not settle for, they lose a dB."""
        steps = replace(made.steps, fineness=fineness)
        progress = self._until(self._share + 0.2 * (0.95 - self._share))
        return self._prepared.settled(made._replace(steps=steps), again=True, progress=progress)

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
        """The file of the quality, or a little above it: as near as settling comes, else to the profile's tolerance."""
        at, there, slope = _QUALITY_AT
        fineness = _within(at + (target - there) / slope)
        made = self.settled(fineness)
        found = self.measured(self.file(made))
        missing = target - found.psnr
        if abs(missing) > _NEAR_DB and _within(fineness + missing / slope) != fineness:
            fineness = _within(fineness + missing / slope)
            made = self.settled(fineness)
            found = self.measured(self.file(made))
        if close := self._settled_at(target, made, found):
            return close

        def attempt(setting: Setting) -> tuple[float, Measured]:
            tried = self.measured(self.file(made, setting))
            self._report(self._share, f"measured {tried.psnr:.2f} dB")
            return tried.psnr, tried

        finer = _FINER
        while True:
            try:
                return meet(target, attempt, start=fineness, options=self._profile.closed_loop).made
            except OutOfReachError as error:  # finer steps cannot bring back what went with coarser ones
                if fineness == _FINENESS[1]:
                    if self._profile.best_effort:
                        return cast(Measured, error.nearest.made)
                    raise
                fineness, finer = _within(fineness + finer), 2 * finer
                made = self.settled(fineness)

    def _settled_at(self, target: float, made: Balanced, found: Measured) -> Measured | None:
        """The smallest file that has a quality, or a little more, with values that settled for its steps; or None."""
        best: Measured | None = None
        slope, fineness = _QUALITY_AT[2], made.steps.fineness
        for number in range(_AGAIN + 1):
            self._report(self._share, f"measured {found.psnr:.2f} dB")
            if found.psnr >= target and (best is None or len(found.file) < len(best.file)):
                best = found
            wanted = _within(fineness + (target + _ABOVE_DB / 2 - found.psnr) / slope)
            if number == _AGAIN or 0 <= found.psnr - target <= _ABOVE_DB or wanted == fineness:
                break
            before, fineness, since = found.psnr, wanted, wanted - fineness
            made = self.again(made, fineness)
            found = self.measured(self.file(made))
            slope = min(max((found.psnr - before) / since, 0.5 * slope), 2 * slope)
        return best

    def of_loss(self, target: float) -> Measured:
        """The coarsest file found that loses at most so many dB on the photos of the held-back views."""
        fineness, low, high = _QUALITY_AT[0], *_FINENESS
        made, settled_at = self.settled(fineness), fineness
        best: tuple[float, bytes] | None = None
        least: tuple[float, bytes] = np.inf, b""
        for number in range(_MOST_TRIES):
            if fineness != made.steps.fineness:
                made = self.again(made, fineness)
            file = self.file(made)
            lost = self._pictures.lost(decompress(file, threads=self._threads))
            self._report(self._share, f"lost {lost:.3f} dB")
            least = min(least, (lost, file))
            if lost <= target:
                high = min(high, fineness)
                if best is None or lost > best[0]:
                    best = lost, file
            else:
                low = max(low, fineness)
            if 0 <= target - lost <= _NEAR_LOSS * target or high - low < 1e-3:
                break
            # What is lost goes with the squared error: e times less a unit.
            wanted = fineness + np.log(max(lost, 0.02 * target) / ((1 - _NEAR_LOSS / 2) * target))
            fineness = wanted if low < wanted < high else (low + high) / 2
            fineness = _within(fineness)
            if number == 0 and abs(fineness - settled_at) > _NEAR_FINENESS:  # too far: from here anew, once
                made = self.settled(fineness)
                best, low, high = None, *_FINENESS
        if best is None and not self._profile.best_effort:
            raise SplatzipError(
                f"a loss of {target:g} dB cannot be reached: the least is {least[0]:.2f} dB in {len(least[1])} bytes; "
                "ask for at least that, or take --best-effort"
            )
        return self.measured((best or least)[1])

    def of_size(self, target: int) -> Measured:
        """The file of at most so many bytes, what is said of its quality among them."""
        some = self._about(_FINENESS[0])
        room = target - (len(with_quality(some, 99.99, 99.99, self.described)) - len(some))
        fineness = _search(room, self._about, *_FINENESS, enough=_ABOUT_USED)[0]
        made = self.settled(fineness)
        fits, file = _search(room, lambda value: self.file(made, Setting(value, 0.0)), *_FINENESS, near=fineness)
        if abs(fits - fineness) > _NEAR_FINENESS:
            other = self.settled(fits)
            near, again = _search(room, lambda value: self.file(other, Setting(value, 0.0)), *_FINENESS, near=fits)
            if _LEAST_USED * room <= len(again) <= room or len(file) < _LEAST_USED * room:
                made, fits, file = other, near, again
        if fits != made.steps.fineness and len(file) <= room:
            made, fits, file = self._settled_for(room, made, fits, file)
        if _LEAST_USED * room > len(file) and fits < _FINENESS[1]:  # coarse steps of opacity are few: sizes jump
            file = _search(room, lambda more: self.file(made, Setting(fits, more)), *_COLOR_OFFSET, near=0.1)[1]
        tried = self.measured(file)
        if len(file) > room and not self._profile.best_effort:
            raise SplatzipError(
                f"{target} bytes cannot be reached: the smallest is {len(file) + target - room} at {tried.psnr:.2f} dB "
                "against the source; ask for at least that, or take --best-effort"
            )
        return tried

    def _settled_for(self, room: int, made: Balanced, fits: float, file: bytes) -> tuple[Balanced, float, bytes]:
        """The same that has settled for the steps that fit, or nearly these; as it was, if that does not fit."""
        best: tuple[Balanced, float, bytes] | None = None
        other, fineness = made, fits
        for _ in range(_AGAIN):
            other = self.again(other, fineness)
            again = self.file(other)
            if len(again) <= room and (best is None or len(again) > len(best[2])):
                best = other, fineness, again
            if _LEAST_USED * room <= len(again) <= room:
                break
            aim = np.log((1 + _LEAST_USED) / 2 * room)
            fineness = _within(fineness + float(aim - np.log(len(again))) / _SIZE_SLOPE)
        return best or (made, fits, file)

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
        there = _straight(points, aim, value)
        if there <= low not in points or there >= high not in points:  # as far as it goes
            value = min(max(there, low), high)
        elif fitting[-3:] in ([True] * 3, [False] * 3):  # it comes from one side only
            value = (low + high) / 2
        else:
            value = min(max(there, low + _MARGIN * (high - low)), high - _MARGIN * (high - low))
    assert smallest is not None
    return best or smallest


def _straight(points: dict[float, float], aim: float, last: float) -> float:
    """Where the line through the two points nearest to the aim meets it."""
    if len(points) == 1:
        return last + (aim - points[last]) / _SIZE_SLOPE
    (a, at_a), (b, at_b) = sorted(points.items(), key=lambda point: abs(point[1] - aim))[:2]
    slope = max((at_b - at_a) / (b - a), _LEAST_SIZE_SLOPE)
    return a + (aim - at_a) / slope
