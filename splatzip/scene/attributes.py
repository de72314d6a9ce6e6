"""The attributes of a splat: one table that every stage reads.

`shape` is a splat's own shape; "B" stands for the number of SH coefficients a colour above degree 0.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_SH_DEGREE = 4
INVISIBLE_LOGIT = -5.5373  # alpha 1/255: below, no renderer draws a splat


@dataclass(frozen=True)
class Attribute:
    """One row: the name of the `Scene` field, its shape a splat, its unit."""

    name: str
    shape: tuple[int | str, ...]
    unit: str
    infinite: bool = False  # +Inf (opaque) and -Inf (invisible) are legal


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("positions", (3,), "scene units, relative to Scene.origin"),
    Attribute("log_scales", (3,), "ln of the standard deviation in scene units"),
    Attribute("rotations", (4,), "quaternion wxyz, any length but zero"),
    Attribute("opacity_logits", (), "logit of alpha", infinite=True),
    Attribute("sh", ("1+B", 3), "SH coefficients, RGB; colour = 0.5 + SH"),
)


def sh_rest_count(degree: int) -> int:
    """B: SH coefficients a colour above degree 0 (0, 3, 8, 15, 24 for degrees 0 to 4)."""
    return (degree + 1) ** 2 - 1


def sh_degree(rest_count: int) -> int:
    """The degree whose `sh_rest_count` is `rest_count`.

    Raises: ValueError if no degree from 0 to 4 has so many coefficients.
    """
    for degree in range(MAX_SH_DEGREE + 1):
        if sh_rest_count(degree) == rest_count:
            return degree
    raise ValueError(f"{rest_count} SH coefficients a colour fit no degree from 0 to {MAX_SH_DEGREE}")


def array_shapes(splats: int, degree: int) -> dict[str, tuple[int, ...]]:
    """The shape of each attribute's array, by name."""
    sizes = {"1+B": 1 + sh_rest_count(degree)}
    return {a.name: (splats, *(sizes[s] if isinstance(s, str) else s for s in a.shape)) for a in ATTRIBUTES}


def float_bytes(splats: int, degree: int) -> int:
    """Bytes of the scene as a float32 PLY without normals: 4 (14 + 3B) N, the numerator of the ratio."""
    return 4 * (14 + 3 * sh_rest_count(degree)) * splats
