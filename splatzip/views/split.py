"""Which frames are test views: those of `split.json` beside the views, else every 8th by name.

Test views are only for judging; nothing is ever fitted to them. So the split belongs to the capture and is the same for
everyone who loads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from splatzip.container import json_values
from splatzip.errors import ViewsError
from splatzip.views.frame import Frame, basename

Split = Literal["test", "train", "all"]
TEST_EVERY = 8


def split_of(frames: Sequence[Frame], folder: Path) -> dict[str, list[Frame]]:
    """The frames of "test" and "train", each in the order given; a frame that split.json leaves out is in neither.

    Args:
        folder: where split.json is looked for: {"test": [...], "train": [...]}, file names with or without folders.
    Raises: ViewsError if split.json is damaged or names no existing frame.
    """
    file = folder / "split.json"
    if not file.is_file():
        return _every_eighth(frames)
    lists = _read(file)
    split = {}
    for name, listed in lists.items():
        stems = {PurePosixPath(x).stem for x in listed}
        split[name] = [frame for frame in frames if _names(frame, listed, stems)]
    for name, chosen in split.items():
        if lists[name] and not chosen:
            raise ViewsError(f"{file}: none of the {len(lists[name])} {name} frames is among the {len(frames)} views")
    if both := lists["test"] & lists["train"]:
        raise ViewsError(f"{file}: frame {min(both)} is both a test and a train view")
    return split


def _every_eighth(frames: Sequence[Frame]) -> dict[str, list[Frame]]:
    by_name = sorted(range(len(frames)), key=lambda i: frames[i].file)
    test = set(by_name[::TEST_EVERY])
    return {
        "test": [frame for i, frame in enumerate(frames) if i in test],
        "train": [frame for i, frame in enumerate(frames) if i not in test],
    }


def _read(file: Path) -> dict[str, set[str]]:
    try:
        document = json_values.loads(file.read_bytes())
    except ValueError as error:
        raise ViewsError(f"{file}: it is not JSON: {error}") from None
    lists = {}
    for name in ("test", "train"):
        names = document.get(name, []) if isinstance(document, dict) else None
        if not isinstance(names, list) or not all(isinstance(x, str) for x in names):
            raise ViewsError(f"{file}: {name!r} is not a list of file names")
        lists[name] = {basename(x) for x in names}
    return lists


def _names(frame: Frame, names: set[str], stems: set[str]) -> bool:
    """Whether a list names a frame; where one of the two has no extension, the other's does not count."""
    if frame.name in names or PurePosixPath(frame.name).stem in names:
        return True
    return "." not in frame.name and frame.name in stems
