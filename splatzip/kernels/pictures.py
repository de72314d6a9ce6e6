"""Pictures that others are compared with: arrays of the host, or stored on a GPU (cuda/pictures.h)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import BackendError

HostPictures = Sequence[NDArray[np.floating[Any]]]  # (H, W, 3) each, of any precision


class StoredPictures:
    """V pictures (H, W, 3) on a GPU, as 16-bit floats; slices are of the same memory."""

    def __init__(self, core: Any, which: Sequence[int] | None = None) -> None:
        self.core, self.which = core, range(len(core)) if which is None else which

    @classmethod
    def of(cls, pictures: Targets, make: Callable[[], Any]) -> StoredPictures:
        """Pictures on a GPU: the same if they are there, else copies in what `make` makes.

        Raises: BackendError if memory is short.
        """
        if isinstance(pictures, StoredPictures):
            return pictures
        stored = cls(make())
        stored.which = stored._added(pictures)
        return stored

    def _added(self, pictures: Iterable[NDArray[np.floating[Any]]]) -> range:
        """The numbers that copies of these have there."""
        first = len(self.core)
        try:
            for picture in pictures:
                self.core.add(np.ascontiguousarray(picture, np.float32))
        except RuntimeError as problem:
            raise BackendError(f"device cuda: {problem}; use device cpu") from None
        return range(first, len(self.core))

    def __len__(self) -> int:
        return len(self.which)

    def __getitem__(self, some: slice) -> StoredPictures:
        return StoredPictures(self.core, self.which[some])

    def beginning_with(self, pictures: Iterable[NDArray[np.floating[Any]]]) -> StoredPictures:
        """See the function of this name."""
        added = self._added(pictures)
        return StoredPictures(self.core, [*added, *self.which[len(added) :]])


Targets = HostPictures | StoredPictures


def beginning_with(pictures: Iterable[NDArray[np.floating[Any]]], targets: Targets) -> Targets:
    """The same targets, but the first of them are these pictures, in the precision of what they replace.

    Raises: BackendError if a GPU's memory is short.
    """
    if isinstance(targets, StoredPictures):
        return targets.beginning_with(pictures)
    first = [one.astype(other.dtype) for one, other in zip(pictures, targets, strict=False)]  # one held at a time
    return [*first, *targets[len(first) :]]


def shapes(pictures: Targets) -> list[tuple[int, ...]]:
    """(H, W, 3) of each."""
    if isinstance(pictures, StoredPictures):
        return [(*pictures.core.size(number), 3) for number in pictures.which]
    return [picture.shape for picture in pictures]
