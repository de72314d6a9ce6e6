"""Decoding on a GPU (cuda/decode.h): the bits of the CPU's decoders, the arrays on the device."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import STATUS, BackendError
from splatzip.kernels.device import require_cuda
from splatzip.kernels.stepped import ChunkPlace, Floats, decode_stepped, places_of

REFUSED = "device cuda: the GPU refused a file that is whole; use device cpu, and please report it"


class GpuDecoder:
    """Decodes one file after the other; memory on the device is kept. Calls from several threads wait for each other.

    Args:
        core: what decodes; None is the GPU's. Tests give the emulation.
    Raises: BackendError if CUDA was not built or there is no GPU.
    """

    def __init__(self, *, core: Any = None) -> None:
        self._core = require_cuda().make_decoder() if core is None else core
        self._lock = threading.Lock()

    def stepped(
        self, file: memoryview, params: bytes, books: Sequence[bytes], tables: Sequence[bytes],
        chunks: Sequence[ChunkPlace],
    ) -> Any | None:  # fmt: skip
        """Decode chunks to a `_cuda.DeviceScene`; None if there is something wrong with them.

        Raises: BackendError if there is too little memory.
        """
        data = np.frombuffer(file, np.uint8)
        with self._lock:
            scene, status, why = self._core.decode_stepped(data, params, list(books), list(tables), places_of(chunks))
        _raise_lack(status, why)
        return scene

    def forget(self) -> None:
        """Give back the memory that is kept."""
        with self._lock:
            self._core.forget()


def _raise_lack(status: int, why: str) -> None:
    if status != 0 and STATUS[status] is BackendError:
        raise BackendError(f"device cuda: {why}; use device cpu")


_shared: list[GpuDecoder] = []
_shared_lock = threading.Lock()


def shared_decoder() -> GpuDecoder:
    """The decoder of this process.

    Raises: BackendError if there is no GPU.
    """
    require_cuda()
    with _shared_lock:
        if not _shared:
            _shared.append(GpuDecoder())
        return _shared[0]


def decode_stepped_on_gpu(
    file: memoryview, params: bytes, books: Sequence[bytes], tables: Sequence[bytes], chunks: Sequence[ChunkPlace],
    splats: int, threads: int,
) -> list[Floats] | tuple[type[Exception], int]:  # fmt: skip
    """As decode_stepped, on a GPU, and back to the host. What it refuses the CPU decodes, which says what is wrong.

    Raises: BackendError if there is no GPU, too little memory, or the GPU refuses what the CPU does not.
    """
    scene = shared_decoder().stepped(file, params, books, tables, chunks)
    if scene is not None:
        return [np.asarray(a) for a in scene.download()]
    decoded = decode_stepped(file, params, books, tables, chunks, splats, threads)
    if not isinstance(decoded, tuple):
        raise BackendError(REFUSED)
    return decoded


def pinned(size_bytes: int) -> NDArray[np.uint8] | None:
    """Memory of the host that a GPU reads by itself; None if there is not so much."""
    memory: NDArray[np.uint8] | None = require_cuda().pinned(size_bytes)
    return memory
