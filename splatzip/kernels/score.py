"""The native score passes: what each splat did to pictures, summed up over views where the splats are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip import _core
from splatzip.kernels.rasterize import Floats, NativeRasterizer, too_many_entries
from splatzip.kernels.view import View


class NativeScores:
    """Sums over views of one scene; float32."""

    def __init__(
        self, splats: int, sh_degree: int, *, removal: bool, geometry_curvature: bool, color_curvature: bool,
        directions: bool, transmittance: bool, threads: int,
    ) -> None:  # fmt: skip
        kinds = (removal, geometry_curvature, color_curvature, directions, transmittance)
        self._core = _core.Scores()
        self._core.begin(splats, sh_degree, *kinds, threads)

    def add(self, rasterizer: NativeRasterizer, view: View, *, view_weight: float, floor: float, threads: int) -> None:
        """Draw the rasterizer's scene and add what the picture says.

        Args:
            view_weight: factor of every sum.
            floor: added to the squared contrast in the curvature of geometry.
        """
        with rasterizer.borrowed() as core:
            added = self._core.add(core, view, view_weight, floor, threads)
        if not added:
            raise too_many_entries(view)

    def read(self, *, threads: int) -> dict[str, NDArray[Any]]:
        """(N, ...) arrays by name, those that were asked for."""
        return {name: np.asarray(array) for name, array in self._core.read(threads).items()}

    def read_weight(self, *, threads: int) -> Floats:
        """(N,) the sums of weights alone."""
        return np.asarray(self._core.read_weight(threads))
