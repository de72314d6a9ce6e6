"""Arrays of a quantized source, checked before a native dequantizer sees them, and the arrays that it returns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from splatzip.errors import FormatError

Arrays = Mapping[str, NDArray[Any]]
Header = Mapping[str, Any]
Attributes = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ArrayThere:
    """What is known here of an array that lies on a GPU: `place` among the codes that were decoded with it."""

    place: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]


@dataclass(frozen=True)
class NativeCall:
    """A native dequantizer, and what it takes.

    Attributes:
        codes: arrays of N rows, and a palette.
        rest: what they refer to.
        sh_values: floats a splat of SH above degree 0.
    """

    name: str
    codes: tuple[Any, ...]
    rest: tuple[Any, ...]
    sh_values: int = 0

    @property
    def sh_degree(self) -> int:
        return math.isqrt(1 + self.sh_values // 3) - 1

    def __call__(self, core: Any, threads: int) -> Any:
        """What the core's function returns."""
        return getattr(core, f"dequantize_{self.name}")(*self.codes, *self.rest, threads)


def code_array(arrays: Arrays, name: str, dtype: DTypeLike, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """The array of that name, contiguous; or an `ArrayThere` as it is.

    Args:
        shape: what it must be; None stands for any extent.
    Raises: FormatError if it is missing, or has another type or shape.
    """
    if name not in arrays:
        raise FormatError(f"the source has no array {name!r}")
    array = arrays[name]
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if array.dtype != np.dtype(dtype) or not fits:
        want = "x".join("any" if extent is None else str(extent) for extent in shape)
        have = "x".join(map(str, array.shape))
        raise FormatError(f"array {name!r} of the source is {have} {array.dtype}, expected {want} {np.dtype(dtype)}")
    return array if isinstance(array, ArrayThere) else np.ascontiguousarray(array)


def attributes(arrays: Sequence[NDArray[np.float32]]) -> Attributes:
    """What a native dequantizer returns, by the names of a scene."""
    names = ("positions", "log_scales", "rotations", "opacity_logits", "sh")
    return {name: np.asarray(array) for name, array in zip(names, arrays, strict=True)}
