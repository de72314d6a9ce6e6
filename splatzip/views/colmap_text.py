"""`cameras.txt` and `images.txt` of a COLMAP model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from splatzip.errors import ViewsError
from splatzip.views.colmap_model import Lens, Pose

Row = TypeVar("Row")


def read_lenses(file: Path) -> dict[int, Lens]:
    """Lenses by id. Raises: ViewsError, naming the line."""
    return dict(_parsed(_lens, line, number, file) for number, line in _lines(file) if _says_something(line))


def read_poses(file: Path) -> list[Pose]:
    """Poses in the order of the file. Raises: ViewsError, naming the line."""
    poses = []
    lines = _lines(file)
    for number, line in lines:
        if _says_something(line):
            poses.append(_parsed(_pose, line, number, file))
            next(lines, None)  # its 2D points: a line that may be empty, so blank lines cannot be skipped first
    return poses


def _lens(line: str) -> tuple[int, Lens]:
    number, model, width, height, *parameters = line.split()
    return int(number), Lens(model, int(width), int(height), tuple(map(float, parameters)))


def _pose(line: str) -> Pose:
    _, w, x, y, z, tx, ty, tz, lens, name = line.split(maxsplit=9)
    quaternion, translation = (float(w), float(x), float(y), float(z)), (float(tx), float(ty), float(tz))
    return Pose(name.rstrip(), int(lens), quaternion, translation)


def _parsed(parse: Callable[[str], Row], line: str, number: int, file: Path) -> Row:
    try:
        return parse(line)
    except ValueError:
        raise ViewsError(f"{file}, line {number}: this is not what COLMAP writes: {line.strip()[:60]!r}") from None


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    return enumerate(file.read_text(encoding="utf-8", errors="surrogateescape").splitlines(), 1)


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
