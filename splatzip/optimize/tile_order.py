"""Which tiles of the last tier come first: those that are missed most while absent.

    decoded scene, its file, views, their pictures -> [optimize] -> tiles in order

Half a file shows half of these tiles in full, and stand-ins for the others; which half is free to choose. With many
tiles, each is a small part of the picture, and the encoder's order from the middle of the scene outwards is good
enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatzip.container import ContainerFile
from splatzip.kernels.device import Engine
from splatzip.kernels.pictures import Targets
from splatzip.raster.rasterize import precise_renderer
from splatzip.scene import Camera, Scene
from splatzip.stream.compensation import compensated
from splatzip.views.collection import evenly

Floats = NDArray[np.float32]
_INVISIBLE = -100.0  # opacity logit


@dataclass(frozen=True)
class Options:
    """How much is measured.

    Attributes:
        views: about this many, evenly taken from all, are drawn for each tile.
        most_tiles: with more tiles, the order is kept.
    """

    views: int = 10
    most_tiles: int = 40


def most_missed_first(
    scene: Scene, file: ContainerFile, cameras: Sequence[Camera], targets: Targets,
    options: Options | None = None, *, threads: int = 0, device: Engine = "cpu",
) -> list[int]:  # fmt: skip
    """The tiles of the last tier, by how much pictures change without each, per byte.

    Args:
        scene: what the file decodes to; its tiers have tiles of their own.
        cameras, targets: V views and pictures of the whole scene, (H, W, 3).
        threads: 0 for every core; the result does not depend on it.
        device: what draws.
    Returns: all tiles of the tier; none where the order may stay as it is.
    """
    options = options or Options()
    runs = sorted((run for run in file.runs if run.entry.layer == 0), key=lambda run: run.entry.tier)
    last, chunks = len(runs) - 1, runs[-1].chunks
    if last == 0 or not 1 < len(chunks) <= options.most_tiles:
        return []
    some = evenly(len(cameras), options.views)
    cameras, targets = cameras[some], targets[some]
    keys = [(tier, chunk.tile, chunk.splats) for tier, run in enumerate(runs) for chunk in run.chunks]
    tiers = np.concatenate([np.full(splats, tier) for tier, _, splats in keys])
    tiles = np.concatenate([np.full(splats, tile) for _, tile, splats in keys])
    there = {(tier, tile) for tier, tile, _ in keys}

    def error_without(tile: int) -> float:
        part = compensated(scene, file, tiers, there - {(last, tile)})
        gone = (tiers == last) & (tiles == tile)
        logits = np.where(gone, np.float32(_INVISIBLE), part.opacity_logits)
        part = part.edited(opacity_logits=logits)
        return sum(precise_renderer(part, threads=threads, device=device).errors(cameras, targets))

    missed = {chunk.tile: error_without(chunk.tile) / chunk.size for chunk in chunks}
    return sorted(missed, key=lambda tile: (-missed[tile], tile))
