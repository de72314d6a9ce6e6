"""Settling: quantization-aware optimization of the values that a decoder will have.

    scene + what a decoder would make of it + pictures of the source -> [optimize] -> scene to encode

Rounding errors of neighbours overlap in the same pixels, so which way a value should round depends on the others. Steps
are those of `optimize.repair`, but pictures and gradients use the decoded values, and updates apply to the values to be
encoded (a straight-through estimate; Bengio et al. 2013): where decoded pictures are too dark, values move until enough
of them round the other way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.cuda_repair import CudaRepair
from splatzip.kernels.device import Engine
from splatzip.kernels.pictures import Targets
from splatzip.optimize import repair
from splatzip.quantize.stepped import Rounding
from splatzip.scene import Camera, Scene

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Options:
    """How long, and how far a step goes.

    Attributes:
        rates: as in repair; a third of its rates.
        every: steps between decodings.
        replan: on a GPU, decodings between sortings of the splats along curves.
    """

    rates: repair.Options = field(
        default_factory=lambda: repair.Options(
            steps=900, position=0.002, log_scale=3.5e-3, rotation=1e-3, opacity_logit=1.75e-2, color=2.6e-3,
            sh=3.5e-4, last=0.05, seed=1,
        )
    )  # fmt: skip
    every: int = 4
    replan: int = 30


def settle(
    scene: Scene,
    decoded: Callable[[Scene], Mapping[str, Floats]],
    cameras: Sequence[Camera],
    targets: Targets,
    options: Options | None = None,
    *,
    weights: Sequence[float] | None = None,
    threads: int = 0,
    device: Engine = "cpu",
    progress: Callable[[float], None] | None = None,
) -> Scene:
    """Move a scene's attributes until their decoded values reproduce the pictures.

    Args:
        scene: N splats.
        decoded: gives the arrays that a decoder would have, row for row. A `Rounding` runs on the values' device.
        cameras, targets, weights: see `repair.repair`.
        options: see `Options`.
        threads: 0 for every core; the result does not depend on it.
        device: what draws, steps and rounds.
        progress: called with the share done.
    Returns: the scene to encode.
    """
    options = options or Options()

    def before_step(step: int, optimizer: repair.Optimizer) -> None:
        if step % options.every:
            return
        if isinstance(optimizer, CudaRepair) and isinstance(decoded, Rounding):
            if step // options.every % options.replan == 0:
                optimizer.plan(decoded.source(scene.edited(**optimizer.geometry())), threads=threads)
            optimizer.show_rounded()
        else:
            optimizer.show(decoded(scene.edited(**optimizer.arrays())))

    return repair.repair(
        scene,
        cameras,
        targets,
        options.rates,
        weights=weights,
        before_step=before_step,
        threads=threads,
        device=device,
        progress=progress,
    )
