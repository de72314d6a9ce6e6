"""`cameras.bin` and `images.bin` of a COLMAP model: little-endian records after an 8-byte count."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from splatzip.errors import ViewsError
from splatzip.views.colmap_model import Lens, Pose
from splatzip.views.distortion import LENS_MODELS

_MODELS = tuple(LENS_MODELS.items())  # by COLMAP's id
_POINT_BYTES = 24  # x, y, and the 3D point's id


def read_lenses(file: Path) -> dict[int, Lens]:
    """Lenses by id. Raises: ViewsError if the file is cut short or names a model that COLMAP has not."""
    records = _Records(file)
    lenses = {}
    for _ in range(records.take("<Q")[0]):
        number, model, width, height = records.take("<iiQQ")
        if not 0 <= model < len(_MODELS):
            raise ViewsError(f"{file}: camera {number} is of model {model}, which splatzip does not know")
        name, lens = _MODELS[model]
        parameters = records.take(f"<{lens.focals + 2 + lens.distortion}d")
        lenses[number] = Lens(name, width, height, parameters)
    return lenses


def read_poses(file: Path) -> list[Pose]:
    """Poses in the order of the file. Raises: ViewsError if the file is cut short."""
    records = _Records(file)
    poses = []
    for _ in range(records.take("<Q")[0]):
        _, w, x, y, z, tx, ty, tz, lens = records.take("<i7di")
        name = records.text()
        records.skip(records.take("<Q")[0] * _POINT_BYTES)
        poses.append(Pose(name, lens, (w, x, y, z), (tx, ty, tz)))
    return poses


class _Records:
    """A file read from front to back, that ends in an error and never beyond its end."""

    def __init__(self, file: Path) -> None:
        self._file, self._data, self._at = file, file.read_bytes(), 0

    def take(self, layout: str) -> tuple[Any, ...]:
        start = self._at
        self.skip(struct.calcsize(layout))
        return struct.unpack_from(layout, self._data, start)

    def text(self) -> str:
        end = self._data.find(0, self._at)
        start = self._at
        self.skip(end + 1 - start if end >= 0 else len(self._data))
        return self._data[start:end].decode(errors="surrogateescape")

    def skip(self, size_bytes: int) -> None:
        if size_bytes > len(self._data) - self._at:
            raise ViewsError(f"{self._file}: the file ends at byte {len(self._data)}, inside a record")
        self._at += size_bytes
