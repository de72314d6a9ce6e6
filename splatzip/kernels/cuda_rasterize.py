"""The rasterizer for GPUs (cuda/raster.h): batches of pictures of one scene."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import BackendError
from splatzip.kernels.device import require_cuda
from splatzip.kernels.pictures import StoredPictures
from splatzip.kernels.rasterize import ATTRIBUTE_NAMES, Floats, in_order
from splatzip.kernels.view import View


class BatchCounts(NamedTuple):
    """What a batch of pictures was about: groups of 32 splats there are and are seen, splats seen, entries of tiles."""

    groups: int
    seen_groups: int
    seen: int
    entries: int


class CudaRasterizer:
    """Draws one scene again and again, on a GPU. Calls from several threads wait for each other.

    Args:
        precise: keep everything in float32, as gradients and scores need it; else SH, colours and opacities are 16-bit
            floats, which costs less than 60 dB shows.
        stream: address of the cudaStream_t that work is queued on; 0 is the default one.
        core: what draws; None is the GPU's. Tests give the emulation.
    Raises: BackendError if CUDA was not built or there is no GPU.
    """

    def __init__(self, *, precise: bool = False, stream: int = 0, core: Any = None) -> None:
        self._core = require_cuda().make_raster(precise, stream) if core is None else core
        self._lock = threading.Lock()

    def set_scene(self, arrays: Mapping[str, Floats]) -> None:
        """Take a copy of the five attribute arrays of a Scene.

        Raises: BackendError if memory is short; then there is no scene, and nothing is drawn until there is one.
        """
        self._call("set_scene", in_order(arrays))

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Keep these rows of the scene and drop the others; nothing else is uploaded again.

        Raises: BackendError if memory is short: for a moment both scenes are there.
        """
        self._call("keep", np.ascontiguousarray(rows, np.uint32))

    def render(
        self, views: Sequence[View], *, alpha: bool = True, depth: bool, keep: bool = False
    ) -> tuple[Floats, Floats | None, Floats | None]:
        """Draw a batch of V views.

        Args:
            views: of one size, background and extent.
            keep: gradients of these pictures may be asked for.
        Returns: colour (V, H, W, 3), alpha (V, H, W) or None, expected depth (V, H, W) or None.
        Raises: BackendError if memory is short or splats lie on too many tiles.
        """
        color, alphas, depths = self._call("render", views, alpha, depth, keep)
        return color, alphas, depths

    def render_bytes(self, views: Sequence[View]) -> NDArray[np.uint8]:
        """Colours as `render` has them, (V, H, W, 3), cut to 0..1, in 255ths; nothing else comes to the host."""
        found: NDArray[np.uint8] = self._call("render_bytes", views)
        return found

    def store(self, views: Sequence[View], *, to: Any) -> None:
        """Colours as `render` has them, V more in what make_pictures made: they stay on the GPU, to compare with."""
        self._call("store", views, to)

    def compare(self, views: Sequence[View], targets: StoredPictures) -> NDArray[np.float64]:
        """(V,) squared differences of the colours from V targets, summed where they are drawn."""
        found: NDArray[np.float64] = self._call("compare", views, targets.core, list(targets.which))
        return found

    def make_pictures(self) -> Any:
        """No pictures yet, in the same memory: see `store` and `StoredPictures`."""
        return self._call("make_pictures")

    def backward(self, color: Floats, alpha: Floats | None = None) -> tuple[dict[str, Floats], Floats]:
        """Gradients of a loss of the last pictures, which were kept.

        Args:
            color: (V, H, W, 3), the loss's gradient to the colour; alpha: (V, H, W), that to the alpha.
        Returns: gradients by attribute, 0 where a splat was not seen; that of the background (3,).
        Raises: BackendError if no picture was kept.
        """
        no_alpha = np.zeros((0, 0, 0), np.float32)
        found, background = self._call(
            "backward",
            np.ascontiguousarray(color, np.float32),
            no_alpha if alpha is None else np.ascontiguousarray(alpha, np.float32),
        )
        return dict(zip(ATTRIBUTE_NAMES, found, strict=True)), background

    def set_scene_at(self, addresses: Sequence[int], splats: int, sh_degree: int) -> None:
        """`set_scene` of contiguous float32 arrays on the GPU; they may change once the work that is queued is done."""
        self._call("set_scene_at", tuple(addresses), splats, sh_degree)

    def render_at(self, view: View, *, keep: bool, color: int, alpha: int) -> None:
        """Draw one view to arrays on the GPU, (H, W, 3) and (H, W)."""
        self._call("render_at", [view], keep, color, alpha, 0)

    def backward_at(self, color: int, alpha: int, gradients: Sequence[int], background: int) -> None:
        """`backward` between arrays on the GPU; all of the five gradients and of the background's is written."""
        self._call("backward_at", color, alpha, tuple(gradients), background)

    def count(self) -> BatchCounts:
        """What the last batch was about, once it is drawn."""
        return BatchCounts(*self._call("count"))

    def begin_scores(
        self, *, removal: bool, geometry_curvature: bool, color_curvature: bool, directions: bool, transmittance: bool
    ) -> None:
        """Sums over views, all zero: what splatzip.raster.score.Scores tells of them."""
        self._call("begin_scores", removal, geometry_curvature, color_curvature, directions, transmittance)

    def add_scores(self, views: Sequence[View], *, view_weights: Sequence[float], floor: float) -> None:
        """Draw a batch of V views and add what each says: the sums of NativeScores.add, view after view."""
        self._call("add_scores", views, np.array(view_weights, np.float32), floor)

    def read_scores(self) -> dict[str, NDArray[Any]]:
        """(N, ...) arrays by name, those that were asked for."""
        found: dict[str, NDArray[Any]] = self._call("read_scores")
        return found

    def begin_covers(self, matters: NDArray[np.bool_]) -> None:
        """Nothing is covered; covers are of the view whose scores were begun and added last (cuda/raster_cover.h).

        Args:
            matters: (N,) which splats may not be missed.
        Raises: BackendError if memory is short, here or for a candidate.
        """
        self._call("begin_covers", np.ascontiguousarray(matters).view(np.uint8))

    def take_cover(self) -> None:
        """That view is taken anyway."""
        self._call("take_cover")

    def add_candidate(self) -> None:
        """It is a candidate: they are counted from 0."""
        self._call("add_candidate")

    def count_new(self) -> int:
        """How many splats that matter it covers, and no view before."""
        return int(self._call("count_new"))

    def read_missing(self) -> NDArray[np.bool_]:
        """(N,) those that matter and that nothing covers yet."""
        found: NDArray[np.uint8] = self._call("read_missing")
        return found.view(np.bool_)

    def gain(self, candidate: int) -> float:
        """What a candidate adds to the sum of the square roots of what was taken."""
        return float(self._call("gain", candidate))

    def take_candidate(self, candidate: int) -> None:
        """It is taken, too."""
        self._call("take_candidate", candidate)

    def _call(self, name: str, *arguments: Any) -> Any:
        try:
            with self._lock:
                return getattr(self._core, name)(*arguments)
        except RuntimeError as problem:
            raise BackendError(f"device cuda: {problem}") from None
