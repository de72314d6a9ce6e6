"""Presets and targets: which options every stage gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from numbers import Integral, Real
from typing import TYPE_CHECKING

from splatzip.errors import SplatzipError
from splatzip.optimize import closed_loop
from splatzip.quantize import stepped
from splatzip.scene.attributes import MAX_SH_DEGREE

if TYPE_CHECKING:
    from splatzip import balance

PRESETS = ("lossless", "near-lossless", "fast", "balanced")

# Fineness for a dB against the source: mean of snowmiku and chair on their test views. They lie 4 to 7 dB apart at
# the same fineness, so for any one scene this is an estimate.
_ESTIMATES = (
    (29.78, -3.39),
    (32.05, -2.99),
    (35.50, -2.38),
    (39.47, -1.70),
    (44.18, -0.864),
    (49.15, 0.024),
    (54.14, 0.931),
    (59.19, 1.852),
    (64.10, 2.822),
    (66.50, 3.32),
)
_FAST_DB = 45.0
_BALANCED_FINENESS = -0.9
_NEAR_LOSSLESS_FINENESS = 3.1
QUALITY_RANGE = (30.0, 65.0)


@dataclass(frozen=True)
class Profile:
    """Options of every stage.

    Attributes:
        preset: the name that files and reports show.
        stepped: options of the lossy codec; None codes losslessly.
        estimated_quality: dB against the source that the steps were chosen for; None if none was asked for.
        target_quality: dB against the source that is met in closed loop, from the steps given; None keeps those steps.
        target_size: bytes that the file has at most; `balanced` alone.
        target_loss: dB on photos that may be lost, of held-back views that have some; `balanced` alone.
        best_effort: a target that cannot be reached gives what comes closest instead of an error.
        degree: highest SH degree to keep, by truncation; None: the source's.
        balance: options of the stages that render and prune; None: every splat is coded as it is.
        closed_loop: how closely the target is met.
    """

    preset: str
    stepped: stepped.Options | None = field(default_factory=stepped.Options)
    estimated_quality: float | None = None
    target_quality: float | None = None
    target_size: int | None = None
    target_loss: float | None = None
    best_effort: bool = False
    degree: int | None = None
    balance: balance.Options | None = None
    closed_loop: closed_loop.Options = field(default_factory=closed_loop.Options)

    @staticmethod
    def preset_named(
        name: str, *, size: float | None = None, quality: float | None = None, max_loss: float | None = None,
        verify: bool = False, best_effort: bool = False, degree: int | None = None, prune: float | None = None,
        sh_coding: str | None = None, geometry_coding: str | None = None,
    ) -> Profile:  # fmt: skip
        """The options behind a preset's name.

        Args:
            name: one of PRESETS.
            size: bytes to stay within; balanced alone.
            quality: dB against the source to aim at, 30 to 65: an estimate from a table, not a measurement, unless the
                preset is balanced.
            max_loss: dB against photos that may be lost; balanced alone.
            verify: meet the quality by measurements instead; the estimate is where they start.
            best_effort: a target that cannot be reached gives what comes closest.
            degree: highest SH degree to keep, 0 to 4.
            prune: share of the splats that balanced removes, from 0 to less than 1; None: as many as are not worth
                their bits.
            sh_coding: one of `stepped.SH_CODINGS`: how SH is quantized; None: "scalar".
            geometry_coding: one of `stepped.GEOMETRY_CODINGS`, of scales and rotations.
        Raises: SplatzipError if a name is unknown, or the preset takes no quality, degree, share or coding.
        """
        _check_options(name, size, quality, max_loss, degree, prune, sh_coding, geometry_coding)
        if name == "lossless":
            return Profile(name, None)
        sh_books = stepped.SH_CODINGS[sh_coding or "scalar"]
        scale_books, rotation_books = stepped.GEOMETRY_CODINGS[geometry_coding or "scalar"]
        options = partial(stepped.Options, sh_books=sh_books, scale_books=scale_books, rotation_books=rotation_books)
        if name == "balanced":
            from splatzip import balance  # which renders: other presets start without

            most_bytes = None if size is None else int(size)
            return Profile(
                name, options(_BALANCED_FINENESS), target_quality=quality, target_size=most_bytes, target_loss=max_loss,
                best_effort=best_effort, balance=balance.Options(degree=degree, prune=prune),
            )  # fmt: skip
        if quality is None and name == "near-lossless":
            return Profile(name, options(_NEAR_LOSSLESS_FINENESS), degree=degree)
        steps = options(_fineness_for(quality or _FAST_DB))
        if verify and quality is not None:
            return Profile(name, steps, target_quality=quality, best_effort=best_effort, degree=degree)
        return Profile(name, steps, estimated_quality=quality or _FAST_DB, degree=degree)


def _check_options(
    name: str, size: float | None, quality: float | None, max_loss: float | None, degree: int | None,
    prune: float | None, sh_coding: str | None, geometry_coding: str | None,
) -> None:  # fmt: skip
    """Raises: SplatzipError as `Profile.preset_named`."""
    for option, number in (
        ("size", size), ("quality", quality), ("max_loss", max_loss), ("degree", degree), ("prune", prune)
    ):  # fmt: skip
        if number is not None and not isinstance(number, Integral if option == "degree" else Real):
            what = "a whole number" if option == "degree" else "a number"
            raise TypeError(f"{option} is {number!r}, not {what}")
    if name not in PRESETS:
        raise SplatzipError(f"there is no preset {name!r}; choose {', '.join(PRESETS)}")
    if degree is not None and not 0 <= degree <= MAX_SH_DEGREE:
        raise SplatzipError(f"SH degree {degree} is out of range: 0 to {MAX_SH_DEGREE}")
    if prune is not None and name != "balanced":
        raise SplatzipError(f"{name} keeps every splat; drop --prune or choose balanced")
    if prune is not None and not 0 <= prune < 1:
        raise SplatzipError(f"{prune:g} of the splats cannot be removed; give a share from 0 to less than 1")
    for what, coding, known in (
        ("SH", sh_coding, stepped.SH_CODINGS), ("geometry", geometry_coding, stepped.GEOMETRY_CODINGS)
    ):  # fmt: skip
        if coding is not None and coding not in known:
            raise SplatzipError(f"there is no coding {coding!r} of {what}; choose {', '.join(known)}")
    if name != "balanced" and (size is not None or max_loss is not None):
        raise SplatzipError(f"{name} cannot aim for a size or a loss; choose balanced")
    if sum(target is not None for target in (size, quality, max_loss)) > 1:
        raise SplatzipError("a size, a quality and a loss cannot be met at once; keep one")
    if max_loss is not None and not max_loss > 0:
        raise SplatzipError(f"a loss of {max_loss:g} dB is out of range: above 0")
    if size is not None and not 1 <= size < float("inf"):
        raise SplatzipError(f"a file of {size} bytes is impossible; ask for {'less' if size > 1 else 'more'}")
    if quality is not None and not QUALITY_RANGE[0] <= quality <= QUALITY_RANGE[1]:
        raise SplatzipError(f"quality {quality:g} dB is out of range: {QUALITY_RANGE[0]:g} to {QUALITY_RANGE[1]:g}")
    if name == "lossless":
        if quality is not None:
            raise SplatzipError("lossless takes no quality; drop --quality or choose fast")
        if degree is not None:
            raise SplatzipError("lossless keeps every SH degree; drop --degree or choose near-lossless")
        if sh_coding is not None or geometry_coding is not None:
            raise SplatzipError("lossless quantizes nothing; drop the coding or choose near-lossless")
    if name == "balanced" and (sh_coding not in (None, "scalar") or geometry_coding not in (None, "scalar")):
        raise SplatzipError("balanced codes scalars only; drop the coding or choose fast")


def _fineness_for(quality: float) -> float:
    """Between the estimates around it; above the last one, straight on."""
    (low_db, low), (high_db, high) = next(
        pair for pair in pairwise(_ESTIMATES) if quality <= pair[1][0] or pair[1] is _ESTIMATES[-1]
    )
    return low + (quality - low_db) / (high_db - low_db) * (high - low)
