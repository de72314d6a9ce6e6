"""Exact removal: drop what changes the pictures least, look again, drop more.

    scene + cameras -> [prune] -> rows to keep

The score of a splat is the squared change of all pictures if it alone were gone. Neighbours stand in for each other, so
a score holds only as long as few go at once: rounds remove a share each and score what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import ViewsError
from splatzip.raster.score import score
from splatzip.scene import Camera, Scene

_INVISIBLE_LOGIT = -5.5373  # alpha 1/255: below, no renderer draws a splat


@dataclass(frozen=True)
class Options:
    """How many stay.

    Attributes:
        keep: share of the splats that stay, above 0 to 1.
        first_round: share that the first round may remove at once: that much is nearly free.
        round: share of what is left that each later round removes.
        keep_unseen: keep visible splats that no view sees; they count among those that stay.
    """

    keep: float = 0.3
    first_round: float = 0.3
    round: float = 0.2
    keep_unseen: bool = False


def prune(
    scene: Scene, cameras: Sequence[Camera], options: Options | None = None, *, threads: int = 0
) -> NDArray[np.int64]:
    """Choose the splats that stay.

    Args:
        scene: N splats.
        cameras: what has to look the same; their resolution decides how small a splat can matter.
        options: see `Options`.
        threads: 0 for every core; the choice does not depend on it.
    Returns: rows that stay, ascending: `keep` of all, at least one.
    Raises: ViewsError if no view sees a splat.
    """
    options = options or Options()
    target = max(1, round(options.keep * len(scene)))
    rows = np.arange(len(scene))
    share = options.first_round
    while len(rows) > target:
        left = scene.take(rows)
        scores = score(left, cameras, what={"weight", "removal"}, threads=threads)
        assert scores.removal is not None
        if not scores.most_weight.any():
            raise ViewsError("no view sees a splat of the scene: nothing can be said of what may go")
        worth = scores.removal
        if options.keep_unseen:
            hidden = (scores.most_weight == 0) & (left.opacity_logits > _INVISIBLE_LOGIT)
            worth = np.where(hidden, np.float32(np.inf), worth)
        stay = max(target, int(len(rows) * (1 - share)))
        # Stable: of equal worth the lower row stays.
        rows = rows[np.sort(np.argsort(-worth, kind="stable")[:stay])]
        share = options.round
    return rows
