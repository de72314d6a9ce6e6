"""One scene compressed or decompressed, however the command line was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from splatzip.cli.console import Refused, named, progress_bar, warning_lines
from splatzip.cli.source import load_and_warn, warn_of_losses_that_add_up, whole
from splatzip.cli.summary import Stopwatch, conversion, show
from splatzip.cli.target import check_target, save_and_warn, write_whole

LEAST_USED = 0.98  # of a size that was asked for


@dataclass(frozen=True)
class Settings:
    """What was asked for, the same for every scene of a run, as `splatzip.compress` calls it."""

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
    photos: bool = False
    only_views: bool = False
    view_weight: float | None = None  # of a given view; of a pseudo-view 1
    prune: float | None = None  # share of the splats
    drop_unseen: bool = False
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    axes: str | None = None  # of the scenes' files; None: as they say

    def options(self) -> dict[str, Any]:
        """How it is to be done, for `splatzip.compress` and `splatzip.check_options`."""
        others = ("threads", "repair", "axes")  # how fast; how a file is read
        return {name: value for name, value in vars(self).items() if name not in others}

    def check(self) -> None:
        """Refuse, before any work, what no scene can be compressed with.

        Raises: SplatzipError, OSError.
        """
        from splatzip import check_options

        check_options(**self.options())

    def arguments(self) -> Iterator[str]:
        """The command-line options that ask for the same."""
        for field in fields(self):
            name = "no_pseudo_views" if field.name == "only_views" else field.name
            option, value = f"--{name.replace('_', '-')}", getattr(self, field.name)
            if value != field.default:
                yield option if value is True else f"{option}={value}"


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
            scene = load_and_warn(source, repair=settings.repair, axes=settings.axes)
        warn_of_losses_that_add_up(source)
        with watch.step("encode"):
            coded = compress(scene, **settings.options(), threads=settings.threads, progress=progress)
        with watch.step("write"):
            write_whole(target, coded)
    if settings.size is not None and len(coded) < LEAST_USED * settings.size:
        warning_lines([f"{target}: {len(coded):,} of {settings.size:,} bytes: the finest setting needs no more"])
    facts = info(coded)
    return conversion(
        source,
        target,
        scene,
        watch,
        kept=facts["splats"],
        ratio=scene.float_bytes / len(coded),
        bits_per_splat=8 * len(coded) / len(scene),
        attributes=facts["attributes"],
        settings=facts["settings"],
        quality=facts["quality"],
    )


def compress_and_show(
    source: Path, target: Path, settings: Settings, *, force: bool, as_json: bool, quiet: bool
) -> dict[str, Any]:
    """`splatzip compress IN OUT.splatz`. Returns: the summary that was shown."""
    from splatzip import format_title

    check_target(target, force=force)
    if source.is_dir() and format_title(source) is None:
        raise Refused(f"{source}: a folder that is no SOG; splatzip compress {source} --to DIR does the scenes in it")
    summary = compress_file(source, target, settings, quiet=quiet or as_json)
    show(summary, as_json=as_json, quiet=quiet)
    return summary


def decompress_and_show(
    source: Path, target: Path, *, threads: int, force: bool, as_json: bool, quiet: bool,
    partial: bool = False, device: Literal["cpu", "cuda"] = "cpu", version: int | None = None,
) -> None:  # fmt: skip
    """`splatzip decompress FILE OUT`."""
    from splatzip import decompress as decode

    check_target(target, force=force)
    watch = Stopwatch()
    with progress_bar(quiet=quiet or as_json) as progress:
        progress(0.0, "decoding")
        with watch.step("decode"), named(source):
            data = whole(source)
            scene = decode(data, strict=not partial, threads=threads, device=device)
        progress(0.5, "writing")
        with watch.step("write"):
            lost = save_and_warn(scene, target, version=version)
    missing = list(scene.meta.missing)
    if missing:
        gaps = f" (first of {len(missing) - 1} gaps: {missing[0]})" if len(missing) > 1 else ""
        warning_lines([f"{source}: incomplete; wrote {len(scene):,} splats, without {missing[-1]}{gaps}"])
    summary = conversion(source, target, scene, watch, missing=missing, lost=lost)
    if isinstance(data, bytes):
        summary["input_bytes"] = len(data)
    show(summary, as_json=as_json, quiet=quiet)
