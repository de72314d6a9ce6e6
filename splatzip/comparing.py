"""Scenes in files against their source: measured, and shown on a page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from splatzip.errors import SplatzipError
from splatzip.formats.stored import stored_bytes
from splatzip.io import is_splatz, load
from splatzip.progress import Progress
from splatzip.scene import Scene

if TYPE_CHECKING:
    from splatzip.report.comparison import Comparison
    from splatzip.views.split import Split


def compare(
    ref: str | Path,
    *tests: str | Path,
    views: str | Path | None = None,
    split: Split = "test",
    extra: Collection[str] = (),
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    threads: int = 0,
    repair: bool = False,
    axes: str | Sequence[str | None] | None = None,
    progress: Progress | None = None,
) -> list[Comparison]:
    """Measure scenes against their source: by renders of both, and against photos where there are some.

    Args:
        ref: the source, a path in any format.
        tests: files made from it, in any format; one is in memory at a time.
        views: cameras with or without photos (COLMAP, transforms.json, cameras.json), a folder or a file; None: the
            twelve orbit views of `ref`, 640x480.
        split: "test", "train" or "all" of `views`.
        extra: further metrics, of "ms_ssim", "flip" and "lpips"; the last two need packages of their own.
        background: (3,) colour, 0..1, behind scenes and behind photos that are not opaque.
        threads: 0 for every core; the numbers do not depend on it.
        repair: drop rows of scenes that are not valid.
        axes: where x, y and z point, see `load`: in every file but a .splatz, or file by file, that of `ref` first.
        progress: called with the share done and a word for the step.
    Returns: one comparison per file of `tests`, with its stored size.
    Raises: ViewsError, naming the frame, if cameras or photos cannot be used or nothing of `ref` is seen from one;
        FormatError, SceneError, BackendError, OSError.
    """
    from splatzip.quality import compare as compare_scenes
    from splatzip.views import Views, orbit_views

    axes_of_ref, *axes_of_tests = _axes_of_each((ref, *tests), axes)
    source = _load_by_name(ref, repair, axes_of_ref)
    chosen = orbit_views(source) if views is None else Views.load(views, split=split)
    seen_from = f"{len(chosen)} orbit views" if views is None else f"{len(chosen)} {split} views of {views}"
    found = []
    for number, path in enumerate(map(Path, tests)):
        compared = compare_scenes(
            source,
            _load_by_name(path, repair, axes_of_tests[number]),
            chosen,
            extra=extra,
            background=background,
            threads=threads,
            seen_from=seen_from,
            progress=progress and _one_of(progress, number, len(tests), path.name),
        )
        found.append(replace(compared, name=str(path), bytes=stored_bytes(path)))
    return found


def report_html(
    comparisons: Sequence[Comparison],
    ref: str | Path,
    *tests: str | Path,
    views: str | Path | None = None,
    split: Split = "test",
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    threads: int = 0,
    repair: bool = False,
    axes: str | Sequence[str | None] | None = None,
    progress: Progress | None = None,
) -> str:
    """Make one self-contained report page: pictures, errors, rate and quality, bytes, attributes.

    Args:
        comparisons: what `compare` returned for the same arguments.
    Returns: HTML that contacts no other host. At most 15 views are shown, including the worst.
    Raises: as `compare`.
    """
    from splatzip.decode import info
    from splatzip.raster import render
    from splatzip.report.html import page
    from splatzip.report.pictures import ViewPictures
    from splatzip.views import Views, orbit_views

    source, *scenes = map(_load_by_name, (ref, *tests), repeat(repair), _axes_of_each((ref, *tests), axes))
    chosen = orbit_views(source) if views is None else Views.load(views, split=split)
    taken = 0

    def take(index: int) -> ViewPictures:
        nonlocal taken
        taken += 1
        if progress is not None:
            progress(min(taken / len(chosen), 1), "drawing the report")
        camera = chosen.cameras[index]
        of_source, *drawn = (
            render(scene, camera, background=background, threads=threads).color for scene in (source, *scenes)
        )
        return ViewPictures(of_source, drawn, chosen.photo(index, background=background) if chosen.photos else None)

    return page(
        [replace(one, name=name) for one, name in zip(comparisons, _told_apart(tests), strict=True)],
        ref=source,
        tests=scenes,
        take_pictures=take,
        ref_name=Path(ref).name,
        ref_bytes=stored_bytes(ref),
        background=background,
        facts=[info(path) if is_splatz(Path(path)) else None for path in tests],
    )


def _told_apart(paths: Sequence[str | Path]) -> list[str]:
    """The files' names, with the folders where names alone are not enough."""
    names = [Path(path).name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _axes_of_each(paths: Sequence[str | Path], axes: str | Sequence[str | None] | None) -> Sequence[str | None]:
    if axes is None or isinstance(axes, str):
        return [None if is_splatz(Path(path)) else axes for path in paths]
    if len(axes) != len(paths):
        raise SplatzipError(f"axes of {len(axes)} files for {len(paths)}")
    return axes


def _load_by_name(path: str | Path, repair: bool, axes: str | None) -> Scene:
    """Load one of several files: an error says which."""
    try:
        return load(path, repair=repair, axes=axes)
    except SplatzipError as error:
        if str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error


def _one_of(progress: Progress, number: int, count: int, name: str) -> Progress:
    """The progress of one part of several."""
    return lambda share, step: progress((number + share) / count, f"{name}, {step}")
