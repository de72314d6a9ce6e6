"""Metadata of a scene, carried from format to format through optional chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SceneMeta:
    """Facts beside the splats. Everything is optional; a format that cannot hold a field says so when it is written.

    In memory positions are always right-down-front (x right, y down, z front), the convention of 3DGS PLY;
    readers and writers convert. `axes` only remembers what the source declared.
    """

    antialiased: bool = False  # trained with the compensated 2D filter (Mip-Splatting, SPZ's flag)
    axes: str | None = None  # coordinate system that the source, or its reader, declared, as SPZ's letters: "RUB"
    up: tuple[float, float, float] | None = None
    units: str | None = None  # "m", "cm", ...: length of one scene unit
    title: str | None = None
    author: str | None = None
    licence: str | None = None
    camera: Mapping[str, Any] | None = None  # opening view: position, target, up, fov_y_degrees
    comments: tuple[str, ...] = ()
    # What happened on the way, never written to a file:
    dropped: Mapping[str, int] = field(default_factory=dict)  # rows that repair dropped, by reason
    ignored: tuple[str, ...] = ()  # what the source held and we do not carry ("property f_custom")
    missing: tuple[str, ...] = ()  # what a partial decode lacks

    def stored(self) -> dict[str, Any]:
        """The fields that files carry and that differ from their default, ready for JSON."""
        transient = {"dropped", "ignored", "missing"}
        return {
            f.name: list(value) if isinstance(value := getattr(self, f.name), tuple) else value
            for f in fields(self)
            if f.name not in transient and getattr(self, f.name) != f.default
        }

    @staticmethod
    def from_stored(values: Mapping[str, Any]) -> SceneMeta:
        """Inverse of `stored`; what this version does not know, or is not what it should be, counts as absent.

        Args:
            values: as JSON gives them, from any file: writers rely on what this lets through.
        """
        known: dict[str, Any] = {}
        for name, is_fit in _STORED.items():
            if name in values and is_fit(value := values[name]):
                known[name] = tuple(value) if isinstance(value, list) else value
        return SceneMeta(**known)


Move = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def moved_meta(meta: SceneMeta, place: Move, way: Move) -> SceneMeta:
    """Facts of a scene that moves: what is up, and where to look from, move along.

    Args:
        place, way: where a place (3,) comes to be, and a direction.
    """

    moves = {"position": place, "target": place, "up": way}
    camera = meta.camera and {
        key: moves[key](np.asarray(value, np.float64)).tolist() if key in moves and _is_vector(value) else value
        for key, value in meta.camera.items()
    }
    x, y, z = (0.0, 0.0, 0.0) if meta.up is None else way(np.asarray(meta.up, np.float64)).tolist()
    return replace(meta, up=meta.up and (x, y, z), camera=camera)


def merged_meta(metas: Sequence[SceneMeta]) -> SceneMeta:
    """Facts of several scenes that become one: the first one's, and antialiased only if all are.

    What others said otherwise is named in `ignored`; dropped rows add up.
    """
    first = metas[0]
    disagreeing = [
        f"{name} of merged scene {number}: {getattr(meta, name)!r}"
        for number, meta in enumerate(metas[1:], 2)
        for name in _STORED
        if name != "axes" and getattr(meta, name) not in (getattr(first, name), None, ())
    ]
    return replace(
        first,
        antialiased=all(meta.antialiased for meta in metas),
        dropped=dict(sum((Counter(meta.dropped) for meta in metas), Counter[str]())),
        ignored=(*(line for meta in metas for line in meta.ignored), *disagreeing),
        missing=tuple(line for meta in metas for line in meta.missing),
    )


def _is_text(value: Any) -> bool:
    """Text that has bytes: JSON can hold half a surrogate pair, UTF-8 cannot."""
    return isinstance(value, str) and value.encode(errors="ignore").decode() == value


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e30


def _is_vector(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 3 and all(map(_is_number, value))


def _is_camera(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return all(_is_text(key) and (_is_number(x) or _is_text(x) or _is_vector(x)) for key, x in value.items())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_text, value))


_STORED: dict[str, Callable[[Any], bool]] = {
    "antialiased": lambda value: isinstance(value, bool),
    "axes": _is_text,
    "up": _is_vector,
    "units": _is_text,
    "title": _is_text,
    "author": _is_text,
    "licence": _is_text,
    "camera": _is_camera,
    "comments": _are_texts,
}
