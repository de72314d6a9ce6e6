"""What a scene says beside its splats: carried from format to format through optional chunks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class SceneMeta:
    """Facts beside the splats. Everything is optional; a format that cannot hold a field says so when it is written.

    In memory positions are always right-down-front (x right, y down, z front), the convention of 3DGS PLY;
    readers and writers convert. `axes` only remembers what the source declared.
    """

    antialiased: bool = False  # trained with the compensated 2D filter (Mip-Splatting, SPZ's flag)
    axes: str | None = None  # coordinate system that the source declared, SPZ's letters: "RDF", "RUB", ...
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
        """Inverse of `stored`; what this version does not know, or is not of its type, is ignored."""
        known: dict[str, Any] = {}
        for name, kinds in _STORED_TYPES.items():
            value = values.get(name)
            if isinstance(value, kinds):
                known[name] = tuple(value) if isinstance(value, list) else value
        return SceneMeta(**known)


_STORED_TYPES: dict[str, type | tuple[type, ...]] = {
    "antialiased": bool,
    "axes": str,
    "up": (list, tuple),
    "units": str,
    "title": str,
    "author": str,
    "licence": str,
    "camera": dict,
    "comments": (list, tuple),
}
