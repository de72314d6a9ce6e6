"""Decoding on a GPU (cuda/decode.h): the bits of the CPU's decoders, the arrays on the device."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import STATUS, BackendError
from splatzip.kernels.code_arrays import ArrayThere, NativeCall
from splatzip.kernels.columns import BadColumns, ColumnsTile, ColumnTarget, Integers, decode_columns
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

    def columns(
        self, file: memoryview, spec: bytes, tables: Sequence[bytes], tiles: Sequence[ColumnsTile],
        shapes: Sequence[tuple[int, int]], targets: Sequence[tuple[int, int, int, int, bool]], *,
        prefix: tuple[int, int] = (-1, 32), scene_degree: int = -1,
    ) -> Any | None:  # fmt: skip
        """Decode tiles to `_cuda.DeviceCodes`; None if there is something wrong with them.

        Of the file only what is between the first of the tiles and the last is uploaded.

        Args:
            shapes: columns and bytes of an item of each array of codes.
            targets: array, column, shift, bits and folded of the coordinates, then of the components; array -1: none.
            prefix: the array of one column of uint32 that takes what coordinate 0 holds, from which bit on.
            scene_degree: SH degree of the scene that `scene_of` makes of quantized codes; what it takes must fit, too.
        Raises: BackendError if there is too little memory.
        """
        spans = [span for t in tiles for span in (t.geometry, t.rest) if span]
        first, end = min(at for at, _ in spans), max(at + size for at, size in spans)
        places = [
            (t.splats, t.geometry[0] - first, t.geometry[1], *((t.rest[0] - first, t.rest[1]) if t.rest else (0, 0)))
            for t in tiles
        ]
        data = np.frombuffer(file[first:end], np.uint8)
        with self._lock:
            codes, status, why = self._core.decode_columns(
                data, spec, list(tables), places, list(shapes), list(targets), *prefix, scene_degree
            )
        _raise_lack(status, why)
        return codes

    def upload(self, arrays: Sequence[Floats]) -> Any:
        """The five arrays of a scene as a `_cuda.DeviceScene`.

        Raises: BackendError if there is too little memory.
        """
        with self._lock:
            scene, status, why = self._core.upload_scene(arrays)
        _raise_lack(status, why)
        return scene

    def scene_of(self, codes: Any) -> Any | None:
        """Turn codes that are bits of floats into a `_cuda.DeviceScene`, in place; None if it would not be valid."""
        with self._lock:
            scene, status, why = self._core.become_scene(codes)
        _raise_lack(status, why)
        return scene

    def dequantized(self, codes: Any, call: NativeCall, *, prefix: int, palette: Any = None) -> Any | None:
        """The `_cuda.DeviceScene` that codes of a quantized source stand for; None if it would not be valid.

        Args:
            call: what the CPU's dequantizer would take, the codes as `ArrayThere`.
            prefix: the array in whose order rows of the scene are, or -1.
            palette: `_cuda.DeviceCodes` of a SOG palette.
        Raises: BackendError if there is too little memory.
        """
        places = [array.place if isinstance(array, ArrayThere) else -1 for array in call.codes]
        rest = (palette, *call.rest) if call.name == "sog" else call.rest
        with self._lock:
            scene, status, why = getattr(self._core, f"dequantize_{call.name}")(codes, places, prefix, *rest)
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


def decode_columns_on_gpu(
    data: memoryview, spec: bytes, tables: Sequence[bytes], tiles: Sequence[ColumnsTile],
    coordinates: Sequence[ColumnTarget | None], components: Sequence[ColumnTarget],
    *, prefix: tuple[int, Integers] | None = None, forget: bool = False, threads: int = 0,
) -> BadColumns | None:  # fmt: skip
    """As decode_columns, on a GPU, and back to the host. What it refuses the CPU decodes, which says what is wrong.

    Raises: BackendError if there is no GPU, too little memory, or the GPU refuses what the CPU does not.
    """
    arrays: list[NDArray[Any]] = []
    places: dict[int, int] = {}
    for target in (*coordinates, *components):
        if target is not None and id(target.array) not in places:
            places[id(target.array)] = len(arrays)
            arrays.append(target.array)
    targets = [
        (-1, 0, 0, 1, False) if t is None else (places[id(t.array)], t.column, t.shift, t.bits, t.folded)
        for t in (*coordinates, *components)
    ]
    if prefix:
        arrays.append(prefix[1][:, None])
    codes = shared_decoder().columns(
        data, spec, tables, tiles, [(array.shape[1], array.itemsize) for array in arrays], targets,
        prefix=(len(arrays) - 1, prefix[0]) if prefix else (-1, 32),
    )  # fmt: skip
    if codes is None:
        wrong = decode_columns(
            data, spec, tables, tiles, coordinates, components, prefix=prefix, forget=forget, threads=threads
        )
        if wrong is None:
            raise BackendError(REFUSED)
        return wrong
    for place, array in enumerate(arrays):
        codes.download(place, array)
    return None


def read_pinned(path: Path) -> memoryview:
    """A file's bytes, in pinned memory, which a GPU reads by itself; in ordinary memory where there is too little."""
    with path.open("rb") as file:
        memory = require_cuda().pinned(os.fstat(file.fileno()).st_size)
        if memory is None:
            return memoryview(file.read())
        got = file.readinto(memory)
        return memoryview(memory)[:got]
