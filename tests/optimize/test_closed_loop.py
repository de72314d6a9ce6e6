"""Meeting a dB on curves that are known: straight, bent, with steps, with noise."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from splatzip import SplatzipError
from splatzip.optimize.closed_loop import Attempt, Options, Setting, meet

Curve = Callable[[Setting], float]


def straight(setting: Setting) -> float:
    return 45 + 5.5 * setting.fineness + 2.5 * setting.color_offset


def bent(setting: Setting) -> float:
    """Steep where steps are coarse, flat where they are fine; what colour adds wears off."""
    x = setting.fineness
    return 49.2 + 5.6 * x - 0.13 * x * x - 0.02 * x**3 - 1.8 * math.expm1(-1.2 * setting.color_offset)


def with_levels(setting: Setting) -> float:
    """Whole levels of opacity: 2 dB at once."""
    return straight(setting) + 2 * math.floor(2.5 * setting.fineness)


def noisy(setting: Setting) -> float:
    """A rounding of positions moves dB by tenths up and down, one of colour by hundredths."""
    of_fineness = np.random.default_rng(abs(hash(setting.fineness))).normal(0, 0.4)
    of_color = np.random.default_rng(abs(hash(setting))).normal(0, 0.015)
    return bent(setting) + float(of_fineness + of_color)


def met(
    curve: Curve, target: float, *, start: float = 0.0, options: Options | None = None
) -> tuple[Attempt[Setting], int]:
    """The result, and how many attempts it took."""
    tried: list[Setting] = []

    def attempt(setting: Setting) -> tuple[float, Setting]:
        tried.append(setting)
        return curve(setting), setting

    return meet(target, attempt, start=start, options=options or Options()), len(tried)


@pytest.mark.parametrize("target", [30, 33.3, 40, 45, 52.5, 60, 65])
@pytest.mark.parametrize("curve", [straight, bent, with_levels, noisy])
def test_a_target_is_met_from_above_within_the_tolerance(curve: Curve, target: float) -> None:
    result, attempts = met(curve, target)
    assert target <= result.psnr <= target + 0.05
    assert attempts <= 16


def test_what_comes_back_is_what_the_attempt_made() -> None:
    result, _ = met(with_levels, 52.5)  # between two levels
    assert result.made.color_offset < 0
    assert with_levels(result.made) == result.psnr


def test_a_good_estimate_is_taken_as_it_is() -> None:
    assert met(straight, 45, start=0.004)[1] == 1


def test_a_straight_curve_takes_two_attempts() -> None:
    assert met(straight, 60, start=-2)[1] == 2


def test_a_target_out_of_reach_is_refused_with_what_can_be_reached() -> None:
    with pytest.raises(SplatzipError, match=r"^70 dB cannot be reached: the finest setting gives 61\.50 dB; ask for"):
        met(straight, 70, options=Options(finest=3.0))


def test_where_the_coarsest_setting_is_more_than_enough_it_is_taken() -> None:
    result, _ = met(straight, 20, options=Options(coarsest=-1.0, coarsest_color=-2.0))
    assert result.psnr == straight(Setting(-1.0, -2.0))


def test_a_curve_that_never_falls_ends_at_the_coarsest_setting() -> None:
    """A scene of one splat, say: every file decodes to the same picture."""
    result, attempts = met(lambda setting: 100.0, 45)
    assert result.made == Setting(-5.0, -4.0)
    assert attempts <= 20


def test_it_never_settles_for_less_than_the_target() -> None:
    """Nothing lies within the tolerance: the curve jumps over it, whatever is varied."""
    result, _ = met(lambda setting: 10.0 * math.floor(setting.fineness + setting.color_offset) + 50, 45)
    assert result.psnr == 50
