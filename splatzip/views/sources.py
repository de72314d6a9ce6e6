"""The supported camera files and the choice of one: by content where it is distinctive, else by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from splatzip.container import json_values
from splatzip.errors import ViewsError
from splatzip.views import camera_json, cameras_json, colmap, transforms_json
from splatzip.views.frame import Frame

_IN_FOLDER = ("transforms.json", "cameras.json")
_KNOWN = "transforms.json, COLMAP model or cameras.json"


def read_frames(path: Path) -> tuple[list[Frame], Path]:
    """The frames of a folder or a camera file, and the folder that a split.json stands in.

    In a folder, transforms.json goes before a COLMAP model (in it, in sparse or in sparse/0), that before
    cameras.json; name the file, or the model's folder, to choose another.

    Raises: ViewsError if nothing there lists cameras.
    """
    if path.is_dir():
        return _of_folder(path)
    if not path.exists():
        raise ViewsError(f"{path}: no such file or folder")
    if path.suffix in (".bin", ".txt"):
        model = colmap.model_folder(path.parent)
        if model != path.parent:
            raise ViewsError(f"{path}: a COLMAP model is cameras and images, both .bin or both .txt")
        return _of_folder(path.parent)
    return _of_json(path), path.parent


def _of_folder(folder: Path) -> tuple[list[Frame], Path]:
    transforms, cameras = (folder / name for name in _IN_FOLDER)
    if transforms.is_file():
        return _of_json(transforms), folder
    if model := colmap.model_folder(folder):
        return colmap.read(model), _project(folder)
    if cameras.is_file():
        return _of_json(cameras), folder
    # What is named most often is the folder of the photos.
    above = folder.resolve().parent
    there = any((above / name).is_file() for name in _IN_FOLDER) or colmap.model_folder(above) is not None
    raise ViewsError(f"{folder}: no {_KNOWN} in this folder" + (f"; there is one in {above}" if there else ""))


def _project(folder: Path) -> Path:
    """Where split.json stands when a COLMAP model's own folder was named: as near to it as there is one."""
    places = [folder, *folder.absolute().parents[:2]]
    return next((place for place in places if (place / "split.json").is_file()), folder)


def _of_json(file: Path) -> list[Frame]:
    try:
        document: Any = json_values.loads(file.read_bytes())
    except ValueError as error:
        raise ViewsError(f"{file}: it is not JSON: {error}") from None
    if isinstance(document, dict) and isinstance(document.get("frames"), list):
        return transforms_json.read(document, file)
    if isinstance(document, dict) and {"target", "world_to_camera"} & set(document):
        return camera_json.read(document, file)
    if isinstance(document, dict) and "rotation" in document:  # one entry of a cameras.json
        return cameras_json.read([document], file)
    if isinstance(document, list):
        return cameras_json.read(document, file)
    raise ViewsError(f"{file}: this is not a transforms.json, a cameras.json or a single camera")
