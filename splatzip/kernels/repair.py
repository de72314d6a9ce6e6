"""Adam steps towards pictures, in native code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from splatzip import _core
from splatzip.errors import BackendError
from splatzip.kernels.pictures import HostPictures
from splatzip.kernels.rasterize import ATTRIBUTE_NAMES, Floats, in_order
from splatzip.kernels.view import View


class Rates(NamedTuple):
    """How far a step moves a value whose gradient always points one way; positions in sizes of the splat.

    small: differences of pictures up to here count by their square, larger ones by their size.
    """

    position: float
    log_scale: float
    rotation: float
    opacity_logit: float
    color: float
    sh: float
    small: float


class NativeRepair:
    """Attributes on their way from a scene's arrays towards pictures, (H, W, 3) each."""

    def __init__(self, arrays: Mapping[str, Floats], targets: HostPictures, *, threads: int = 0) -> None:
        self._core, self._targets, self._threads = _core.Repair(), targets, threads
        self._shapes = {name: arrays[name].shape for name in ATTRIBUTE_NAMES}
        self._steps = 0
        self._core.begin(in_order(arrays), threads)

    def show(self, arrays: Mapping[str, Floats]) -> None:
        """From now on draw these values and take gradients with them: what a decoder would have of the moving ones.

        Args:
            arrays: of the same shapes, row for row.
        """
        self._core.show(in_order(arrays), self._threads)

    def step(self, view: View, target: int, rates: Rates) -> float:
        """One step towards picture number `target`, of the view's size.

        Returns: the mean absolute difference before the step.
        """
        self._steps += 1
        picture = np.ascontiguousarray(self._targets[target], np.float32)
        loss = self._core.step(view, picture, np.array(rates, np.float32), self._steps, self._threads)
        if loss < 0:
            raise BackendError("too many splats on too many tiles; repair at a smaller size")
        return float(loss)

    def arrays(self) -> dict[str, Floats]:
        """The five attribute arrays as they are now."""
        out = {name: np.empty(shape, np.float32) for name, shape in self._shapes.items()}
        self._core.read(list(out.values()), self._threads)
        return out
