"""SH of a lower degree, as close to the source as possible from where each splat is actually seen.

    scene + moments -> [distill] -> scene, degree of each splat

Truncation is best for a splat seen from all directions, over which the basis functions are orthogonal. Cameras see a
splat from a few sides, where the lower degrees can stand in for the higher ones: weighted least squares over the
pixels, whose moments are the colour curvature of `raster.score`. A floor of uniform moments keeps the colour sane where
no camera looked from. The moments ignore that colour is clamped at 0, and that neighbours hide each other's errors.
Native: native/src/distill.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import SceneError
from splatzip.kernels.distill import distill_errors, distilled
from splatzip.scene import Scene
from splatzip.scene.attributes import INVISIBLE_LOGIT, sh_rest_count
from splatzip.scene.sh import sh_of_degree

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Options:
    """Which degrees to keep: by the first of `degree`, `price` and `coefficients` that is given.

    Attributes:
        degree: of all splats; the scene has no coefficients above it.
        price: a degree stays where each of its coefficients (three channels) saves at least as much squared change of
            the pictures that the moments are of.
        coefficients: mean number a splat keeps above degree 0, at most; the price that comes closest is found.
        floor: weight of a view from all directions, as a share of the weight of the views. More is better off the
            camera path and worse along it: 0.02 to 0.05 costs test views 0.2 to 0.9 dB and gains up to 0.8 on orbits.
        keep_unseen: visible splats that no view sees keep their degree, where it is by price; they count in the mean.
    """

    degree: int | None = None
    price: float | None = None
    coefficients: float = 6.0
    floor: float = 0.04
    keep_unseen: bool = True


class Distilled(NamedTuple):
    """A scene and the degree of each of its splats.

    Attributes:
        scene: with a degree for all: of that degree; else of the source's, zeros above each splat's own.
        degrees: (N,) uint8.
    """

    scene: Scene
    degrees: NDArray[np.uint8]


def distill(scene: Scene, moments: Floats, options: Options | None = None, *, threads: int = 0) -> Distilled:
    """Lower the SH degree of splats.

    Args:
        scene: N splats of 1+B SH coefficients.
        moments: (N, (1+B)(2+B)/2), `color_curvature` of the scene's scores.
        options: see `Options`.
        threads: 0 for every core; the result does not depend on it.
    Returns: a scene that differs only in SH, and the degrees. A degree is never raised.
    Raises: SceneError if the moments are not of such a scene.
    """
    options = options or Options()
    count = scene.sh.shape[1]
    if moments.shape != (len(scene), count * (count + 1) // 2):
        raise SceneError(f"moments of shape {moments.shape} are not of {len(scene)} splats with {count} coefficients")
    if options.degree is not None:
        lowest = min(options.degree, scene.sh_degree)
        degrees = np.full(len(scene), lowest, np.uint8)
    else:
        degrees = _degrees(scene, moments, options, threads)
        lowest = scene.sh_degree
    sh = distilled(scene.sh, moments, degrees, floor=options.floor, threads=threads)
    return Distilled(scene.edited(sh=sh[:, : 1 + sh_rest_count(lowest)]), degrees)


def truncated(scene: Scene, degree: int) -> Scene:
    """A scene of at most `degree`, for unknown views: over all directions, truncation is best."""
    return scene if degree >= scene.sh_degree else scene.edited(sh=sh_of_degree(scene.sh, degree))


def _degrees(scene: Scene, moments: Floats, options: Options, threads: int) -> NDArray[np.uint8]:
    worth = _worth(distill_errors(scene.sh, moments, floor=options.floor, threads=threads))
    if options.keep_unseen:
        worth[(moments[:, 0] == 0) & (scene.opacity_logits > INVISIBLE_LOGIT)] = np.inf
    price = options.price
    if price is None:
        price = _price_of(worth, options.coefficients * len(scene))
    return np.asarray((worth > price).sum(1), np.uint8)


def _worth(errors: Floats) -> Floats:
    """(N, D) the price of a coefficient up to which a splat reaches degree 1, 2, ..., D; never rises with the degree.

    At price p a splat takes the degree d with the least errors[d] + p * counts[d]. That is `degree` or more as long as
    one of those beats each lower one.
    """
    counts = [sh_rest_count(degree) for degree in range(errors.shape[1])]
    worth = np.zeros((len(errors), errors.shape[1] - 1), np.float32)
    for degree in range(1, len(counts)):
        for high in range(degree, len(counts)):
            beats = np.full(len(errors), np.inf, np.float32)
            for low in range(degree):
                saved = (errors[:, low] - errors[:, high]) / np.float32(counts[high] - counts[low])
                np.minimum(beats, saved, out=beats)
            np.maximum(worth[:, degree - 1], beats, out=worth[:, degree - 1])
    return worth


def _price_of(worth: Floats, coefficients: float) -> float:
    """The least price at which at most so many coefficients stay, all splats together."""
    order = np.argsort(-worth, axis=None, kind="stable")
    sizes = np.array([2 * degree + 1 for degree in range(1, worth.shape[1] + 1)])
    kept = np.cumsum(np.broadcast_to(sizes, worth.shape).reshape(-1)[order])
    fit = int(np.searchsorted(kept, coefficients, side="right"))
    # Unseen splats keep theirs, even where they alone are too many.
    return min(float(worth.reshape(-1)[order[fit]]), float(np.finfo(np.float32).max)) if fit < len(order) else 0.0
