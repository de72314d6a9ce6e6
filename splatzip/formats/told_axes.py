"""Axes that whoever reads a file gives, because the file is not in those of its format and does not say so."""

from __future__ import annotations

from dataclasses import replace

from splatzip.kernels.dequantize_spz import AXES, dequantize_spz
from splatzip.scene import Scene
from splatzip.scene.axes import checked_axes, read_as

# Of four of SPZ's names the reference library turns over y for z, packing and unpacking: what it calls the one is what
# the letters of the other say (FORMAT.md 8.1).
_CALLED = {"LFD": "LBU", "LBU": "LFD", "RFD": "RBU", "RBU": "RFD"}


def told_axes(scene: Scene, axes: str, usual: str) -> Scene:
    """The scene whose file is in `axes`, whatever it says itself.

    Args:
        scene: as its format's reader gave it.
        axes: three letters, as SPZ has them; also those of other orders than SPZ's.
        usual: the axes of files of its format.
    Returns: a scene that keeps the codes of an SPZ, which its decoder turns; of other formats, floats.
    Raises: SceneError if the letters are no axes.
    """
    axes = checked_axes(axes)
    source = scene.source
    if source is not None and source.format == "spz" and axes in AXES:
        source = replace(source, header={**source.header, "axes": _CALLED.get(axes, axes)})
        floats = dequantize_spz(source.version, source.codes, source.tables, source.header)
        return scene.edited(**floats, meta=replace(scene.meta, axes=axes), source=source)
    stated = scene.meta.axes
    turned = read_as(scene, axes, _CALLED.get(stated, stated) if stated else usual)
    if source is None or turned.source is not None:
        return turned
    ignored = (*turned.meta.ignored, f"the codes of {source.format}: turned, they are floats")
    return turned.edited(meta=replace(turned.meta, ignored=ignored))
