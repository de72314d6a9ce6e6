"""A .splatz file of codec COLUMNS becomes a scene on a GPU.

container  ->  [kernels.cuda_decode]  ->  codes there  ->  dequantized there  ->  GpuScene

Bits of floats are decoded to where they are drawn from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from splatzip.container import ContainerFile, Kind
from splatzip.container.layout import FLOAT32
from splatzip.errors import BackendError, FormatError
from splatzip.kernels.code_arrays import ArrayThere, NativeCall
from splatzip.kernels.cuda_decode import REFUSED, shared_decoder
from splatzip.kernels.dequantize import CALLS
from splatzip.scene import SceneMeta
from splatzip.scene.attributes import ATTRIBUTES
from splatzip.scene.on_gpu import GpuScene
from splatzip.stream.columns_decode import (
    Palette,
    Source,
    Tiles,
    decode_scene,
    palette_of,
    read_source,
    tiles_of,
)
from splatzip.stream.columns_layout import Component, Layout, layout_of

_FLOATS = [attribute.name for attribute in ATTRIBUTES]
_BUCKETS = "buckets"  # take what stands above coordinate 0, as an array without a name does of compressed.ply


def decode_scene_on_gpu(file: ContainerFile) -> GpuScene:
    """Decode a file of codec COLUMNS.

    Raises: as `decode_scene`; BackendError if there is no GPU, or too little memory on it.
    """
    plan = None if file.missing or file.shared_payload(Kind.SOURCE) is None else _planned(file)
    if plan is None:
        return GpuScene.of(decode_scene(file, device="cuda"))
    kernel = plan.decode(file)
    if kernel is None:
        decode_scene(file)  # says what is wrong
        raise BackendError(REFUSED)
    meta = SceneMeta.from_stored(file.shared_json(Kind.META))
    return GpuScene(kernel, origin=np.array(file.root.origin), meta=meta)


@dataclass(frozen=True)
class _Plan:
    """What is decoded, into which arrays, and what makes floats of them; no `call`: they are floats."""

    tiles: Tiles
    layout: Layout
    shapes: dict[str, tuple[int, str]]
    call: NativeCall | None
    palette: Palette | None

    def decode(self, file: ContainerFile) -> Any | None:
        """The scene, or None if something is wrong with it."""
        decoder = shared_decoder()
        names, shapes = list(self.shapes), list(self.shapes.values())
        prefix, shift = -1, self.layout.prefix_shift
        if shift is not None:
            prefix = names.index(_BUCKETS) if _BUCKETS in names else len(names)
            shapes += [(1, "uint32")] * (prefix == len(names))
        components = (*self.layout.coordinates, *self.layout.components)
        codes = decoder.columns(
            file.data, self.tiles.spec, self.tiles.tables, self.tiles.tiles,
            [(columns, np.dtype(dtype).itemsize) for columns, dtype in shapes],
            [(names.index(c.array), c.column, c.shift, c.bits, bool(c.fold)) for c in components],
            prefix=(prefix, 32 if shift is None else shift), scene_degree=self.call.sh_degree if self.call else -1,
        )  # fmt: skip
        if codes is None or self.call is None:
            return None if codes is None else decoder.scene_of(codes)
        rows = None
        if (palette := self.palette) is not None:
            targets = [(-1, 0, 0, 1, False)] * 3 + [(0, column, 0, 8, False) for column in palette.columns]
            shape = (palette.shape[1], 1)
            rows = decoder.columns(file.data, palette.spec, palette.tables, palette.tiles, [shape], targets)
            if rows is None:
                return None
        return decoder.dequantized(codes, self.call, prefix=prefix, palette=rows)


def _planned(file: ContainerFile) -> _Plan | None:
    """How a whole file is decoded there; None: something is wrong, and decoding it on the host says what."""
    source = read_source(file)
    try:
        layout = layout_of(source.format, source.version, source.shapes)
    except KeyError:
        return None
    found = tiles_of(file, layout)
    components = (*layout.coordinates, *layout.components)
    is_whole = all(tile.rest for tile in found.tiles) or not any(c.column_input.layer for c in components)
    splats = sum(tile.splats for tile in found.tiles)
    if splats != file.root.splats or not is_whole or not all(_fits(source.shapes, c) for c in components):
        return None
    if source.format == FLOAT32:
        if sorted(source.shapes) != sorted(_FLOATS):
            return None
        return _Plan(found, layout, {name: source.shapes[name] for name in _FLOATS}, None, None)
    try:
        palette = palette_of(file) if "labels" in source.shapes else None
        call = _call(source, splats, palette)
    except FormatError:
        return None
    return _Plan(found, layout, source.shapes, call, palette)


def _call(source: Source, splats: int, palette: Palette | None) -> NativeCall:
    codes = {
        name: ArrayThere(place, (splats, columns), np.dtype(dtype))
        for place, (name, (columns, dtype)) in enumerate(source.shapes.items())
    }
    tables: dict[str, Any] = dict(source.tables)
    if palette is not None:
        tables["palette"] = ArrayThere(0, palette.shape, np.dtype(np.uint8))
    return CALLS[source.format](source.version, codes, tables, source.header)  # type: ignore[arg-type]


def _fits(shapes: Mapping[str, tuple[int, str]], component: Component) -> bool:
    columns, dtype = shapes.get(component.array, (0, "uint8"))
    return component.column < columns and component.shift + component.bits <= 8 * np.dtype(dtype).itemsize
