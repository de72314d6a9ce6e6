"""How to compress: the page's choices as options of `splatzip.compress`, and as the command that does the same."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRESETS = ("balanced", "fast", "near-lossless", "lossless")
RECIPES = ("lightgaussian", "c3dgs", "omg")
TARGETS = ("none", "size", "quality", "loss")
AS_IT_IS = "all"  # of SH degrees
WHAT_PAYS = "auto"  # of splats to remove

_OF_STEPS = frozenset({"quality", "degree", "verify", "best_effort", "views"})
_TAKES: Mapping[str, frozenset[str]] = {
    "balanced": _OF_STEPS - {"verify"}
    | {"size", "loss", "prune", "photos", "only_views", "drop_unseen"},  # measures anyway
    "fast": _OF_STEPS,
    "near-lossless": _OF_STEPS,
}
_SWITCHES = ("best_effort", "verify", "photos", "only_views", "drop_unseen")
_FLAGS = {"only_views": "no-pseudo-views"}  # what the command line calls otherwise


def takes(method: str, choice: str) -> bool:
    """Whether a preset or recipe has a use for a choice: a target, or a field of `Settings`."""
    return choice in _TAKES.get(method, {"views"})


def targets_of(method: str, *, has_photos: bool = True) -> tuple[str, ...]:
    """Which of TARGETS a preset or recipe can aim at.

    Args:
        has_photos: whether there is a capture on whose photos something can be lost.
    """
    return tuple(
        target for target in TARGETS if target == "none" or (takes(method, target) and (target != "loss" or has_photos))
    )


@dataclass(frozen=True)
class Settings:
    """What was chosen.

    What its method or its target has no use for does not count.

    Attributes:
        method: one of PRESETS or RECIPES.
        target: one of TARGETS; says which of the next three counts.
        size_kb, quality_db, loss_db: to stay within, to aim at, that may be lost on photos.
        best_effort: a target that cannot be reached gives what comes closest.
        verify: render what was written, and correct it until a quality is met.
        degree: SH degree to keep, or AS_IT_IS.
        views: cameras of the capture that are to count.
        photos: learn from its photos.
        only_views: look from nowhere else.
        prune: share of the splats to remove, or WHAT_PAYS.
        drop_unseen: remove what no view sees, too.
    """

    method: str = "balanced"
    target: str = "none"
    size_kb: float = 0.0
    quality_db: float = 40.0
    loss_db: float = 0.3
    best_effort: bool = False
    verify: bool = False
    degree: str = AS_IT_IS
    views: Path | None = None
    photos: bool = False
    only_views: bool = False
    prune: str = WHAT_PAYS
    drop_unseen: bool = False

    def counts(self, choice: str) -> bool:
        """Whether a choice changes anything, as the others are."""
        if not takes(self.method, choice):
            return False
        if choice == "best_effort":  # balanced meets a target, others estimate a quality unless they verify
            return self.target in targets_of(self.method)[1:] and (self.verify or not takes(self.method, "verify"))
        if choice == "photos":  # which correct the source, and a quality compares with it
            return self.views is not None and self.target != "quality"
        return choice != "only_views" or self.views is not None

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `splatzip.compress`, ready for JSON."""
        given: dict[str, Any] = {"views": None if self.views is None else str(self.views)}
        if self.target == "size":
            given["size"] = round(1000 * self.size_kb)
        elif self.target == "quality":
            given["quality"] = float(self.quality_db)
        elif self.target == "loss":
            given["loss"] = float(self.loss_db)
        given["degree"] = None if self.degree == AS_IT_IS else int(self.degree)
        given["prune"] = None if self.prune == WHAT_PAYS else float(self.prune)
        given |= {name: getattr(self, name) or None for name in _SWITCHES}
        options = {name: value for name, value in given.items() if value is not None and self.counts(name)}
        if "loss" in options:
            options["max_loss"] = options.pop("loss")
        return {"recipe" if self.method in RECIPES else "preset": self.method, **options}

    def command(self, source: Path | str, target: Path | str, *, axes: str | None = None) -> str:
        """The command line that writes the same bytes of a source in these axes."""
        words = ["splatzip", "compress", str(source), str(target), *(["--axes", axes] if axes else [])]
        for name, value in self.options().items():
            words.append("--" + _FLAGS.get(name, name.replace("_", "-")))
            if name == "size":
                words.append(f"{value / 1000:.3f}".rstrip("0").rstrip(".") + "KB")
            elif value is not True:
                words.append(f"{value:.12g}" if isinstance(value, float) else str(value))
        return shlex.join(words)


def crop_command(source: str, target: str, box: Sequence[float], *, axes: str | None = None) -> str:
    """The command line that keeps of a source in these axes what is in a box, given by two opposite corners."""
    corners = [f"{value:.12g}" for value in box]
    return shlex.join(
        ["splatzip", "transform", source, target, "--crop", *corners, *(["--axes", axes] if axes else [])]
    )
