"""Adam steps towards pictures on a GPU (cuda/repair.h): values, pictures and what values are rounded to stay there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from splatzip.errors import BackendError
from splatzip.kernels.device import Engine, make_core
from splatzip.kernels.pictures import StoredPictures, Targets
from splatzip.kernels.rasterize import ATTRIBUTE_NAMES, Floats, in_order
from splatzip.kernels.repair import Rates
from splatzip.kernels.stepped import Source
from splatzip.kernels.view import View


class CudaRepair:
    """As NativeRepair, with the kernels for GPUs; `engine` says what runs them.

    Raises: BackendError if there is no GPU, or too little memory.
    """

    def __init__(self, arrays: Mapping[str, Floats], targets: Targets, *, engine: Engine) -> None:
        self._core = make_core(engine, "repair")
        self._shape = arrays["sh"].shape
        self._steps = 0
        self._call("begin", in_order(arrays))
        stored = StoredPictures.of(targets, self._core.make_pictures)
        self._call("set_targets", stored.core, list(stored.which))

    def show(self, arrays: Mapping[str, Floats]) -> None:
        """See NativeRepair."""
        self._call("show", in_order(arrays))

    def plan(self, source: Source, *, threads: int) -> None:
        """From now on `show_rounded` rounds as this says; its arrays fix the grids and the order of splats."""
        self._call("plan", source, threads)

    def show_rounded(self) -> None:
        """Draw, and take gradients, with what a decoder would have of the values as they are now."""
        self._call("show_rounded")

    def step(self, view: View, target: int, rates: Rates) -> None:
        """See NativeRepair; nothing waits for the step to be done."""
        self._steps += 1
        self._call("step", view, target, np.array(rates, np.float32), self._steps)

    def arrays(self) -> dict[str, Floats]:
        """The five attribute arrays as they are now."""
        return self._read(rounded=False)

    def geometry(self) -> dict[str, Floats]:
        """Of these, what `plan` looks at: positions, log_scales, opacity_logits."""
        names = ("positions", "log_scales", "opacity_logits")
        return dict(zip(names, self._call("read_geometry", self._shape[0]), strict=True))

    def rounded(self) -> dict[str, Floats]:
        """What a decoder would have of them."""
        return self._read(rounded=True)

    def _read(self, *, rounded: bool) -> dict[str, Floats]:
        return dict(zip(ATTRIBUTE_NAMES, self._call("read", *self._shape[:2], rounded), strict=True))

    def _call(self, name: str, *arguments: Any) -> Any:
        try:
            return getattr(self._core, name)(*arguments)
        except RuntimeError as problem:
            raise BackendError(f"device cuda: {problem}; use device cpu") from None
