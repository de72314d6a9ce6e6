"""glTF with KHR_gaussian_splatting: .glb and .gltf, read and written; with SPZ inside, read.

    file  ->  gltf_container (accessors)  ->  splat primitives  ->  moved by their nodes  ->  merged  ->  Scene
    Scene  ->  one primitive of float32 accessors  ->  file

Scales and opacities are linear in the file, quaternions are x y z w, axes are right-up-back. Every instance of every
splat primitive in the default scene is read. SPZ inside (KHR_gaussian_splatting_compression_spz and its drafts): its
numbers are taken unchanged as positions in the node, as in CesiumJS. A file that holds nothing but one untransformed
SPZ keeps the codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import CorruptError, FormatError, UnsupportedFeatureError
from splatzip.formats import spz
from splatzip.formats.gltf_container import FLOAT, GLB_MAGIC, Asset, field, load, save
from splatzip.formats.linear import FLIP, Floats, Linear, linear, moved, scene_of
from splatzip.scene import Scene, SceneMeta
from splatzip.scene.attributes import MAX_SH_DEGREE
from splatzip.scene.transform import merged, rotation_matrix

SPLATS = "KHR_gaussian_splatting"
SPZ = ("KHR_gaussian_splatting_compression_spz", "KHR_gaussian_splatting_compression_spz_2")
SPZ_DRAFT = "KHR_spz_gaussian_splats_compression"  # on the primitive itself
KNOWN = {SPLATS, *SPZ, SPZ_DRAFT, "KHR_mesh_quantization"}
WRITTEN_SH_DEGREE = 3  # the extension stops there
DISPLAY = "srgb_rec709_display"
COLOR_SPACE = "glTF colorSpace "  # prefix of the comment that carries another one
MOST_BYTES, MOST_RATIO = 1 << 28, 64  # a small file may instance its splats, but not without end


@dataclass(frozen=True)
class Placed:
    """A mesh and the world matrix (4, 4) of a node that shows it, in glTF axes."""

    mesh: int
    matrix: NDArray[np.float64]
    name: str


def sniff(head: bytes, path: Path) -> bool:
    """A .glb by its magic number; a .gltf by JSON that names the version of an asset."""
    if head[:4] == GLB_MAGIC:
        return True
    return head.lstrip()[:1] == b"{" and (b'"asset"' in head or path.suffix.lower() == ".gltf")


def read(path: Path, *, repair: bool = False) -> Scene:
    """Read all splats of the default scene.

    Raises: FormatError naming the accessor, view or node, SceneError naming the row of a value out of range.
    """
    asset = load(path)
    about = field(asset.json, "asset", dict, str(path), {})
    if not str(about.get("version", "")).startswith("2."):
        raise FormatError(f"{path}: glTF version {about.get('version')!r}, only 2 is known")
    unknown = [str(name) for name in asset.items("extensionsRequired") if str(name) not in KNOWN]
    if unknown:
        raise UnsupportedFeatureError(f"{path}: needs extensions that are not known: {', '.join(unknown)}")
    meshes: dict[int, list[Scene]] = {}
    parts, ignored, bytes_read = [], list[str](), 0
    most_bytes = MOST_BYTES + MOST_RATIO * path.stat().st_size
    for placed in _instances(asset):
        shown = meshes.get(placed.mesh)
        meshes[placed.mesh] = kept = []
        for scene in _splats(asset, placed.mesh, ignored, repair) if shown is None else shown:
            kept.append(scene)
            bytes_read += scene.float_bytes
            if bytes_read > most_bytes:
                raise CorruptError(f"{path}: the same splats are repeated so often that they need {bytes_read} bytes")
            parts.append(moved(scene, placed.matrix, f"{path}: {placed.name}"))
    if not parts:
        raise FormatError(f"{path}: no {SPLATS} primitive in its scene; a mesh cannot be read as splats")
    scene = merged(parts)
    ignored += [f"{len(asset.items(name))} {name}" for name in ("animations", "cameras", "skins") if asset.items(name)]
    return scene.edited(meta=_meta(asset, scene.meta, tuple(ignored)), source=scene.source)


def write(scene: Scene, path: Path) -> list[str]:
    """Write one node with one primitive of float32 accessors.

    Returns: what was lost, one line each.
    Raises: FormatError naming the row, if a scale does not fit float32.
    """
    lost: list[str] = []
    degree = min(scene.sh_degree, WRITTEN_SH_DEGREE)
    if scene.sh_degree > degree:
        lost.append(f"sh of degree {scene.sh_degree}: {SPLATS} stops at degree {WRITTEN_SH_DEGREE}")
    columns = _columns(scene, degree, lost)
    attributes, arrays = {name: i for i, name in enumerate(columns)}, list(columns.values())
    accessors = [
        {
            "bufferView": i,
            "componentType": FLOAT,
            "count": len(scene),
            "type": {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[width],
        }
        for i, width in enumerate(array.shape[1] for array in arrays)
    ]
    accessors[0] |= {"min": arrays[0].min(0).tolist(), "max": arrays[0].max(0).tolist()}
    meta = scene.meta
    spaces = [text.removeprefix(COLOR_SPACE) for text in meta.comments if text.startswith(COLOR_SPACE)]
    kind = {
        "kernel": "ellipse",
        "colorSpace": spaces[0] if spaces else DISPLAY,
        "projection": "perspective",
        "sortingMethod": "cameraDistance",
    }
    node: dict[str, Any] = {"mesh": 0}
    if scene.origin.any():
        node["translation"] = (scene.origin * FLIP).tolist()
    beside = {key: value for key, value in meta.stored().items() if key not in ("axes", "licence", "title")}
    about: dict[str, Any] = {"version": "2.0", "generator": "splatzip"}
    about |= {"copyright": meta.licence} if meta.licence else {}
    about |= {"extras": {"splatzip": beside}} if beside else {}
    asset = {
        "asset": about,
        "extensionsUsed": [SPLATS],
        "scene": 0,
        "scenes": [{"nodes": [0], **({"name": meta.title} if meta.title else {})}],
        "nodes": [node],
        "meshes": [{"primitives": [{"attributes": attributes, "mode": 0, "extensions": {SPLATS: kind}}]}],
        "accessors": accessors,
    }
    save(path, asset, arrays)
    return lost


def _columns(scene: Scene, degree: int, lost: list[str]) -> dict[str, Floats]:
    """Arrays (N, width) by semantic."""
    file = linear(scene, degree, lost)
    columns = {
        "POSITION": file.positions,
        f"{SPLATS}:ROTATION": file.rotations,
        f"{SPLATS}:SCALE": file.scales,
        f"{SPLATS}:OPACITY": file.opacities[:, None],
    }
    columns |= {name: file.sh[:, k] for k, name in enumerate(_sh_names(degree))}
    return {name: np.ascontiguousarray(column, "<f4") for name, column in columns.items()}


def _sh_names(degree: int) -> list[str]:
    return [f"{SPLATS}:SH_DEGREE_{band}_COEF_{n}" for band in range(degree + 1) for n in range(2 * band + 1)]


def _instances(asset: Asset) -> Iterator[Placed]:
    """Every node of the default scene that shows a mesh; without nodes, every mesh where it is."""
    nodes = asset.items("nodes")
    if not nodes:
        yield from (Placed(i, np.eye(4), f"meshes[{i}]") for i in range(len(asset.items("meshes"))))
        return
    if asset.items("scenes"):
        roots = field(asset.item("scenes", asset.json.get("scene", 0), "scene"), "nodes", list, "scenes", [])
    else:
        below = [field(node, "children", list, str(asset.path), []) for node in nodes if isinstance(node, dict)]
        children = {str(child) for some in below for child in some}
        roots = [i for i in range(len(nodes)) if str(i) not in children]
    open_nodes = [(root, np.eye(4)) for root in reversed(roots)]
    seen: set[int] = set()
    while open_nodes:
        index, above = open_nodes.pop()
        node = asset.item("nodes", index, "the node tree")
        if index in seen:
            raise CorruptError(f"{asset.path}: nodes[{index}] has two parents")
        seen.add(index)
        with np.errstate(over="ignore", invalid="ignore"):  # a matrix that is not finite is refused where it is used
            matrix = above @ _local_matrix(node, f"{asset.path}: nodes[{index}]")
        if "mesh" in node:
            asset.item("meshes", node["mesh"], f"nodes[{index}]")
            yield Placed(node["mesh"], matrix, f"nodes[{index}]")
        children_here = field(node, "children", list, f"{asset.path}: nodes[{index}]", [])
        open_nodes += [(child, matrix) for child in reversed(children_here)]


def _local_matrix(node: Mapping[str, Any], where: str) -> NDArray[np.float64]:
    if "matrix" in node:
        return _numbers(node, "matrix", 16, where, np.eye(4)).reshape(4, 4).T
    matrix = np.eye(4)
    x, y, z, w = _numbers(node, "rotation", 4, where, np.array([0, 0, 0, 1.0]))
    if not (x or y or z or w):
        raise CorruptError(f"{where}: rotation is a zero quaternion")
    matrix[:3, :3] = rotation_matrix((w, x, y, z)) * _numbers(node, "scale", 3, where, np.ones(3))
    matrix[:3, 3] = _numbers(node, "translation", 3, where, np.zeros(3))
    return matrix


def _numbers(
    record: Mapping[str, Any], name: str, size: int, where: str, default: NDArray[np.float64]
) -> NDArray[np.float64]:
    values = record.get(name)
    if values is None:
        return default
    if not (isinstance(values, list) and len(values) == size and all(type(v) in (int, float) for v in values)):
        raise CorruptError(f"{where}: {name} is not {size} numbers")
    numbers = np.array([float(v) if abs(v) < 1e300 else np.inf for v in values])
    if not np.isfinite(numbers).all():
        raise CorruptError(f"{where}: {name} is not finite")
    return numbers


def _splats(asset: Asset, mesh: int, ignored: list[str], repair: bool) -> Iterator[Scene]:
    """The splat primitives of a mesh, in its own space."""
    where = f"meshes[{mesh}]"
    for number, primitive in enumerate(field(asset.item("meshes", mesh, where), "primitives", list, where, [])):
        name = f"{where}.primitives[{number}]"
        if not isinstance(primitive, dict):
            raise CorruptError(f"{asset.path}: {name} is not an object")
        extensions = field(primitive, "extensions", dict, name, {})
        if SPZ_DRAFT in extensions:
            yield _embedded(asset, primitive, field(extensions, SPZ_DRAFT, dict, name, {}), name, repair)
        elif SPLATS not in extensions:
            ignored.append(f"{name}, which is not made of splats")
        else:
            kind = field(extensions, SPLATS, dict, name, {})
            if kind.get("kernel", "ellipse") != "ellipse":
                raise UnsupportedFeatureError(
                    f"{asset.path}: {name} has kernel {kind['kernel']!r}; only ellipse is known"
                )
            packed = field(kind, "extensions", dict, name, {})
            spz_name = next((key for key in SPZ if key in packed), None)
            others = [key for key in packed if key != spz_name]
            if spz_name is not None:
                scene = _embedded(asset, primitive, field(packed, spz_name, dict, name, {}), name, repair)
            else:
                scene = _plain(asset, primitive, name, ignored, repair)
            space = kind.get("colorSpace", DISPLAY)
            named = str(space).encode(errors="replace").decode()  # JSON can hold half a surrogate pair
            comments = () if space == DISPLAY else (f"{COLOR_SPACE}{named}",)
            for key, usual in (("projection", "perspective"), ("sortingMethod", "cameraDistance")):
                if kind.get(key, usual) != usual:
                    ignored.append(f"{name}: {key} {kind[key]!r}")
            ignored += [f"{name}: extension {key}" for key in others]
            yield replace(scene, meta=replace(scene.meta, comments=comments))


def _embedded(
    asset: Asset, primitive: Mapping[str, Any], extension: Mapping[str, Any], name: str, repair: bool
) -> Scene:
    data = asset.view(extension.get("bufferView"), name)
    scene = spz.read_bytes(data, f"{asset.path}: SPZ of {name}", repair=repair)
    said = field(primitive, "attributes", dict, name, {}).get("POSITION")
    if said is not None:
        expected = asset.accessor_count(said, name)
        if expected != len(scene) + sum(scene.meta.dropped.values()):
            raise CorruptError(f"{asset.path}: {name} says {expected} splats, its SPZ holds {len(scene)}")
    return scene


def _plain(asset: Asset, primitive: Mapping[str, Any], name: str, ignored: list[str], repair: bool) -> Scene:
    attributes = field(primitive, "attributes", dict, name, {})
    if primitive.get("mode", 4) != 0:
        raise FormatError(f"{asset.path}: {name} has mode {primitive.get('mode', 4)}, splats are points (0)")
    degree = 0
    while degree < MAX_SH_DEGREE and f"{SPLATS}:SH_DEGREE_{degree + 1}_COEF_0" in attributes:
        degree += 1
    names = {
        "POSITION": "VEC3",
        f"{SPLATS}:ROTATION": "VEC4",
        f"{SPLATS}:SCALE": "VEC3",
        f"{SPLATS}:OPACITY": "SCALAR",
        **dict.fromkeys(_sh_names(degree), "VEC3"),
    }
    missing = [key for key in names if key not in attributes]
    if missing:
        raise FormatError(f"{asset.path}: {name} lacks {', '.join(missing)}")
    ignored += [f"{name}: attribute {key}" for key in attributes if key not in names and key != "COLOR_0"]
    splats = asset.accessor_count(attributes["POSITION"], name)
    columns: dict[str, NDArray[Any]] = {}
    for key, kind in names.items():
        values, normalized = asset.accessor(attributes[key], kind, f"{name} {key}")
        if len(values) != splats:
            raise CorruptError(f"{asset.path}: {name} {key} has {len(values)} elements, POSITION {splats}")
        columns[key] = _fractions(values) if normalized else values
    position, rotation, scale, opacity, *sh = (values.astype(np.float32) for values in columns.values())
    file = Linear(position, rotation, scale, opacity[:, 0], np.stack(sh, 1))
    # A draft of the extension stored logarithms of scales: of most splats these are negative, scales never.
    has_log_scales = bool(2 * np.count_nonzero(scale < 0) > scale.size)
    return scene_of(file, repair=repair, meta=SceneMeta(), has_log_scales=has_log_scales)


def _fractions(values: NDArray[Any]) -> NDArray[Any]:
    """Normalized integers as glTF defines them: c / max, and no less than -1."""
    if values.dtype.kind == "f":
        return values
    fractions: Floats = np.maximum(values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max), np.float32(-1))
    return fractions


def _meta(asset: Asset, meta: SceneMeta, ignored: tuple[str, ...]) -> SceneMeta:
    """What the file says beside the splats; what is not what it should be counts as absent."""
    about = field(asset.json, "asset", dict, str(asset.path), {})
    extras = about.get("extras")
    said = extras.get("splatzip") if isinstance(extras, dict) else None
    values = dict(said) if isinstance(said, dict) else {}
    values["licence"] = about.get("copyright")
    if asset.items("scenes"):
        values["title"] = asset.item("scenes", asset.json.get("scene", 0), "scene").get("name")
    told = SceneMeta.from_stored(values)
    facts = {name: getattr(told, name) for name in told.stored()}
    facts["comments"] = tuple(dict.fromkeys([*told.comments, *meta.comments]))
    return replace(meta, **facts, ignored=meta.ignored + ignored)
