"""How to compress: the page's choices as options of `splatzip.compress`, and as the command that does the same."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRESETS = ("balanced", "fast", "near-lossless", "lossless")
RECIPES = ("lightgaussian", "c3dgs", "omg")
TARGETS = ("none", "size", "quality", "loss")
AS_IT_IS = "all"


def targets_of(method: str, *, has_photos: bool = True) -> tuple[str, ...]:
    """Which of TARGETS a preset or recipe can aim at.

    Args:
        has_photos: whether there is a capture on whose photos something can be lost.
    """
    if method == "balanced":
        return TARGETS if has_photos else TARGETS[:-1]
    return ("none", "quality") if method in ("fast", "near-lossless") else ("none",)


def takes_degree(method: str) -> bool:
    """Whether SH degrees can be left out: recipes settle that themselves, lossless keeps all."""
    return method in PRESETS and method != "lossless"


def looks(method: str) -> bool:
    """Whether it looks at the scene, so that cameras of the capture can count."""
    return method == "balanced" or method in RECIPES


@dataclass(frozen=True)
class Settings:
    """What was chosen.

    What its method has no use for does not count.

    Attributes:
        method: one of PRESETS or RECIPES.
        target: one of TARGETS; says which of the next three counts.
        size_kb, quality_db, loss_db: to stay within, to aim at, that may be lost on photos.
        degree: SH degree to keep, or AS_IT_IS.
        views: cameras of the capture that are to count.
    """

    method: str = "balanced"
    target: str = "none"
    size_kb: float = 0.0
    quality_db: float = 40.0
    loss_db: float = 0.3
    degree: str = AS_IT_IS
    views: Path | None = None

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `splatzip.compress`, ready for JSON."""
        options: dict[str, Any] = {"recipe" if self.method in RECIPES else "preset": self.method}
        target = self.target if self.target in targets_of(self.method) else "none"
        if target == "size":
            options["size"] = round(1000 * self.size_kb)
        elif target == "quality":
            options["quality"] = self.quality_db
        elif target == "loss":
            options["max_loss"] = self.loss_db
        if self.degree != AS_IT_IS and takes_degree(self.method):
            options["degree"] = int(self.degree)
        if self.views is not None and looks(self.method):
            options["views"] = str(self.views)
        return options

    def command(self, source: Path | str, target: Path | str) -> str:
        """The command line that writes the same bytes."""
        words = ["splatzip", "compress", str(source), str(target)]
        for name, value in self.options().items():
            if name == "size":
                value = f"{value / 1000:.3f}".rstrip("0").rstrip(".") + "KB"
            words += [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
        return shlex.join(words)
