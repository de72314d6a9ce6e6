"""The only module that imports OpenUSD (pxr), and what `usd_child` runs in a process of its own.

    layers  ->  stage  ->  prims of splats, instances too  ->  messages: about the stage, then one a prim
    a message of arrays  ->  a prim under a default prim  ->  layer

Layers that a file is made of are followed in its folder and below, in its package too, and nowhere else: each is
looked for before any is composed. What a file may cost, in memory and processor time, follows from the bytes it has.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

POSITIONS, RADIANCE = "positions", "radiance:sphericalHarmonics"
ARRAYS = {POSITIONS: 3, "orientations": 4, "scales": 3, "opacities": 1, f"{RADIANCE}Coefficients": 3}  # and their width
LAYERS = (".usd", ".usda", ".usdc", ".usdz")
MOST_LAYERS, MOST_PRIMS = 1_000, 300_000
MEMORY_BYTES, MEMORY_RATIO = 4 << 30, 16  # of address space: the libraries alone take 1 GB of it
SECONDS, BYTES_PER_SECOND = 30, 1_000_000  # of processor time
SH_C0 = 0.28209479177387814
REACH = 3.0  # standard deviations: as far as the schema says that a splat reaches
Message = tuple[dict[str, Any], dict[str, NDArray[Any]]]


class Refused(Exception):
    """A file, or what it asks for, is not right; the text says why, without the file's name."""


@dataclass
class Found:
    """A prim of splats, and the world matrices (4, 4) of its instances, for row vectors."""

    prim: Any
    matrices: list[Any] = field(default_factory=list)


def main() -> None:
    """`usd_child` calls this with a verb and a path, and a message on stdin; answers are messages on stdout."""
    verb, path = sys.argv[1:]
    message = receive(sys.stdin.buffer)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints is no message
    try:
        try:
            from pxr import Tf, UsdVol
        except ImportError as error:
            raise Refused(f"usd-core cannot be imported ({error})") from None
        if not hasattr(UsdVol, "ParticleField3DGaussianSplat"):
            raise Refused("usd-core is older than 26.3")
        verbs = {"read": _read, "layers": _layers}
        try:
            for about, arrays in _write(path, message) if verb == "write" and message else verbs[verb](path):
                send(out, about, arrays)
        except Tf.ErrorException as error:
            raise Refused(_one_line(error)) from None
    except Refused as error:
        send(out, {"refused": str(error)}, {})
    out.close()
    os._exit(0)  # the library takes its time to free what goes anyway


def _end_with_the_parent() -> None:
    """Its end of stdin stays open as long as it lives, however it ends."""
    os.read(0, 1)
    os._exit(1)


def send(file: IO[bytes], about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a message: a line of JSON, then the bytes of the arrays."""
    shapes = {name: [array.dtype.str, *array.shape] for name, array in arrays.items()}
    file.write(json.dumps({**about, "arrays": shapes}).encode() + b"\n")
    for array in arrays.values():
        file.write(np.ascontiguousarray(array).data)
    file.flush()


def receive(file: IO[bytes]) -> Message | None:
    """Read a message; None at the end, and where one is cut."""
    line = file.readline()
    if not line.endswith(b"\n"):
        return None
    about = json.loads(line)
    arrays = {}
    for name, (dtype, *shape) in about.pop("arrays").items():
        array: NDArray[Any] = np.empty(shape, dtype)
        data = array.reshape(-1).view(np.uint8).data
        at = 0
        while at < len(data):
            got = file.readinto(data[at:])  # type: ignore[attr-defined]
            if not got:
                return None
            at += got
        arrays[name] = array
    return about, arrays


def _layers(path: str) -> Iterator[Message]:
    """The files that a file is made of."""
    yield {"files": list(_opened(path)[1])}, {}


def _read(path: str) -> Iterator[Message]:
    from pxr import Usd, UsdGeom

    root, files = _opened(path)
    stage = Usd.Stage.Open(root)
    broken = stage.GetCompositionErrors()
    if broken:
        raise Refused(f"its layers do not fit together: {_one_line(broken[0])}")
    about: dict[str, Any] = {"up": str(UsdGeom.GetStageUpAxis(stage)), "file_bytes": sum(files.values())}
    if UsdGeom.StageHasAuthoredMetersPerUnit(stage):
        about["metres"] = UsdGeom.GetStageMetersPerUnit(stage)
    named = stage.GetDefaultPrim()
    about["title"] = named.GetDisplayName() if named else ""
    about["said"] = str(root.customLayerData.get("splatzip", ""))
    ignored: list[str] = []
    found = list(_splats(stage, ignored))
    yield about | {"prims": len(found), "ignored": ignored}, {}
    for one in found:
        yield _values(one)


def _opened(path: str) -> tuple[Any, dict[str, int]]:
    """The root layer, and the sizes of all files that its stage is made of, by path.

    Raises: Refused if one is not in the folder of the first.
    """
    from pxr import Ar, Sdf

    folder, resolver = os.path.dirname(path), Ar.GetResolver()
    files: dict[str, int] = {}
    layers: dict[str, Any] = {}
    waiting = [path]
    while waiting:
        name = waiting.pop()
        file = Ar.SplitPackageRelativePathOuter(name)[0]
        if file not in files:
            files[file] = os.path.getsize(file)
            _bound(sum(files.values()))
        if len(layers) >= MOST_LAYERS:
            raise Refused(f"it is made of more than {MOST_LAYERS} layers")
        layers[name] = layer = Sdf.Layer.FindOrOpen(name)
        if layer is None:
            raise Refused(f"{os.path.basename(name)!r} cannot be read as a layer of USD")
        for asset in filter(None, layer.GetCompositionAssetDependencies()):  # none is a prim of the same layer
            bare = Sdf.Layer.SplitIdentifier(asset)[0]
            whole = resolver.Resolve(Sdf.ComputeAssetPathRelativeToLayer(layer, bare)).GetPathString()
            outer = os.path.abspath(Ar.SplitPackageRelativePathOuter(whole)[0]) if whole else ""
            near = os.path.commonpath([outer, folder]) == folder if outer else False
            if not (near and os.path.isfile(outer) and whole.rstrip("]").lower().endswith(LAYERS)):
                raise Refused(
                    f"{asset[:80]!r} is no layer of USD in its folder, and nothing else is followed; "
                    "bring it there, or name the layer that holds the splats"
                )
            if whole not in layers and whole not in waiting:
                waiting.append(whole)
    return layers[path], files


def _bound(file_bytes: int) -> None:
    """Let the rest take no more memory and processor time than such files may."""
    with suppress(ImportError, ValueError, OSError):  # not everywhere, and not above what whoever started us allows
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for kind, most in (
            (resource.RLIMIT_AS, MEMORY_BYTES + MEMORY_RATIO * file_bytes),
            (resource.RLIMIT_CPU, SECONDS + file_bytes // BYTES_PER_SECOND),
        ):
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _splats(stage: Any, ignored: list[str]) -> Iterator[Found]:
    """Every prim of splats that is drawn, with the matrices of its instances; adds to `ignored` what is passed by."""
    from pxr import Usd, UsdGeom, UsdVol

    found: dict[Any, Found] = {}
    others = Counter[str]()
    caches: dict[bool, Any] = {}
    walk = iter(Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies()))
    for number, prim in enumerate(walk):
        if number >= MOST_PRIMS:
            raise Refused(f"it has more than {MOST_PRIMS} prims")
        shown = UsdGeom.Imageable(prim)
        if shown and shown.GetVisibilityAttr().Get() == UsdGeom.Tokens.invisible:
            ignored.append(f"{prim.GetPath()} and what is below it: invisible")
            walk.PruneChildren()
        elif prim.IsA(UsdGeom.PointInstancer):
            others["PointInstancer"] += 1
            walk.PruneChildren()
        elif not prim.IsA(UsdVol.ParticleField):
            if prim.IsA(UsdGeom.Gprim) or prim.IsA(UsdGeom.Camera):
                others[str(prim.GetTypeName())] += 1
        elif not prim.HasAPI(UsdVol.ParticleFieldKernelGaussianEllipsoidAPI):
            ignored.append(f"{prim.GetPath()}: a ParticleField whose kernel is not the Gaussian ellipsoid")
        elif shown.ComputePurpose() in (UsdGeom.Tokens.proxy, UsdGeom.Tokens.guide):
            ignored.append(f"{prim.GetPath()}: its purpose is {shown.ComputePurpose()}")
        else:
            source = prim.GetPrimInPrototype() if prim.IsInstanceProxy() else prim
            early = _only_sampled(prim)
            time = Usd.TimeCode.EarliestTime() if early else Usd.TimeCode.Default()
            cache = caches.setdefault(early, UsdGeom.XformCache(time))
            one = found.setdefault(source.GetPath(), Found(source))
            one.matrices.append(np.array(cache.GetLocalToWorldTransform(prim)))
            if source is prim:
                ignored += _hints(prim)
    ignored += [f"{count} {kind}" for kind, count in sorted(others.items())]
    return iter(found.values())


def _only_sampled(prim: Any) -> bool:
    """Whether what moves a prim has samples in time but no value beside them.

    Raises: Refused for value clips: files that are named where nothing else looks.
    """
    from pxr import UsdGeom

    early = False
    while prim:
        if prim.HasAuthoredMetadata("clips"):
            raise Refused(f"{prim.GetPath()} has value clips; flatten it first")
        for op in UsdGeom.Xformable(prim).GetOrderedXformOps() if prim.IsA(UsdGeom.Xformable) else ():
            early |= op.GetAttr().Get() is None and op.GetAttr().GetNumTimeSamples() > 0
        prim = prim.GetParent()
    return early


def _hints(prim: Any) -> Iterator[str]:
    """What a prim says of itself that is not heeded."""
    for name, usual in (("projectionModeHint", "perspective"), ("colorSpace:name", "srgb")):
        attribute = prim.GetAttribute(name)
        value = str(attribute.Get()) if attribute and attribute.HasAuthoredValue() else usual
        if not value.startswith(usual):
            yield f"{prim.GetPath()}: {name} {value!r}"
    for name in ARRAYS:
        if any(prim.GetAttribute(name + kind).GetNumTimeSamples() > 1 for kind in ("", "h")):
            yield f"{prim.GetPath()}: {name} at all times but the first"


def _values(one: Found) -> Message:
    """The arrays of a prim as they are: of each the float one, else the one of half floats, else none."""
    from pxr import Usd

    arrays = {}
    for name, width in ARRAYS.items():
        for kind in ("", "h"):
            attribute = one.prim.GetAttribute(name + kind)
            value = attribute.Get()
            value = attribute.Get(Usd.TimeCode.EarliestTime()) if value is None else value
            if value is None:
                continue
            array, typed = np.asarray(value), type(value).__name__
            array = array[:, None] if array.ndim == 1 else array
            if array.dtype.kind != "f" or array.shape[1:] != (width,) or typed.startswith("Quat") != (width == 4):
                raise Refused(f"{one.prim.GetPath()}: {name + kind} is a {typed}, which the schema does not know")
            if not len(array):
                continue
            arrays[name] = array
            break
    degree = one.prim.GetAttribute(f"{RADIANCE}Degree").Get()
    about = {"path": str(one.prim.GetPath()), "degree": degree, "matrices": [m.tolist() for m in one.matrices]}
    return about, arrays


def _write(path: str, message: Message) -> Iterator[Message]:
    """Write a message to a new file."""
    from pxr import Sdf, Usd, UsdGeom, UsdVol, Vt

    about, arrays = message
    positions, rotations, scales, opacities, sh = arrays.values()
    layer = Sdf.Layer.CreateNew(path)
    stage = Usd.Stage.Open(layer)
    UsdGeom.SetStageUpAxis(stage, about["up"])
    UsdGeom.SetStageMetersPerUnit(stage, about["metres"])
    world = UsdGeom.Xform.Define(stage, "/World")
    stage.SetDefaultPrim(world.GetPrim())
    if about["title"]:
        world.GetPrim().SetDisplayName(about["title"])
    if about["said"]:
        layer.customLayerData = {"splatzip": about["said"]}
    if any(about["origin"]):
        world.AddTranslateOp().Set(tuple(about["origin"]))
    splats = UsdVol.ParticleField3DGaussianSplat.Define(stage, "/World/Splats")
    splats.CreatePositionsAttr(Vt.Vec3fArray.FromNumpy(positions))
    splats.CreateOrientationsAttr(Vt.QuatfArray.FromNumpy(rotations))
    splats.CreateScalesAttr(Vt.Vec3fArray.FromNumpy(scales))
    splats.CreateOpacitiesAttr(Vt.FloatArray.FromNumpy(opacities))
    splats.CreateRadianceSphericalHarmonicsDegreeAttr(about["degree"])
    radiance = splats.CreateRadianceSphericalHarmonicsCoefficientsAttr(Vt.Vec3fArray.FromNumpy(sh.reshape(-1, 3)))
    primvar = UsdGeom.Primvar(radiance)
    primvar.SetElementSize(sh.shape[1])
    primvar.SetInterpolation(UsdGeom.Tokens.vertex)
    colors = np.clip(0.5 + SH_C0 * sh[:, 0], 0, 1).astype(np.float32)
    splats.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex).Set(Vt.Vec3fArray.FromNumpy(colors))
    splats.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(_extent(positions, rotations, scales)))
    if not layer.Save():
        raise Refused("the layer could not be saved")
    yield {"bytes": Path(path).stat().st_size}, {}


def _extent(positions: NDArray[Any], rotations: NDArray[Any], scales: NDArray[Any]) -> NDArray[np.float32]:
    """(2, 3) corners of the box around all splats, as far as they reach."""
    x, y, z, w = rotations.T.astype(np.float64)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    wide = scales.astype(np.float64)
    reach = REACH * np.stack([np.sqrt(sum((row[k] * wide[:, k]) ** 2 for k in range(3))) for row in rows], 1)
    most = np.finfo(np.float32).max
    corners = np.stack([(positions - reach).min(0), (positions + reach).max(0)])
    return corners.clip(-most, most).astype(np.float32)


def _one_line(error: Any) -> str:
    """The library's words without the places in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0].partition(" : ")[2] or lines[0] if lines else "no words"
    return text.strip("' ")[:300]
