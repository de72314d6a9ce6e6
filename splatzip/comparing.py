"""Scenes in files against their source: measured, and shown on a page."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from splatzip.decode import Bytes, decompress
from splatzip.errors import SplatzipError, naming
from splatzip.formats.stored import stored_bytes
from splatzip.io import is_splatz, load
from splatzip.progress import Progress
from splatzip.scene import Scene

if TYPE_CHECKING:
    from splatzip.report.comparison import Comparison
    from splatzip.views import Views
    from splatzip.views.split import Split


def compare(
    ref: Scene | str | Path,
    *tests: Scene | Bytes | str | Path,
    views: Views | str | Path | None = None,
    split: Split = "test",
    extra: str | Collection[str] = (),
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    threads: int = 0,
    repair: bool = False,
    axes: str | Sequence[str | None] | None = None,
    progress: Progress | None = None,
) -> list[Comparison]:
    """Measure scenes against their source: by renders of both, and against photos where there are some.

    Args:
        ref: the source, a scene or a path in any format.
        tests: what was made from it: files in any format, of which one is in memory at a time, the bytes of a .splatz,
            or scenes.
        views: cameras with or without photos (COLMAP, transforms.json, cameras.json), a folder or a file, or `Views`;
            None: the twelve orbit views of `ref`, 640x480.
        split: "test", "train" or "all" of a folder or a file.
        extra: further metrics, one or some of "ms_ssim", "flip" and "lpips"; the last two need packages of their own.
        background: (3,) colour, 0..1, behind scenes and behind photos that are not opaque.
        threads: 0 for every core; the numbers do not depend on it.
        repair: drop rows of scenes that are not valid.
        axes: where x, y and z point, see `load`: in every file but a .splatz, or file by file, that of `ref` first.
        progress: called with the share done and a word for the step.
    Returns: one comparison for each of `tests`, with its stored size; a scene has none.
    Raises: ViewsError, naming the frame, if cameras or photos cannot be used or nothing of `ref` is seen from one;
        FormatError, SceneError, BackendError, OSError.
    """
    from splatzip.quality import compare as compare_scenes

    axes_of_ref, *axes_of_tests = _axes_of_each((ref, *tests), axes)
    source = _opened(ref, repair, axes_of_ref)[0]
    chosen, seen_from = _chosen(source, views, split)
    found = []
    for number, test in enumerate(tests):
        scene, name, size_bytes = _opened(test, repair, axes_of_tests[number])
        label = Path(name).name or f"scene {number + 1}"
        compared = compare_scenes(
            source,
            scene,
            chosen,
            extra=extra,
            background=background,
            threads=threads,
            seen_from=seen_from,
            progress=progress and _one_of(progress, number, len(tests), label),
        )
        found.append(replace(compared, name=name, bytes=size_bytes))
    return found


def report_html(
    comparisons: Sequence[Comparison],
    ref: str | Path,
    *tests: str | Path,
    views: Views | str | Path | None = None,
    split: Split = "test",
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    threads: int = 0,
    repair: bool = False,
    axes: str | Sequence[str | None] | None = None,
    progress: Progress | None = None,
) -> str:
    """Make one self-contained report page: pictures, errors, rate and quality, bytes, attributes.

    Args:
        comparisons: what `compare` returned for the same arguments, files all of them.
    Returns: HTML that contacts no other host. At most 15 views are shown, including the worst.
    Raises: as `compare`.
    """
    from splatzip.decode import info
    from splatzip.raster import render
    from splatzip.report.html import page
    from splatzip.report.pictures import ViewPictures

    source, *scenes = map(_load_by_name, (ref, *tests), repeat(repair), _axes_of_each((ref, *tests), axes))
    chosen, _ = _chosen(source, views, split)
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


def _axes_of_each(
    scenes: Sequence[Scene | Bytes | str | Path], axes: str | Sequence[str | None] | None
) -> Sequence[str | None]:
    if axes is None or isinstance(axes, str):
        return [axes if _is_path(scene) and not is_splatz(Path(scene)) else None for scene in scenes]
    if len(axes) != len(scenes):
        raise SplatzipError(f"axes of {len(axes)} files for {len(scenes)}")
    return axes


def _is_path(scene: Scene | Bytes | str | Path) -> TypeGuard[str | Path]:
    return isinstance(scene, str | os.PathLike)


def _opened(scene: Scene | Bytes | str | Path, repair: bool, axes: str | None) -> tuple[Scene, str, int | None]:
    """A scene, its file's name and what is stored of it; in memory there is no name, and of a scene nothing stored."""
    if _is_path(scene):
        return _load_by_name(scene, repair, axes), str(scene), stored_bytes(scene)
    if axes is not None:
        raise SplatzipError("axes are those of a file: what is in memory has its own")
    if isinstance(scene, Scene):
        return scene, "", None
    return decompress(scene), "", memoryview(scene).nbytes  # type: ignore[arg-type]


def _chosen(source: Scene, views: Views | str | Path | None, split: Split) -> tuple[Views, str]:
    """The views, and what they are in words."""
    from splatzip.views import Views, orbit_views

    if views is None:
        orbit = orbit_views(source)
        return orbit, f"{len(orbit)} orbit views"
    if isinstance(views, Views):
        return views, f"{len(views)} views"
    loaded = Views.load(views, split=split)
    return loaded, f"{len(loaded)} {split} views of {views}"


def _load_by_name(path: str | Path, repair: bool, axes: str | None) -> Scene:
    """Load one of several files: an error says which."""
    try:
        return load(path, repair=repair, axes=axes)
    except SplatzipError as error:
        raise naming(error, path) from error


def _one_of(progress: Progress, number: int, count: int, name: str) -> Progress:
    """The progress of one part of several."""
    return lambda share, step: progress((number + share) / count, f"{name}, {step}")
