"""One scene compressed: what `compress` does for one input, and a child process for each of many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splatzip.cli.console import progress_bar
from splatzip.cli.source import load_and_warn
from splatzip.cli.summary import Stopwatch, conversion
from splatzip.cli.target import write_whole


@dataclass(frozen=True)
class Settings:
    """What was asked for, the same for every scene of a run."""

    preset: str | None = None  # None: the library's default for what the source is
    quality: float | None = None  # dB against the source
    verify: bool = False
    degree: int | None = None  # of SH
    sh_coding: str | None = None
    geometry_coding: str | None = None
    recipe: str | None = None  # instead of all these
    threads: int = 0  # 0: every core
    repair: bool = False
    size: int | None = None  # bytes
    max_loss: float | None = None  # dB on photos
    best_effort: bool = False
    views: Path | None = None
    no_pseudo_views: bool = False

    def arguments(self) -> Iterator[str]:
        """The command-line options that ask for the same."""
        plain = (
            "preset",
            "size",
            "quality",
            "max_loss",
            "views",
            "degree",
            "sh_coding",
            "geometry_coding",
            "recipe",
            "threads",
        )
        for name in plain:
            if getattr(self, name) is not None:
                yield f"--{name.replace('_', '-')}={getattr(self, name)}"
        for name in ("verify", "repair", "best_effort", "no_pseudo_views"):
            if getattr(self, name):
                yield f"--{name.replace('_', '-')}"


def compress_file(source: Path, target: Path, settings: Settings, *, quiet: bool) -> dict[str, Any]:
    """Compress one scene.

    Returns: the summary: input, output, ratio, bits a splat by attribute, seconds by step.
    Raises: SplatzipError, OSError.
    """
    from splatzip import compress, info

    watch = Stopwatch()
    with progress_bar(quiet=quiet) as progress:
        progress(0.0, "reading")
        with watch.step("read"):
            scene = load_and_warn(source, repair=settings.repair)
        with watch.step("encode"):
            coded = compress(
                scene,
                preset=settings.preset,
                size=settings.size,
                quality=settings.quality,
                max_loss=settings.max_loss,
                best_effort=settings.best_effort,
                views=settings.views,
                only_views=settings.no_pseudo_views,
                verify=settings.verify,
                degree=settings.degree,
                sh_coding=settings.sh_coding,
                geometry_coding=settings.geometry_coding,
                recipe=settings.recipe,
                threads=settings.threads,
                progress=progress,
            )
        with watch.step("write"):
            write_whole(target, coded)
    facts = info(coded)
    return conversion(
        source,
        target,
        scene,
        watch,
        ratio=scene.float_bytes / len(coded),
        bits_per_splat=8 * len(coded) / len(scene),
        attributes=facts["attributes"],
        settings=facts["settings"],
        quality=facts["quality"],
    )
