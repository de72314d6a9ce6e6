"""Open a file: check what is there and hand out chunks by key (docs/FORMAT.md 2 and 3).

Strict reading checks every byte before it hands out the first chunk. Partial reading keeps what is intact: runs whose
directory is intact, and in them the chunks whose checksum is right.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from splatzip.container import json_values
from splatzip.container.blocks import read_directory, read_header, read_index, read_root
from splatzip.container.index import Box, ChunkEntry, Root, RunEntry, Segment, SharedEntry
from splatzip.container.layout import HEADER_BYTES, REQUIRED_LIMIT, Kind
from splatzip.errors import CorruptError, FormatError, TruncatedError, UnsupportedFeatureError

_KNOWN_KINDS = {int(kind) for kind in Kind}
_STATIC = "scenes in time are not readable by this version"


@dataclass(frozen=True)
class ReadRun:
    """A run, its offset counted from the start of the file, with the chunks of its directory."""

    entry: RunEntry
    chunks: tuple[ChunkEntry, ...]


@dataclass(frozen=True)
class ContainerFile:
    """A checked file. `data` is the whole file, or what there is of it."""

    data: memoryview
    root: Root
    shared: tuple[SharedEntry, ...]  # absolute offsets
    runs: tuple[ReadRun, ...]
    missing: tuple[str, ...] = ()  # what a partial reading had to leave out, in words
    # (tile, tier) whose layer 0 a partial reading had to leave out, and its box
    lost: Mapping[tuple[int, int], Box] = field(default_factory=dict)
    _by_key: dict[tuple[int, int], SharedEntry] = field(default_factory=dict)

    def shared_payload(self, kind: Kind, id_: int = 0) -> memoryview | None:
        """The bytes of a (kind, id) chunk, or None."""
        entry = self._by_key.get((int(kind), id_))
        return None if entry is None else self.data[entry.offset : entry.offset + entry.size]

    def shared_json(self, kind: Kind) -> dict[str, Any]:
        """The object of a JSON chunk; empty if there is none.

        Raises: CorruptError.
        """
        payload = self.shared_payload(kind)
        try:
            values = {} if payload is None else json_values.loads(str(payload, "utf-8"))
        except ValueError as error:
            raise CorruptError(f"chunk ({int(kind)}, 0): it is not JSON: {error}") from None
        if not isinstance(values, dict):
            raise CorruptError(f"chunk ({int(kind)}, 0): it is not a JSON object")
        return values

    def lacks(self, what: str) -> FormatError:
        """The error where `what` is needed and not there: the file is damaged, or never had it."""
        if self.missing:
            return TruncatedError(f"nothing can be decoded: the file lacks {what} ({self.missing[0]})")
        return CorruptError(f"root: it does not list {what}")

    def shared_ids(self, kind: Kind) -> list[int]:
        """The ids that exist of a kind, ascending."""
        return sorted(id_ for k, id_ in self._by_key if k == int(kind))


def open_file(data: bytes | memoryview, *, strict: bool = True) -> ContainerFile:
    """Read the table of contents and check the file against it.

    Args:
        data: the file.
        strict: False keeps what is whole of a cut or damaged file and lists the rest in `missing`.
    Raises: NotSplatzipError, UnsupportedVersionError, UnsupportedFeatureError, TruncatedError, CorruptError.
    """
    view = memoryview(data).cast("B") if not isinstance(data, bytes) else memoryview(data)
    root_size, file_size, root_crc = read_header(view)
    if len(view) < file_size and strict:
        raise TruncatedError(
            f"the file is cut: {len(view)} of {file_size} bytes; "
            "decompress --partial decodes the tiers and tiles that are whole"
        )
    if len(view) > file_size and strict:
        raise CorruptError(f"{len(view) - file_size} bytes follow the end of the file at byte {file_size}")
    view = view[:file_size]
    root_bytes = _block(view, HEADER_BYTES, root_size, root_crc, "root")
    root = read_root(root_bytes, f"root at byte {HEADER_BYTES}")
    if len(root.segments) != 1:
        raise UnsupportedFeatureError(f"root at byte {HEADER_BYTES}: {len(root.segments)} segments; {_STATIC}")
    if root.segments[0] != Segment():
        raise UnsupportedFeatureError(f"root at byte {HEADER_BYTES}: its segment lasts or is predicted; {_STATIC}")
    base = HEADER_BYTES + root_size
    shared, runs = list(root.shared), list(root.runs)
    for number, index in enumerate(root.indexes):
        block = _block(view, base, index.size, index.crc, f"index block {number}")
        more_shared, more_runs = read_index(block, f"index block {number} at byte {base}")
        shared += more_shared
        runs += more_runs
        base += index.size
    shared = [SharedEntry(s.kind, s.id, base + s.offset, s.size, s.crc) for s in shared]
    runs = [replace(r, offset=base + r.offset) for r in runs]
    _check_entries(root, shared, runs, base, file_size)
    gaps = _Gaps(strict)
    good_shared = [s for s in shared if gaps.whole(view, s.offset, s.size, s.crc, f"chunk ({s.kind}, {s.id})")]
    directories = [(r, chunks) for r in runs if (chunks := _read_directory(view, root, r, gaps)) is not None]
    _check_cover(shared, runs, base, file_size)
    read_runs = tuple(ReadRun(r, _whole_chunks(view, r, chunks, gaps)) for r, chunks in directories)
    by_key = {(s.kind, s.id): s for s in good_shared}
    return ContainerFile(view, root, tuple(good_shared), read_runs, tuple(gaps.missing), gaps.lost, by_key)


class _Gaps:
    """What is not whole: an error where reading is strict, else a line in `missing`."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.missing: list[str] = []
        self.lost: dict[tuple[int, int], Box] = {}

    def add(self, error: FormatError) -> None:
        """Leave something out."""
        if self.strict:
            raise error
        self.missing.append(str(error))

    def whole(self, view: memoryview, offset: int, size: int, crc: int, name: str) -> bool:
        """Whether a block is there and its checksum right."""
        try:
            _block(view, offset, size, crc, name)
        except FormatError as error:
            self.add(error)
            return False
        return True


def _name(run: RunEntry) -> str:
    return f"segment {run.segment} tier {run.tier} layer {run.layer}"


def _check_entries(root: Root, shared: list[SharedEntry], runs: list[RunEntry], start: int, end: int) -> None:
    """The table of contents by itself: keys that exist, each once, and blocks that fit into the file.

    Before any checksum, so that no byte is summed again and again, however often a hostile file lists it.
    """
    for s in shared:
        if s.kind not in _KNOWN_KINDS and s.kind < REQUIRED_LIMIT:
            raise UnsupportedFeatureError(
                f"chunk ({s.kind}, {s.id}): this version does not know its kind and cannot skip it; use a newer one"
            )
    for r in runs:
        if r.segment >= len(root.segments) or r.tier >= root.tiers or r.layer >= root.layers:
            raise CorruptError(f"root at byte {HEADER_BYTES}: it lists {_name(r)}, which the scene does not have")
        if r.directory_size > r.size:
            raise CorruptError(f"root at byte {HEADER_BYTES}: the directory of {_name(r)} is larger than the run")
    keys = len({(s.kind, s.id) for s in shared}) + len({(r.segment, r.tier, r.layer) for r in runs})
    if keys != len(shared) + len(runs):
        raise CorruptError(f"root at byte {HEADER_BYTES}: a chunk or a run is listed twice")
    for name, offset, size in [(f"chunk ({s.kind}, {s.id})", s.offset, s.size) for s in shared] + [
        (_name(r), r.offset, r.size) for r in runs
    ]:
        if offset + size > end:
            raise TruncatedError(f"{name} at byte {offset}: its {size} bytes reach beyond the end at byte {end}")
    listed = sum(s.size for s in shared) + sum(r.directory_size for r in runs)
    if listed > end - start:
        raise CorruptError(
            f"root at byte {HEADER_BYTES}: it lists {listed} bytes, where {end - start} are: they overlap"
        )


def _check_cover(shared: list[SharedEntry], runs: list[RunEntry], start: int, end: int) -> None:
    """Chunks must fill the file without gap or overlap, so that checksums cover every byte, and each byte once."""
    for offset, size in sorted([(s.offset, s.size) for s in shared] + [(r.offset, r.size) for r in runs]):
        if offset != start:
            raise CorruptError(f"byte {min(offset, start)}: chunks leave a gap or overlap")
        start += size
    if start != end:
        raise CorruptError(f"byte {start}: {end - start} bytes belong to no chunk")


def _read_directory(view: memoryview, root: Root, run: RunEntry, gaps: _Gaps) -> list[ChunkEntry] | None:
    """The chunks that a run lists; None if its directory is not whole."""
    where = f"directory of {_name(run)}"
    try:
        block = _block(view, run.offset, run.directory_size, run.directory_crc, where)
        where = f"{where} at byte {run.offset}"
        first = run.offset + run.directory_size
        chunks = read_directory(block, where, first_offset=first, scene_box=root.box)
        if first + sum(c.size for c in chunks) != run.offset + run.size:
            raise CorruptError(f"{where}: its chunks do not fill the run")
    except FormatError as error:
        gaps.add(error)
        return None
    return chunks


def _whole_chunks(view: memoryview, run: RunEntry, chunks: list[ChunkEntry], gaps: _Gaps) -> tuple[ChunkEntry, ...]:
    good = tuple(c for c in chunks if gaps.whole(view, c.offset, c.size, c.crc, f"tile {c.tile} of {_name(run)}"))
    if run.layer == 0:
        gaps.lost |= {(c.tile, run.tier): c.box for c in set(chunks) - set(good)}
    return good


def _block(view: memoryview, offset: int, size: int, crc: int, name: str) -> memoryview:
    if offset + size > len(view):
        raise TruncatedError(f"{name} at byte {offset}: cut after {max(0, len(view) - offset)} of {size} bytes")
    block = view[offset : offset + size]
    if zlib.crc32(block) != crc:
        raise CorruptError(f"{name} at byte {offset}: the checksum is wrong; the file was damaged")
    return block
