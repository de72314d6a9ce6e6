"""glTF 2.0 without meshes: .glb and .gltf, buffers, views and accessors, every number checked against the bytes.

path  ->  Asset (JSON + buffers)  ->  arrays of accessors
JSON + arrays  ->  .glb, or .gltf with its .bin beside it
"""

from __future__ import annotations

import base64
import binascii
import errno
import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from splatzip.container import json_values
from splatzip.errors import CorruptError, FormatError, TruncatedError, UnsupportedFeatureError
from splatzip.formats.output import atomic_write

# Part of glTF.
GLB_MAGIC, GLB_VERSION, JSON_CHUNK, BIN_CHUNK = b"glTF", 2, b"JSON", b"BIN\0"
COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
FLOAT = 5126


@dataclass(frozen=True)
class Asset:
    """A parsed file: its JSON object, and where its buffers come from."""

    path: Path
    json: Mapping[str, Any]
    binary: memoryview | None  # the BIN chunk of a .glb
    buffers: dict[int, memoryview] = dataclass_field(default_factory=dict)  # those read so far
    files: dict[Path, memoryview] = dataclass_field(default_factory=dict)  # beside it; many buffers may name one

    def items(self, name: str) -> list[Any]:
        """A top-level list; empty if it is absent."""
        entries: list[Any] = field(self.json, name, list, str(self.path), [])
        return entries

    def item(self, name: str, index: Any, why: str) -> Mapping[str, Any]:
        """Entry `index` of a top-level list; `why` says who points at it."""
        entries = self.items(name)
        if type(index) is not int or not 0 <= index < len(entries):
            raise CorruptError(f"{self.path}: {why} points at {name}[{index}], there are {len(entries)}")
        if not isinstance(entries[index], dict):
            raise CorruptError(f"{self.path}: {name}[{index}] is not an object")
        return entries[index]  # type: ignore[no-any-return]

    def view(self, index: Any, why: str) -> memoryview:
        """The bytes of a buffer view."""
        where = f"{self.path}: bufferViews[{index}]"
        view = self.item("bufferViews", index, why)
        packed = field(view, "extensions", dict, where, {})
        if packed:
            raise UnsupportedFeatureError(f"{where} is compressed by {', '.join(packed)}; unpack it first")
        start, size = count(view, "byteOffset", where, 0), count(view, "byteLength", where)
        data = self._buffer(view.get("buffer"), where)
        if start + size > len(data):
            raise TruncatedError(f"{where} ends at byte {start + size}, its buffer has {len(data)}")
        return data[start : start + size]

    def accessor_count(self, index: Any, why: str) -> int:
        """How many elements an accessor says it has."""
        return count(self.item("accessors", index, why), "count", f"{self.path}: accessors[{index}]")

    def accessor(self, index: Any, kind: str, why: str) -> tuple[NDArray[Any], bool]:
        """The elements (count, width) of an accessor as stored, and whether integers stand for fractions."""
        where = f"{self.path}: accessors[{index}] ({why})"
        accessor = self.item("accessors", index, why)
        if "sparse" in accessor:
            raise UnsupportedFeatureError(f"{where} is sparse; write it as a plain accessor")
        component = count(accessor, "componentType", where)
        if accessor.get("type") != kind or component not in COMPONENTS:
            got = f"{accessor.get('type')} of component type {component}"
            raise FormatError(f"{where} is {got}, expected {kind} of a glTF component type")
        dtype = np.dtype(COMPONENTS[component])
        element = dtype.itemsize * WIDTHS[kind]
        elements, start = count(accessor, "count", where), count(accessor, "byteOffset", where, 0)
        if elements == 0:
            raise FormatError(f"{where} has no elements")
        if "bufferView" not in accessor:
            raise UnsupportedFeatureError(
                f"{where} has no bufferView, so an extension that is not known holds its data"
            )
        data = self.view(accessor["bufferView"], where)
        stride = count(self.item("bufferViews", accessor["bufferView"], where), "byteStride", where, 0) or element
        if stride < element or start + stride * (elements - 1) + element > len(data):
            raise CorruptError(
                f"{where}: {elements} elements of stride {stride} do not fit its view of {len(data)} bytes"
            )
        strides = (stride if elements > 1 else element, dtype.itemsize)  # a lone element's stride may be anything
        values: NDArray[Any] = np.ndarray((elements, WIDTHS[kind]), dtype, data, start, strides)
        return values, accessor.get("normalized") is True

    def _buffer(self, index: Any, why: str) -> memoryview:
        where = f"{self.path}: buffers[{index}]"
        buffer = self.item("buffers", index, why)
        if index in self.buffers:
            return self.buffers[index]
        size = count(buffer, "byteLength", where)
        uri = field(buffer, "uri", str, where, "")
        if uri:
            data = memoryview(_data_uri(uri, where)) if uri.startswith("data:") else self._beside(uri, where)
        elif index == 0 and self.binary is not None:
            data = self.binary
        else:
            raise FormatError(f"{where} has no uri, and there is no BIN chunk")
        if size > len(data):
            raise TruncatedError(f"{where} has {len(data)} bytes, its byteLength is {size}")
        self.buffers[index] = data[:size]
        return self.buffers[index]

    def _beside(self, uri: str, where: str) -> memoryview:
        name = Path(unquote(uri, errors="surrogateescape"))
        if ":" in uri or "\0" in str(name) or name.drive or name.is_absolute() or ".." in name.parts:
            raise FormatError(f"{where}: {uri[:60]!r} is not a file beside the .gltf; fetch it and name it relatively")
        try:
            file = Path(os.path.realpath(self.path.parent / name))
            if file not in self.files:
                if file.exists() and not file.is_file():  # a pipe or a device may have no end
                    raise OSError(errno.EINVAL, "not a file")
                self.files[file] = memoryview(file.read_bytes())
            return self.files[file]
        except (OSError, UnicodeEncodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "no file has this name"
            raise FormatError(f"{where}: {uri[:60]!r} cannot be read ({why}); it belongs beside the .gltf") from None


def field(record: Mapping[str, Any], name: str, kind: type, where: str, default: Any) -> Any:
    """A field of that JSON type, or the default where it is absent.

    Raises: CorruptError if it is something else.
    """
    value = record.get(name, default)
    if not isinstance(value, kind):
        raise CorruptError(f"{where}: {name} is not a JSON {kind.__name__}")
    return value


def count(record: Mapping[str, Any], name: str, where: str, default: int | None = None) -> int:
    """A field that is an integer from 0 up."""
    value = record.get(name, default)
    if type(value) is not int or value < 0:
        raise CorruptError(f"{where}: {name} is {value}, expected an integer from 0 up")
    return value


def load(path: Path) -> Asset:
    """Read a .glb or .gltf, told apart by content.

    Raises: FormatError (and its kinds) naming the chunk and byte offset.
    """
    data = memoryview(path.read_bytes())
    if data[:4] != GLB_MAGIC:
        return Asset(path, _json(data, path), None)
    if len(data) < 20:
        raise TruncatedError(f"{path}: {len(data)} bytes, a .glb has at least 20")
    version, length = struct.unpack_from("<II", data, 4)
    if version != GLB_VERSION:
        raise FormatError(f"{path}: .glb version {version}, only {GLB_VERSION} is known")
    if length != len(data):
        kind = TruncatedError if length > len(data) else CorruptError
        raise kind(f"{path}: {len(data)} bytes, the header at byte 8 says {length}")
    chunks, at = [], 12
    while at < length:
        if length - at < 8:
            raise TruncatedError(f"{path}: a chunk header at byte {at} is cut short")
        size = struct.unpack_from("<I", data, at)[0]
        if size > length - at - 8:
            raise TruncatedError(f"{path}: the chunk at byte {at} has {size} bytes, {length - at - 8} are left")
        chunks.append((bytes(data[at + 4 : at + 8]), data[at + 8 : at + 8 + size]))
        at += 8 + size
    if chunks[0][0] != JSON_CHUNK:
        raise CorruptError(f"{path}: the chunk at byte 12 is not JSON")
    binary = chunks[1][1] if len(chunks) > 1 and chunks[1][0] == BIN_CHUNK else None
    return Asset(path, _json(chunks[0][1], path), binary)


def bytes_of(path: Path) -> Path:
    """Where the bytes of a .gltf are written."""
    return path.with_name(path.name + ".bin")


def save(path: Path, asset: dict[str, Any], arrays: Sequence[NDArray[Any]]) -> None:
    """Write JSON and the arrays, one buffer view each, as the extension of `path` asks.

    `asset` gets its `buffers` and `bufferViews` here. A .gltf has its bytes in NAME.gltf.bin beside it.
    """
    views, at = [], 0
    for array in arrays:
        views.append({"buffer": 0, "byteOffset": at, "byteLength": array.nbytes})
        at += array.nbytes + -array.nbytes % 4
    buffer: dict[str, Any] = {"byteLength": at}
    asset |= {"buffers": [buffer], "bufferViews": views}
    if path.suffix.lower() == ".gltf":
        beside = bytes_of(path)
        buffer["uri"] = quote(beside.name, safe="", errors="surrogateescape")  # any name, also one that is no text
        with atomic_write(beside) as file:
            for array in arrays:
                file.write(_padded(array))
        with atomic_write(path) as file:
            file.write(json.dumps(asset, indent=1, ensure_ascii=False).encode())
        return
    text = json.dumps(asset, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    length = 12 + 8 + len(text) + 8 + at
    if length >= 1 << 32:
        raise FormatError(f"{path}: {length} bytes do not fit a .glb (4 GiB); write a .gltf")
    with atomic_write(path) as file:
        file.write(struct.pack("<4sII", GLB_MAGIC, GLB_VERSION, length))
        file.write(struct.pack("<I4s", len(text), JSON_CHUNK) + text + struct.pack("<I4s", at, BIN_CHUNK))
        for array in arrays:
            file.write(_padded(array))


def _padded(array: NDArray[Any]) -> bytes:
    data = array.tobytes()
    return data + b"\0" * (-len(data) % 4)


def _json(data: memoryview, path: Path) -> Mapping[str, Any]:
    try:
        value = json_values.loads(data)
    except ValueError as error:
        raise CorruptError(f"{path}: the JSON is damaged ({error})") from None
    if not isinstance(value, dict):
        raise CorruptError(f"{path}: the JSON is not an object")
    return value


def _data_uri(uri: str, where: str) -> bytes:
    head, comma, body = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise UnsupportedFeatureError(f"{where}: a data uri that is not base64")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CorruptError(f"{where}: the base64 is damaged ({error})") from None
