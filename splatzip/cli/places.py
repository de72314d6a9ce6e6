"""Where the scenes of a batch go: a place depends on its scene's path alone, so no other scene moves it."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

# What holds most of a scene comes first: floats, then what keeps positions and SH finest.
MOST_PRECISE = (
    ".ply", ".glb", ".gltf", ".usdz", ".usdc", ".usd", ".usda", ".spz", ".sog", ".compressed.ply", ".ksplat", ".splat",
)  # fmt: skip
TRAINED = re.compile(r"point_cloud/iteration_(\d+)/point_cloud\.ply")


def places_in(folder: Path, sources: Sequence[Path]) -> dict[Path, list[Path]]:
    """The .splatz files of a batch, and which scene becomes each: one, or several that cannot all.

    A file, or a folder that is a scene, goes into `folder` itself; a scene in a folder goes into the same subfolder.
    A folder without scenes has a place, too, so that whoever loads it is told why.
    """
    places: dict[Path, list[Path]] = defaultdict(list)
    for source in sources:
        for scene, below in _scenes_of(source):
            same = places[folder / below]
            if all(os.path.abspath(scene) != os.path.abspath(other) for other in same):
                same.append(scene)
    return places


def _scenes_of(source: Path) -> Iterator[tuple[Path, Path]]:
    if not source.is_dir():
        yield source, _place(source, Path(os.path.abspath(source.parent)))
        return
    from splatzip import find_scenes

    found = False
    for scene in find_scenes(source):
        yield scene, _place(scene, Path(os.path.abspath(source)))
        found = True
    if not found:
        yield source, _place(source, Path(os.path.abspath(source)))


def _place(scene: Path, root: Path) -> Path:
    """The .splatz below `root`. Names that are the same in every scene are replaced by those of the folder."""
    path = Path(os.path.abspath(scene))  # "." and ".." say nothing
    trained = TRAINED.fullmatch("/".join(path.parts[-3:]))
    if trained:
        path = path.parents[2]
        name = f"{path.name}_{trained[1]}"
    elif path.name == "meta.json":
        path = path.parent
        name = path.name
    else:
        name = path.name if path.is_dir() else path.stem.removesuffix(".compressed")
    inside = path.parent.is_relative_to(root)
    return (path.parent.relative_to(root) if inside else Path()) / f"{name}.splatz"


def most_precise(scenes: Sequence[Path]) -> Path | None:
    """Of one scene in several formats the one that holds most of it; None where names do not tell."""
    ranks = {scene: _rank(scene) for scene in scenes}
    best = min(scenes, key=lambda scene: ranks[scene])
    return best if one_scene(scenes) and list(ranks.values()).count(ranks[best]) == 1 else None


def _rank(scene: Path) -> int:
    name = ".sog" if scene.is_dir() or scene.name == "meta.json" else scene.name.lower()
    known = [(len(suffix), -rank) for rank, suffix in enumerate(MOST_PRECISE) if name.endswith(suffix)]
    return -max(known)[1] if known else len(MOST_PRECISE)


def one_scene(scenes: Sequence[Path]) -> bool:
    """Whether scenes of one name are one scene in several formats, as far as names tell: they lie in one folder."""
    return len({os.path.abspath(scene.parent) for scene in scenes}) == 1


def clash(target: Path, scenes: Sequence[Path]) -> str:
    """Why none of several scenes becomes `target`, and what to do."""
    first, *others = map(str, scenes)
    both = f"{first} and {others[0]} would both" if len(others) == 1 else f"{first} and {len(others)} more would all"
    way_out = "give the folder that they are in, to keep its subfolders"
    if one_scene(scenes):
        way_out = f"compress one of them yourself, and it is kept: splatzip compress IN {target}"
    return f"{both} become {target}; {way_out}"
