"""Given views: which frames of a capture an encoder fits to, and which it measures with.

Nothing is fitted to test frames, whoever has loaded them; what is fitted to does not measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from splatzip.errors import ViewsError
from splatzip.views.collection import Views

_MEASURED_EVERY = 8  # of the training frames


def training_views(views: str | Path | Views, *, photos: bool) -> Views:
    """The training frames of a capture.

    Raises: ViewsError, OSError; ViewsError if there are test frames alone.
    """
    if not isinstance(views, Views):
        return Views.load(views, split="train", photos=photos)
    kept = [n for n, camera in enumerate(views.cameras) if camera.name not in views.test or camera.name in views.train]
    if not kept:
        raise ViewsError('nothing is fitted to test views; take Views.load(..., split="train")')
    return _taken(views if photos else replace(views, photos=None), kept)


def fitted_and_measured(views: str | Path | Views, *, learn: bool, measure: bool) -> tuple[Views, Views | None]:
    """The training frames of a capture, parted: views to fit to, and views to measure from.

    Of few views all are fitted to, and none are left.

    Args:
        learn: the former with photos.
        measure: the latter with photos.
    Raises: ViewsError, OSError; ViewsError if photos that are asked for are not there.
    """
    train = training_views(views, photos=learn or measure)
    if learn and train.photos is None:
        raise ViewsError(f"{views}: there are no photos to learn from; add them, or drop --photos")
    numbers, measured = range(len(train)), range(0)
    if len(train) > _MEASURED_EVERY:
        measured = numbers[::_MEASURED_EVERY]
    if measure and (not measured or train.photos is None):
        raise ViewsError(
            f"{views}: a loss is measured on photos of more than {_MEASURED_EVERY} training frames; "
            "set a size or a quality instead"
        )
    fitted = _taken(train, [number for number in numbers if number not in measured])
    return fitted if learn else replace(fitted, photos=None), _taken(train, measured) if measured else None


def _taken(views: Views, numbers: Sequence[int]) -> Views:
    photos = None if views.photos is None else tuple(views.photos[number] for number in numbers)
    return replace(views, cameras=tuple(views.cameras[number] for number in numbers), photos=photos)
