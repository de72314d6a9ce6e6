""".splat (antimatter15): records of 32 bytes and nothing else, the format of the first web viewer.

    3 float32 position   3 float32 linear scale   4 uint8 RGB and alpha   4 uint8 rotation wxyz        little-endian

No magic number, no SH above degree 0. Right-down-front, as the PLY it is made from.

QuantizedSource "splat", version 1:
    codes   positions (N, 3) uint32, the bits of the floats    scales (N, 3) uint32, the same
            colors (N, 4) uint8, RGB and alpha                 rotations (N, 4) uint8, wxyz, (b - 128) / 128
    no tables, header or records
Dequantizer: native/src/dequantize_splat.cpp. Viewers draw a scale of zero as a disc or a needle; here it is the
smallest normal float32, which looks the same and has a logarithm. A rotation of four 128 is not a rotation: an error,
or dropped by repair.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import FormatError
from splatzip.formats.input import scene_from
from splatzip.formats.output import atomic_write, lost_meta
from splatzip.kernels import exact_exp
from splatzip.kernels.dequantize import dequantize
from splatzip.scene import QuantizedSource, Scene, SceneMeta

FORMAT, VERSION = "splat", 1
RECORD = np.dtype([("positions", "<u4", 3), ("scales", "<u4", 3), ("colors", "u1", 4), ("rotations", "u1", 4)])
SH_C0 = 0.28209479177387814
FLOAT_MAX = float(np.finfo(np.float32).max)


def sniff(head: bytes, path: Path) -> bool:
    """By extension, or rows that look like splats: finite, with scales above zero and unit quaternions."""
    if path.suffix.lower() == ".splat":
        return bool(head)
    if len(head) < RECORD.itemsize or path.stat().st_size % RECORD.itemsize:
        return False
    rows = np.frombuffer(head, RECORD, len(head) // RECORD.itemsize)
    floats = np.hstack([rows["positions"], rows["scales"]]).view("<f4")
    lengths = np.linalg.norm((rows["rotations"].astype(np.float32) - 128) / 128, axis=1)
    with np.errstate(invalid="ignore"):  # NaN is not plausible, and no reason to warn
        plausible = (np.abs(floats) < 1e9).all(1) & (floats[:, 3:] >= 0).all(1) & (np.abs(lengths - 1) < 0.1)
    return float(plausible.mean()) > 0.99 and bool(floats.any())


def read(path: Path, *, repair: bool = False) -> Scene:
    """Read a .splat file.

    Raises: FormatError if the size is not whole records; SceneError if a splat is not valid.
    """
    size = path.stat().st_size
    if size == 0 or size % RECORD.itemsize:
        raise FormatError(
            f"{path}: {size} bytes are {size // RECORD.itemsize} splats of {RECORD.itemsize} bytes and "
            f"{size % RECORD.itemsize} bytes more: not a .splat file, or a cut one"
        )
    rows = np.fromfile(path, RECORD)
    codes = {name: np.ascontiguousarray(rows[name]) for name in RECORD.names or ()}
    for name in ("positions", "scales"):
        codes[name] = codes[name].astype(np.uint32, copy=False)  # native order on every machine
    source = QuantizedSource(FORMAT, VERSION, codes)
    floats = dequantize(FORMAT, VERSION, codes, {}, {})
    return scene_from(floats, repair=repair, meta=SceneMeta(), source=source)


def write(scene: Scene, path: Path) -> list[str]:
    """Write a .splat file: the same codes again if the scene came as .splat, else rounded to the nearest.

    Returns: what was lost, one line each.
    """
    lost = lost_meta(scene.meta, ".splat")
    if scene.source is not None and (scene.source.format, scene.source.version) == (FORMAT, VERSION):
        codes = dict(scene.source.codes)
    else:
        codes, lost_splats = quantize(scene)
        lost = lost_splats + lost
    rows = np.empty(len(scene), RECORD)
    for name, values in codes.items():
        rows[name] = values
    with atomic_write(path) as file:
        file.write(rows.tobytes())
    return lost


def quantize(scene: Scene) -> tuple[dict[str, NDArray[np.uint32] | NDArray[np.uint8]], list[str]]:
    """The nearest codes, and what they cannot say, one line each."""
    lost = []
    if scene.sh_degree:
        lost.append(f"SH above degree 0: .splat has no place for degree {scene.sh_degree}")
    positions = scene.positions
    if scene.origin.any():
        positions = (scene.positions + scene.origin).astype(np.float32)
        lost.append(f"origin {scene.origin.tolist()}: added to the positions, which are rounded to float32")
    colors = np.rint(255 * (0.5 + SH_C0 * scene.sh[:, 0].astype(np.float64)))
    clipped = int(((colors < 0) | (colors > 255)).any(1).sum())
    if clipped:
        lost.append(f"colours outside 0..1 of {clipped} splats: clipped")
    alphas = 255 / (1 + exact_exp(-scene.opacity_logits.astype(np.float64)))
    scales = np.minimum(exact_exp(scene.log_scales), FLOAT_MAX).astype(np.float32)
    # By the longest component first, so that no square of a very short quaternion vanishes.
    quaternions = scene.rotations / np.abs(scene.rotations.astype(np.float64)).max(1, keepdims=True)
    quaternions /= np.sqrt((quaternions * quaternions).sum(1, keepdims=True))
    return {
        "positions": positions.view(np.uint32),
        "scales": scales.view(np.uint32),
        "colors": _bytes(np.column_stack([colors, alphas])),
        "rotations": _bytes(128 + 128 * quaternions),
    }, lost


def _bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(values).clip(0, 255).astype(np.uint8)
