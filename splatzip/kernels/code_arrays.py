"""Arrays of a quantized source, checked before a native dequantizer sees them, and the arrays that it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from splatzip.errors import FormatError


def code_array(
    arrays: Mapping[str, NDArray[Any]], name: str, dtype: DTypeLike, shape: tuple[int | None, ...]
) -> NDArray[Any]:
    """The array of that name, contiguous.

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
    return np.ascontiguousarray(array)


def attributes(arrays: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """What a native dequantizer returns, by the names of a scene."""
    names = ("positions", "log_scales", "rotations", "opacity_logits", "sh")
    return {name: np.asarray(array) for name, array in zip(names, arrays, strict=True)}
