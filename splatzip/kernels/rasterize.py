"""The native rasterizer: a prepared scene and the memory of its frames, reused from picture to picture."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip import _core
from splatzip.errors import BackendError, SceneError
from splatzip.kernels.view import View

Floats = NDArray[np.float32]
ATTRIBUTE_NAMES = ("positions", "log_scales", "rotations", "opacity_logits", "sh")  # in the order of native functions


def in_order(arrays: Mapping[str, Floats]) -> list[Floats]:
    """The five attribute arrays as native functions take them."""
    return [np.ascontiguousarray(arrays[name], np.float32) for name in ATTRIBUTE_NAMES]


def too_many_entries(view: View) -> BackendError:
    """What native code says of a picture whose lists of splats by tile are too long."""
    size = f"{view.width}x{view.height} pixels"
    return BackendError(f"{size}: too many splats on too many tiles; draw a smaller picture")


class NativeRasterizer:
    """Draws one scene again and again, on the CPU. Calls from several threads wait for each other."""

    def __init__(self) -> None:
        self._core = _core.Rasterizer()
        self._lock = threading.Lock()
        self._shapes: list[tuple[int, ...]] = []
        self._size = (0, 0)

    @contextmanager
    def borrowed(self) -> Iterator[Any]:
        """The native object, for passes that draw pictures of their own: there is no gradient of the last one then."""
        with self._lock:
            self._size = (0, 0)
            yield self._core

    def set_scene(self, arrays: Mapping[str, Floats], *, threads: int = 0) -> None:
        """Take a copy of the five attribute arrays, laid out for vector code.

        Raises: SceneError if the shapes disagree.
        """
        n, degree = len(arrays["positions"]), int(arrays["sh"].shape[1] ** 0.5) - 1
        shapes = [(n, 3), (n, 3), (n, 4), (n,), (n, (degree + 1) ** 2, 3)]
        if [arrays[name].shape for name in ATTRIBUTE_NAMES] != shapes or not 0 <= degree <= 4:
            found = ", ".join(f"{name} {arrays[name].shape}" for name in ATTRIBUTE_NAMES)
            raise SceneError(f"{n} splats of SH degree {degree} have other shapes than {found}")
        with self._lock:
            self._core.set_scene(in_order(arrays), threads)
            self._shapes, self._size = shapes, (0, 0)

    def render(self, view: View, *, depth: bool, threads: int) -> tuple[Floats, Floats, Floats | None]:
        """Draw the scene.

        Args:
            depth: without it, the third picture is None.
        Returns: colour (H, W, 3), alpha (H, W), expected depth (H, W).
        """
        with self._lock:
            pictures = self._core.render(view, depth, threads)
            self._size = (0, 0) if pictures is None else (view.width, view.height)
        if pictures is None:
            raise too_many_entries(view)
        color, alpha, depths = pictures
        return np.asarray(color), np.asarray(alpha), None if depths is None else np.asarray(depths)

    def backward(
        self, color: Floats, alpha: Floats | None = None, *, out: Mapping[str, Floats] | None = None, threads: int = 0
    ) -> tuple[dict[str, Floats], Floats]:
        """Gradients of a loss of the last picture.

        Args:
            color: (H, W, 3), the loss's gradient to the colour; alpha: (H, W), that to the alpha.
            out: C-contiguous float32 arrays by attribute, all of which is written; None makes new ones.
        Returns: gradients by attribute, 0 where a splat was not seen; that of the background (3,).
        Raises: ValueError if no picture of this size was drawn before, or `out` has other shapes.
        """
        width, height = self._size
        if color.shape != (height, width, 3) or (alpha is not None and alpha.shape != (height, width)):
            raise ValueError(f"gradients of shape {color.shape} for a picture of {width}x{height}")
        if out is None:
            out = {name: np.empty(shape, np.float32) for name, shape in zip(ATTRIBUTE_NAMES, self._shapes, strict=True)}
        if [out[name].shape for name in ATTRIBUTE_NAMES] != self._shapes:
            raise ValueError("`out` needs arrays of the same shapes as the scene's")
        with self._lock:
            background = self._core.backward(
                np.ascontiguousarray(color, np.float32),
                np.zeros((0, 0), np.float32) if alpha is None else np.ascontiguousarray(alpha, np.float32),
                [out[name] for name in ATTRIBUTE_NAMES],
                threads,
            )
        return dict(out), np.asarray(background)
