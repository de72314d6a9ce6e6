"""`Scene`: N splats as plain float32 arrays, checked once, on construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import SceneError
from splatzip.scene.attributes import ATTRIBUTES, array_shapes, float_bytes, sh_degree
from splatzip.scene.meta import SceneMeta
from splatzip.scene.ordering import morton_order
from splatzip.scene.source import QuantizedSource

Floats = NDArray[np.float32]
ORIGIN_AT_ZERO = np.zeros(3)


@dataclass(frozen=True, eq=False, repr=False)
class Scene:
    """A trained 3D Gaussian splatting scene: N splats, B SH coefficients per colour above degree 0.

    Whatever numpy takes for float32 arrays makes one; those that are, and are contiguous, are not copied. Change no
    array of a scene that was drawn or scored: `edited` makes another scene.

    Attributes:
        positions: (N, 3) float32, right-down-front, relative to `origin`.
        log_scales: (N, 3) float32, ln of the standard deviations.
        rotations: (N, 4) float32 quaternions wxyz, any length but zero.
        opacity_logits: (N,) float32; +Inf is opaque, -Inf invisible.
        sh: (N, 1+B, 3) float32, degree 0 first, RGB last.
        origin: (3,) float64 added to the positions; zero unless float32 is too coarse (city and survey scenes).
        meta: what the file stated besides the splats.
        source: integer codes of a quantized source, which are what is saved: `edited` and `take` drop it, and the
            arrays of a scene that has one are read-only.

    Raises: SceneError, naming the attribute and the first bad row, if shapes disagree, the scene is empty, a
        value is NaN or (except an opacity logit) infinite, or a quaternion is zero.
    """

    positions: Floats
    log_scales: Floats
    rotations: Floats
    opacity_logits: Floats
    sh: Floats
    origin: NDArray[np.float64] = field(default_factory=ORIGIN_AT_ZERO.copy)
    meta: SceneMeta = field(default_factory=SceneMeta)
    source: QuantizedSource | None = None

    if TYPE_CHECKING:  # what is taken, which is more than what is held

        def __init__(
            self, positions: ArrayLike, log_scales: ArrayLike, rotations: ArrayLike, opacity_logits: ArrayLike,
            sh: ArrayLike, origin: ArrayLike = ..., meta: SceneMeta = ..., source: QuantizedSource | None = ...,
        ) -> None: ...  # fmt: skip

    def __post_init__(self) -> None:
        for attribute in ATTRIBUTES:
            value = np.ascontiguousarray(getattr(self, attribute.name), np.float32)
            object.__setattr__(self, attribute.name, value)
        object.__setattr__(self, "origin", np.asarray(self.origin, np.float64).reshape(3))
        self._check(self.arrays())
        self._bind_to_source()

    def _check(self, of_unknown: Mapping[str, Floats]) -> None:
        """Raises: SceneError for shapes, for rows of the arrays `of_unknown`, or for origin or source."""
        _check_shapes(self)
        for reason, bad in _bad_rows(of_unknown).items():
            if bad.any():
                raise SceneError(
                    f"row {int(bad.argmax())}: {reason} ({int(bad.sum())} of {len(self)} rows); "
                    "--repair drops such rows"
                )
        if not np.isfinite(self.origin).all():
            raise SceneError("origin is not finite")
        if self.source is not None and self.source.splats != len(self):
            raise SceneError(f"source holds {self.source.splats} codes for {len(self)} splats")

    def check(self) -> None:
        """Look at every row again, as when the scene was made: its arrays may have been changed since.

        Raises: SceneError as a new scene.
        """
        self._check(self.arrays())

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind_to_source()

    def _bind_to_source(self) -> None:
        if self.source is None:
            return
        for name, array in self.arrays().items():
            seen = array.view()  # whose array it is may still write it
            seen.flags.writeable = False
            object.__setattr__(self, name, seen)

    @classmethod
    def of_checked(cls, arrays: Mapping[str, Floats], **others: Any) -> Scene:
        """A scene of contiguous float32 arrays whose values a decoder has checked already, tile by tile.

        Args:
            arrays: the five attribute arrays.
            others: origin, meta, source; their defaults where they are not given.
        Raises: SceneError if the shapes disagree.
        """
        scene = cls._unchecked({**others, **arrays})
        _check_shapes(scene)
        scene._bind_to_source()
        return scene

    @classmethod
    def empty(cls, sh_degree: int = 0) -> Scene:
        """A scene of no splats: it can be drawn, which shows the background, but no file holds it."""
        shapes = array_shapes(0, sh_degree).items()
        return cls._unchecked({name: np.zeros(shape, np.float32) for name, shape in shapes})

    @classmethod
    def _unchecked(cls, fields: Mapping[str, Any]) -> Scene:
        """Of the five arrays, and other fields where they are not their defaults."""
        scene = object.__new__(cls)
        defaults = {"origin": ORIGIN_AT_ZERO.copy(), "meta": SceneMeta(), "source": None}
        for name, value in {**defaults, **fields}.items():
            object.__setattr__(scene, name, value)
        return scene

    def __len__(self) -> int:
        return len(self.positions)

    def __repr__(self) -> str:
        return f"Scene({len(self):,} splats, SH degree {self.sh_degree})"

    @property
    def sh_degree(self) -> int:
        """0 to 4."""
        return sh_degree(self.sh.shape[1] - 1)

    @property
    def float_bytes(self) -> int:
        """Bytes as a float32 PLY without normals."""
        return float_bytes(len(self), self.sh_degree)

    @cached_property
    def z_order(self) -> NDArray[np.intp]:
        """(N,) rows along a Z-order curve: neighbours in space come one after the other (`ordering.morton_order`)."""
        return morton_order(self.positions)

    def arrays(self) -> dict[str, Floats]:
        """The five attribute arrays by name."""
        return {a.name: getattr(self, a.name) for a in ATTRIBUTES}

    def edited(self, **changes: Any) -> Scene:
        """A copy with some fields replaced; the quantized source is dropped unless it is given.

        Raises: SceneError as a new scene, which looks again at what changes alone.
        """
        arrays = {
            name: np.ascontiguousarray(changes.pop(name), np.float32) for name in self.arrays() if name in changes
        }
        fields = {"origin": self.origin, "meta": self.meta, "source": None, **changes}
        if unknown := fields.keys() - {"origin", "meta", "source"}:
            raise TypeError(f"a scene has no {', '.join(sorted(unknown))}")
        fields["origin"] = np.asarray(fields["origin"], np.float64).reshape(3)
        scene = Scene._unchecked({**self.arrays(), **arrays, **fields})
        scene._check(arrays)
        scene._bind_to_source()
        return scene

    def take(self, rows: ArrayLike | slice) -> Scene:
        """The splats at `rows` (indices, a mask or a slice), in that order; the quantized source is dropped.

        Rows of a scene need no second check.

        Raises: SceneError if there are none; IndexError for a row that is not there, a mask of another length, or what
            is not a list of rows.
        """
        places = np.arange(len(self))[rows]  # type: ignore[index]  # what is no index, numpy says
        if places.ndim != 1:
            raise IndexError(f"rows have shape {places.shape}, expected (M,)")
        taken = {name: np.take(array, places, axis=0) for name, array in self.arrays().items()}
        return Scene.of_checked(taken, origin=self.origin, meta=self.meta)


def repaired(arrays: Mapping[str, ArrayLike]) -> tuple[dict[str, Floats], NDArray[np.bool_], dict[str, int]]:
    """Drop the rows that a `Scene` would refuse.

    Args:
        arrays: the five attribute arrays, all of N rows.
    Returns: the arrays without the bad rows, the (N,) mask of kept rows, and how many were dropped by reason.
    """
    full = {a.name: np.ascontiguousarray(arrays[a.name], np.float32) for a in ATTRIBUTES}
    keep = np.ones(len(full["positions"]), bool)
    counts: dict[str, int] = {}
    for reason, bad in _bad_rows(full).items():
        bad = bad & keep  # a row counts once, under the first reason
        if bad.any():
            counts[reason] = int(bad.sum())
            keep &= ~bad
    return {name: value[keep] for name, value in full.items()}, keep, counts


def _bad_rows(arrays: Mapping[str, Floats]) -> dict[str, NDArray[np.bool_]]:
    """By reason, which rows are bad in the arrays that are given."""
    masks: dict[str, NDArray[np.bool_]] = {}
    for attribute in ATTRIBUTES:
        if attribute.name not in arrays:
            continue
        value = arrays[attribute.name].reshape(len(arrays[attribute.name]), -1)
        if not _all_finite(value):  # rare: the two masks are only built when something is wrong
            masks[f"NaN in {attribute.name}"] = np.asarray(np.isnan(value).any(1))
            if not attribute.infinite:
                masks[f"Inf in {attribute.name}"] = np.asarray(np.isinf(value).any(1))
    if "rotations" not in arrays:
        return masks
    with np.errstate(invalid="ignore"):  # a signalling NaN is no reason to warn: it is named above
        masks["zero quaternion in rotations"] = np.asarray(~arrays["rotations"].any(1))
    return masks


def _all_finite(value: Floats) -> bool:
    """Block by block: a mask of everything would be a quarter of the scene's own memory."""
    block = 4096
    return all(bool(np.isfinite(value[at : at + block]).all()) for at in range(0, len(value), block))


def _check_shapes(scene: Scene) -> None:
    n = len(scene.positions)
    if n == 0:
        raise SceneError("the scene has no splats")
    for name, shape in array_shapes(n, 0).items():  # SH may have any degree: below
        if name != "sh" and getattr(scene, name).shape != shape:
            raise SceneError(f"{name} has shape {getattr(scene, name).shape}, expected {shape}")
    sh = scene.sh
    try:
        if sh.ndim != 3 or sh.shape[0] != n or sh.shape[2] != 3:
            raise ValueError
        sh_degree(sh.shape[1] - 1)
    except ValueError:
        raise SceneError(f"sh has shape {sh.shape}, expected ({n}, 1+B, 3) with B one of 0, 3, 8, 15, 24") from None
