"""The last step of every reader: decoded arrays become a `Scene`, with or without repair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import SceneError
from splatzip.scene import QuantizedSource, Scene, SceneMeta
from splatzip.scene.gaussians import repaired


def scene_from(
    arrays: Mapping[str, NDArray[np.float32]],
    *,
    repair: bool,
    meta: SceneMeta,
    source: QuantizedSource | None = None,
    origin: ArrayLike = (0.0, 0.0, 0.0),
) -> Scene:
    """Build the scene of a reader.

    Args:
        arrays: the five attribute arrays by name.
        repair: drop the rows that a Scene refuses, counting them in `meta.dropped`; a scene that lost rows also
            loses its `source`, whose codes still have them.
    Raises: SceneError if a row is not valid (without `repair`) or none is.
    """
    if repair:
        arrays, keep, dropped = repaired(arrays)
        if dropped:
            if not keep.any():
                raise SceneError(f"none of the {len(keep)} splats is valid: {dropped}")
            meta, source = replace(meta, dropped=dropped), None
    return Scene(
        positions=arrays["positions"],
        log_scales=arrays["log_scales"],
        rotations=arrays["rotations"],
        opacity_logits=arrays["opacity_logits"],
        sh=arrays["sh"],
        origin=np.asarray(origin, np.float64),
        meta=meta,
        source=source,
    )
