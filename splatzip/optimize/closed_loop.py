"""Meeting a quality in closed loop: try a setting, measure the dB that it gives, correct it.

    target dB, attempt (setting -> dB and a file) -> [closed loop] -> the file that meets it

dB rise with fineness by 2 to 9 per unit, but not smoothly: opacity has whole levels, and each rounding of positions
changes which of two splats at nearly the same depth is drawn first. Fineness alone would overshoot a target by up to 2
dB at 30 dB and by 0.6 dB at 65 dB. So fineness is found roughly, and the excess is then taken from colour and SH, whose
steps leave geometry, order and opacity unchanged: there dB follow the steps within hundredths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from splatzip.errors import SplatzipError

T = TypeVar("T")

_MARGIN = 0.03  # share of a bracket that an attempt keeps away from its ends


@dataclass(frozen=True)
class Options:
    """How close, and within which limits.

    Attributes:
        tolerance_db: how far the result may lie above the target; it never lies below.
        most_attempts: for fineness, and again for colour; after that many the best one counts.
        coarsest, finest: range of fineness: beyond it, pictures are unusable or hardly change any more.
        coarsest_color: the smallest offset to the fineness of colour and SH.
    """

    tolerance_db: float = 0.05
    most_attempts: int = 10
    coarsest: float = -5.0
    finest: float = 6.0
    coarsest_color: float = -4.0


class Setting(NamedTuple):
    """What an attempt is made with; see `quantize.stepped.Options`."""

    fineness: float
    color_offset: float


@dataclass(frozen=True)
class Attempt(Generic[T]):
    """One value of what is searched, the dB that it gave, and what was made with it."""

    value: float
    psnr: float
    made: T


class OutOfReachError(SplatzipError):
    """No setting reaches the target; the message names what the finest gives.

    Attributes:
        nearest: the attempt that came closest.
    """

    def __init__(self, message: str, nearest: Attempt[Any]) -> None:
        super().__init__(message)
        self.nearest = nearest


@dataclass(frozen=True)
class _Search:
    """What is known about the curve being searched: value to dB."""

    low: float
    high: float
    least_bracket: float  # two values so close are not told apart
    slope: float  # dB a unit, before two attempts say better
    slopes: tuple[float, float]  # what lies outside of them is noise


def meet(
    target_db: float, attempt: Callable[[Setting], tuple[float, T]], *, start: float, options: Options
) -> Attempt[T]:
    """The coarsest attempt found that reaches a target.

    Args:
        target_db: what must be reached.
        attempt: makes something with a setting; returns its dB, and it.
        start: fineness that is tried first.
    Returns: an attempt of at least `target_db` and at most `tolerance_db` more, unless the coarsest settings give
        more already.
    Raises: OutOfReachError, naming what the finest setting gives, if that is less than the target.
    """
    by_fineness = _Search(options.coarsest, options.finest, least_bracket=0.12, slope=5.5, slopes=(2.0, 9.0))
    rough = _search(target_db, lambda value: attempt(Setting(value, 0.0)), start, by_fineness, options)
    if rough.psnr <= target_db + options.tolerance_db:
        return rough
    by_color = _Search(options.coarsest_color, 0.0, least_bracket=1e-3, slope=2.5, slopes=(0.5, 9.0))
    given = Attempt(0.0, rough.psnr, rough.made)
    return _search(target_db, lambda value: attempt(Setting(rough.value, value)), 0.0, by_color, options, above=given)


def _search(
    target_db: float,
    attempt: Callable[[float], tuple[float, T]],
    start: float,
    search: _Search,
    options: Options,
    above: Attempt[T] | None = None,
) -> Attempt[T]:
    """Regula falsi: from `start`, or from `above`, which reaches the target, to the least that reaches it."""
    below: Attempt[T] | None = None
    aim, slope = target_db + options.tolerance_db / 2, search.slope

    def stepped(last: Attempt[T]) -> float:
        return min(max(last.value + (aim - last.psnr) / slope, search.low), search.high)

    value = stepped(above) if above else min(max(start, search.low), search.high)
    for _ in range(options.most_attempts):
        before = below or above
        tried = Attempt(value, *attempt(value))
        if before and before.value != value:
            slope = (tried.psnr - before.psnr) / (value - before.value)
            slope = min(max(slope, search.slopes[0]), search.slopes[1])
        if tried.psnr < target_db:
            below = tried
        else:
            above = tried
        if target_db <= tried.psnr <= target_db + options.tolerance_db:
            break
        if below and above:
            if above.value - below.value < search.least_bracket:
                break
            share = (aim - below.psnr) / (above.psnr - below.psnr)
            value = below.value + (above.value - below.value) * min(max(share, _MARGIN), 1 - _MARGIN)
        else:
            value = stepped(tried)
            if value == tried.value:  # the finest is not enough, or the coarsest more than enough
                break
    if above is None:
        assert below is not None
        raise OutOfReachError(
            f"{target_db:g} dB cannot be reached: the finest setting gives {below.psnr:.2f} dB; "
            "ask for at most that, or use --best-effort or preset lossless",
            below,
        )
    return above
