"""The header of a PLY file, read once and checked against the size of the file before anything is allocated.

plyfile trusts the counts of a header; a hostile one asks for terabytes. So the header is parsed here first, and plyfile
sees only files whose every element fits. Rows with lists, as those of a mesh's faces, have no size that a header tells:
they may only follow what is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from splatzip.errors import FormatError, TruncatedError

HEADER_LIMIT_BYTES = 1 << 18
MOST_ELEMENTS = 64  # every name is compared with every other
SCALARS: dict[str, str] = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "double": "f8", "float32": "f4", "float64": "f8"},
}
BYTE_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True)
class PlyElement:
    """One `element` of the header; the dtype is that of a row in the file (of a row in memory if ascii).

    Where a row has `lists`, the dtype lacks them, and so is not that of a row.
    """

    name: str
    count: int
    dtype: np.dtype[np.void]
    lists: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The properties, in file order."""
        return self.dtype.names or ()


@dataclass(frozen=True)
class PlyHeader:
    """A checked header: the file is long enough for every element that it announces."""

    ascii: bool
    elements: tuple[PlyElement, ...]
    comments: tuple[str, ...]
    obj_info: tuple[str, ...]
    size_bytes: int  # where the body starts
    trailing_bytes: int  # after the last element; 0 if ascii, or if nobody can tell

    def element(self, name: str) -> PlyElement | None:
        """The element of that name, or None."""
        return next((element for element in self.elements if element.name == name), None)

    def others(self, *known: str) -> list[PlyElement]:
        """The elements that hold something and have another name."""
        holding = [element for element in self.elements if element.count and (element.names or element.lists)]
        return [element for element in holding if element.name not in known]

    def offset_of(self, name: str) -> int:
        """Byte offset of the first row of a binary file's element."""
        offset = self.size_bytes
        for element in self.elements:
            if element.name == name:
                break
            offset += element.count * element.dtype.itemsize
        return offset


def read_header(path: Path) -> PlyHeader:
    """Parse and check the header of a file.

    Raises: FormatError, naming the line; TruncatedError, naming the bytes that are missing.
    """
    with path.open("rb") as file:
        head = file.read(HEADER_LIMIT_BYTES)
    lines, size_bytes = _lines(head, path)
    order = ""
    announced: list[tuple[str, int, dict[str, str]]] = []
    with_lists: set[str] = set()
    comments: list[str] = []
    obj_info: list[str] = []
    for number, line in enumerate(lines, 2):
        words = line.split()
        match words:
            case []:
                pass
            case ["comment", *_]:
                comments.append(line.strip()[len("comment ") :])
            case ["obj_info", *_]:
                obj_info.append(line.strip()[len("obj_info ") :])
            case ["format", kind, "1.0"] if kind in BYTE_ORDERS and not order:
                order = BYTE_ORDERS[kind]
            case ["element", name, count] if count.isascii() and count.isdigit() and len(count) < 19 and order:
                if len(announced) == MOST_ELEMENTS:
                    raise FormatError(f"{path}: header line {number}: more than {MOST_ELEMENTS} elements")
                if name in (element[0] for element in announced):
                    raise FormatError(f"{path}: header line {number}: a second element {name!r}")
                announced.append((name, int(count), {}))
            case ["property", "list", _, _, _] if announced:
                if announced[-1][0] == "vertex":
                    raise FormatError(f"{path}: header line {number}: element 'vertex' holds lists: not a splat scene")
                with_lists.add(announced[-1][0])
            case ["property", scalar, name] if announced and scalar in SCALARS:
                if name in announced[-1][2]:
                    raise FormatError(f"{path}: header line {number}: a second property {name!r}")
                announced[-1][2][name] = order + SCALARS[scalar]
            case _:
                raise FormatError(f"{path}: header line {number} is not PLY: {line[:60]!r}")
    if not order:
        raise FormatError(f"{path}: the header has no format line")
    elements = tuple(
        PlyElement(name, count, np.dtype(list(fields.items())), name in with_lists) for name, count, fields in announced
    )
    trailing = _check_sizes(elements, path, ascii=order == "=", body_bytes=path.stat().st_size - size_bytes)
    return PlyHeader(order == "=", elements, tuple(comments), tuple(obj_info), size_bytes, trailing)


def _lines(head: bytes, path: Path) -> tuple[list[str], int]:
    """The lines between `ply` and `end_header`, and where the body starts."""
    newline = b"\r\n" if head[3:5] == b"\r\n" else head[3:4]  # the first line decides, as for plyfile
    if head[:3] != b"ply" or newline not in (b"\n", b"\r", b"\r\n"):
        raise FormatError(f"{path}: does not start with a line 'ply'")
    end = head.find(newline + b"end_header" + newline)
    if end < 0:
        if re.search(rb"[\r\n]end_header[ \t]*[\r\n]", head[: -len(newline)]):
            raise FormatError(f"{path}: the line 'end_header' ends otherwise than the line 'ply'; write the file again")
        if len(head) < HEADER_LIMIT_BYTES:
            raise TruncatedError(f"{path}: the file ends at byte {len(head)}, inside the PLY header")
        raise FormatError(f"{path}: no end_header in the first {HEADER_LIMIT_BYTES} bytes")
    text = head[len(b"ply" + newline) : end].decode("utf-8", "replace")
    return text.split(newline.decode()), end + len(b"end_header") + 2 * len(newline)


def _check_sizes(elements: tuple[PlyElement, ...], path: Path, *, ascii: bool, body_bytes: int) -> int:
    """Refuse counts that the file cannot hold; returns how many bytes follow the last element."""
    needed, lists = 0, ""
    for element in elements:
        if element.count == 0:
            continue
        if element.lists:
            lists = element.name
        elif lists:
            raise FormatError(
                f"{path}: element {element.name!r} follows {lists!r}, which holds lists; write it last, or leave it out"
            )
        # A text value takes a digit and a separator at least, a list its length.
        row_bytes = 1 if lists else 2 * len(element.names) if ascii else element.dtype.itemsize
        needed += element.count * row_bytes
        if needed - ascii > body_bytes:  # the last separator of a text file may be missing
            raise TruncatedError(
                f"{path}: element {element.name!r} announces {element.count} rows, {needed} bytes after the header, "
                f"but {body_bytes} are there: {needed - body_bytes} bytes are missing{' at least' if ascii else ''}"
            )
    return 0 if ascii or lists else body_bytes - needed
