"""`GpuScene`: a scene whose arrays are on a GPU."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.kernels.cuda_decode import shared_decoder
from splatzip.scene.attributes import ATTRIBUTES, float_bytes
from splatzip.scene.gaussians import Scene
from splatzip.scene.meta import SceneMeta


class GpuScene:
    """A scene on a GPU: decoded there, or brought there once, and drawn where it lies. It never changes.

    Attributes:
        origin: (3,) float64, what positions are relative to.
        meta: what the file said beside the splats.
        kernel: the arrays, as the kernels know them (`_cuda.DeviceScene`).
    """

    def __init__(self, kernel: Any, *, origin: NDArray[np.float64], meta: SceneMeta) -> None:
        self.kernel, self.origin, self.meta = kernel, origin, meta

    @classmethod
    def of(cls, scene: Scene) -> GpuScene:
        """A copy of a scene's arrays on the GPU.

        Raises: BackendError if there is no GPU, or too little memory on it.
        """
        kernel = shared_decoder().upload(list(scene.arrays().values()))
        return cls(kernel, origin=scene.origin, meta=scene.meta)

    def __len__(self) -> int:
        return int(self.kernel.splats)

    @property
    def sh_degree(self) -> int:
        """0 to 4."""
        return int(self.kernel.sh_degree)

    @property
    def float_bytes(self) -> int:
        """Bytes as a float32 PLY without normals."""
        return float_bytes(len(self), self.sh_degree)

    @cached_property
    def positions(self) -> NDArray[np.float32]:
        """(N, 3), on the host: brought there when they are first asked for."""
        return np.asarray(self.kernel.positions())

    @cached_property
    def log_scales(self) -> NDArray[np.float32]:
        """(N, 3), on the host, likewise."""
        return np.asarray(self.kernel.log_scales())

    @cached_property
    def opacity_logits(self) -> NDArray[np.float32]:
        """(N,), on the host, likewise."""
        return np.asarray(self.kernel.opacity_logits())

    def arrays(self) -> dict[str, Any]:
        """The five attribute arrays by name, where they are; they speak DLPack (`torch.from_dlpack`)."""
        return dict(zip((a.name for a in ATTRIBUTES), self.kernel.arrays(), strict=True))

    def download(self) -> Scene:
        """The scene on the host."""
        arrays = {a.name: np.asarray(array) for a, array in zip(ATTRIBUTES, self.kernel.download(), strict=True)}
        return Scene.of_checked(arrays, origin=self.origin, meta=self.meta)
