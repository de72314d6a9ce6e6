"""A .splatz file of codec COLUMNS becomes a scene on a GPU.

Bits of floats are decoded to where they are drawn from. Codes of a quantized source become floats on the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from splatzip.container import ContainerFile, Kind
from splatzip.errors import BackendError
from splatzip.kernels.cuda_decode import REFUSED, shared_decoder
from splatzip.scene import SceneMeta
from splatzip.scene.attributes import ATTRIBUTES
from splatzip.scene.on_gpu import GpuScene
from splatzip.stream.columns_decode import FLOAT32, decode_scene, read_source, tiles_of
from splatzip.stream.columns_layout import Component, layout_of

_NAMES = [attribute.name for attribute in ATTRIBUTES]


def decode_scene_on_gpu(file: ContainerFile) -> GpuScene:
    """Decode a file of codec COLUMNS.

    Raises: as `decode_scene`; BackendError if there is no GPU, or too little memory on it.
    """
    kernel = _float_scene(file)
    if kernel is None:
        return GpuScene.of(decode_scene(file, device="cuda"))
    meta = SceneMeta.from_stored(file.shared_json(Kind.META))
    return GpuScene(kernel, origin=np.array(file.root.origin), meta=meta)


def _float_scene(file: ContainerFile) -> Any | None:
    """The arrays of a whole float scene; None: it is another one, or whoever decodes it on the host says why."""
    if file.missing or file.shared_payload(Kind.SOURCE) is None:
        return None
    source = read_source(file)
    if source.format != FLOAT32 or sorted(source.shapes) != sorted(_NAMES):
        return None
    layout = layout_of(source.format, source.version, source.shapes)
    found = tiles_of(file, layout)
    components = (*layout.coordinates, *layout.components)
    is_whole = all(tile.rest for tile in found.tiles) or not any(c.column_input.layer for c in components)
    splats = sum(tile.splats for tile in found.tiles)
    if splats != file.root.splats or not is_whole or not all(_fits(source.shapes, c) for c in components):
        return None
    decoder = shared_decoder()
    codes = decoder.columns(
        file.data, found.spec, found.tables, found.tiles, [(source.shapes[name][0], 4) for name in _NAMES],
        [(_NAMES.index(c.array), c.column, c.shift, c.bits, bool(c.fold)) for c in components],
    )  # fmt: skip
    kernel = None if codes is None else decoder.scene_of(codes)
    if kernel is None:
        decode_scene(file)  # says what is wrong
        raise BackendError(REFUSED)
    return kernel


def _fits(shapes: Mapping[str, tuple[int, str]], component: Component) -> bool:
    columns, dtype = shapes[component.array]
    return dtype == "uint32" and component.column < columns
