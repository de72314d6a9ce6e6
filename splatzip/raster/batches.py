"""Views that a GPU draws at once: small pictures do not fill it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from splatzip.kernels.view import View
from splatzip.scene import Camera

# What is kept of each splat and pixel of a batch must fit.
_MOST_VIEWS, _MOST_SPLATS, _MOST_PIXELS = 16, 1 << 23, 1 << 20

_Sized = TypeVar("_Sized", Camera, View)


def batches(views: Sequence[_Sized], splats: int) -> Iterator[Sequence[_Sized]]:
    """All views in their order; those of a batch are of one size."""
    first = 0
    while first < len(views):
        width, height = views[first].width, views[first].height
        most = max(1, min(_MOST_VIEWS, _MOST_SPLATS // splats, _MOST_PIXELS // (width * height)))
        end = first + 1
        while end < min(first + most, len(views)) and (views[end].width, views[end].height) == (width, height):
            end += 1
        yield views[first:end]
        first = end
