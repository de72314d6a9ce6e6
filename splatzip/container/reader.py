"""Open a file: check what is there and hand out chunks by key (docs/FORMAT.md 2 and 3).

Strict reading checks every byte before it hands out the first chunk. Partial reading keeps whatever prefix of the
file is whole: runs whose directory is whole, and in them the chunks whose checksum is right.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from splatzip.container.blocks import read_directory, read_header, read_index, read_root
from splatzip.container.index import ChunkEntry, Root, RunEntry, SharedEntry
from splatzip.container.layout import HEADER_BYTES, REQUIRED_LIMIT, Kind
from splatzip.errors import CorruptError, FormatError, TruncatedError, UnsupportedFeatureError

_KNOWN_KINDS = {int(kind) for kind in Kind}
_STATIC = "scenes in time are not readable by this version"


@dataclass(frozen=True)
class ReadRun:
    """A run with the chunks of its directory."""

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
    lost: frozenset[tuple[int, int]] = frozenset()  # (tile, tier) whose layer 0 a partial reading had to leave out
    _by_key: dict[tuple[int, int], SharedEntry] = field(default_factory=dict)

    def shared_payload(self, kind: Kind, id_: int = 0) -> memoryview | None:
        """The bytes of a (kind, id) chunk, or None."""
        entry = self._by_key.get((int(kind), id_))
        return None if entry is None else self.data[entry.offset : entry.offset + entry.size]

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
            f"the file is cut: {len(view)} of {file_size} bytes; --partial decodes the tiers and tiles that are whole"
        )
    if len(view) > file_size and strict:
        raise CorruptError(f"{len(view) - file_size} bytes follow the end of the file at byte {file_size}")
    view = view[:file_size]
    root_bytes = _block(view, HEADER_BYTES, root_size, root_crc, "root")
    root = read_root(root_bytes, f"root at byte {HEADER_BYTES}")
    if len(root.segments) != 1:
        raise UnsupportedFeatureError(f"root at byte {HEADER_BYTES}: {len(root.segments)} segments; {_STATIC}")
    base = HEADER_BYTES + root_size
    shared, runs = list(root.shared), list(root.runs)
    for number, index in enumerate(root.indexes):
        block = _block(view, base, index.size, index.crc, f"index block {number}")
        more_shared, more_runs = read_index(block, f"index block {number} at byte {base}")
        shared += more_shared
        runs += more_runs
        base += index.size
    return _check_body(view, file_size, root, base, shared, runs, strict)


def _check_body(
    view: memoryview,
    file_size: int,
    root: Root,
    base: int,
    shared: list[SharedEntry],
    runs: list[RunEntry],
    strict: bool,
) -> ContainerFile:
    spans: list[tuple[int, int]] = []
    missing: list[str] = []
    lost: set[tuple[int, int]] = set()
    good_shared: list[SharedEntry] = []
    for s in shared:
        if s.kind not in _KNOWN_KINDS and s.kind < REQUIRED_LIMIT:
            raise UnsupportedFeatureError(f"chunk ({s.kind}, {s.id}): this version does not know that required kind")
        s = SharedEntry(s.kind, s.id, base + s.offset, s.size, s.crc)
        spans.append((s.offset, s.size))
        try:
            _block(view, s.offset, s.size, s.crc, f"chunk ({s.kind}, {s.id})")
            good_shared.append(s)
        except FormatError as error:
            if strict:
                raise
            missing.append(str(error))
    read_runs: list[ReadRun] = []
    for r in runs:
        name = f"segment {r.segment} tier {r.tier} layer {r.layer}"
        if r.segment >= len(root.segments) or r.tier >= root.tiers or r.layer >= root.layers:
            raise CorruptError(f"root at byte {HEADER_BYTES}: it lists {name}, which it does not have")
        offset = base + r.offset
        spans.append((offset, r.size))
        try:
            block = _block(view, offset, r.directory_size, r.directory_crc, f"directory of {name}")
            first = offset + r.directory_size
            where = f"directory of {name} at byte {offset}"
            chunks = read_directory(block, where, first_offset=first, scene_box=root.box)
            if first + sum(c.size for c in chunks) != offset + r.size:
                raise CorruptError(f"{where}: its chunks do not fill the run")
        except FormatError as error:
            if strict:
                raise
            missing.append(str(error))
            continue
        good = []
        for c in chunks:
            try:
                _block(view, c.offset, c.size, c.crc, f"tile {c.tile} of {name}")
                good.append(c)
            except FormatError as error:
                if strict:
                    raise
                missing.append(str(error))
                if r.layer == 0:
                    lost.add((c.tile, r.tier))
        read_runs.append(ReadRun(r, tuple(good)))
    _check_cover(spans, base, file_size)
    by_key = {(s.kind, s.id): s for s in good_shared}
    if len(by_key) != len(good_shared) or len({(r.segment, r.tier, r.layer) for r in runs}) != len(runs):
        raise CorruptError(f"root at byte {HEADER_BYTES}: a key is listed twice")
    return ContainerFile(view, root, tuple(good_shared), tuple(read_runs), tuple(missing), frozenset(lost), by_key)


def _block(view: memoryview, offset: int, size: int, crc: int, name: str) -> memoryview:
    if offset + size > len(view):
        raise TruncatedError(f"{name} at byte {offset}: cut after {max(0, len(view) - offset)} of {size} bytes")
    block = view[offset : offset + size]
    if zlib.crc32(block) != crc:
        raise CorruptError(f"{name} at byte {offset}: the checksum is wrong; the file was damaged")
    return block


def _check_cover(spans: list[tuple[int, int]], start: int, end: int) -> None:
    """Chunks must fill the file without gap or overlap, so that checksums cover every byte."""
    for offset, size in sorted(spans):
        if offset != start:
            raise CorruptError(f"byte {min(offset, start)}: chunks leave a gap or overlap")
        start += size
    if start != end:
        raise CorruptError(f"byte {start}: {end - start} bytes belong to no chunk")
