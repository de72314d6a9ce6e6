"""SPZ files as bytes: versions 1 to 3 (one gzip stream) and 4 (zstd streams behind a table of contents).

    bytes  <->  QuantizedSource(format="spz")          what the codes mean: splatzip/formats/spz.py

Every count is checked against the bytes that exist before memory is allocated: beyond `ALWAYS_ALLOWED`, a file may
inflate to `MOST_RATIO` times its size (real ones: to 4 times), and never beyond what its header's counts call for.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from splatzip.errors import CorruptError, FormatError, TruncatedError, UnsupportedFeatureError
from splatzip.kernels.dequantize_spz import AXES, DEFAULT_AXES
from splatzip.scene import QuantizedSource
from splatzip.scene.attributes import MAX_SH_DEGREE, sh_rest_count

# Part of SPZ: magic and first version of the zstd container, flags, the record that names the file's axes.
MAGIC = b"NGSP"
GZIP = b"\x1f\x8b"
ZSTD_VERSION = 4
FLAG_ANTIALIASED, FLAG_RECORDS = 1, 2
FLAG_TREE = 0x80  # not of SPZ: Spark's tree of detail levels, whose opacities have another scale
RECORD_AXES = 0xADBE0003
HEADER = struct.Struct("<4sIIBBB")  # magic, version, splats, SH degree, fractional bits, flags
LEGACY_BYTES, HEADER_BYTES, ENTRY_BYTES = 16, 32, 16
STREAMS = ("positions", "alphas", "colors", "scales", "rotations", "sh")

MOST_RATIO, ALWAYS_ALLOWED = 100, 1 << 26  # inflated bytes a byte of the file; what even a tiny file may hold
MOST_RECORD_BYTES = 1 << 24
ZSTD_LEVEL = 12  # the reference writer's
Bytes = bytes | memoryview


def stream_widths(version: int, degree: int) -> dict[str, int]:
    """Bytes a splat of each stream, in file order."""
    widths = (6 if version == 1 else 9, 1, 3, 3, 4 if version >= 3 else 3, 3 * sh_rest_count(degree))
    return dict(zip(STREAMS, widths, strict=True))


def parse(data: Bytes, name: str) -> tuple[QuantizedSource, tuple[str, ...]]:
    """Read a whole SPZ file.

    Args:
        name: what errors call the file.
    Returns: its codes, and what it holds beside them that is not carried, one line each.
    Raises: FormatError (and its kinds) naming the byte offset.
    """
    data = memoryview(data)
    if data[:4] == MAGIC:
        return _parse_zstd(data, name)
    if data[:2] == GZIP:
        return _parse_gzip(data, name)
    raise FormatError(f"{name}: neither NGSP nor gzip at byte 0; not an SPZ file")


def serialize(source: QuantizedSource) -> bytes:
    """The file of these codes; `source.version` 1 to 4 chooses the container.

    A table of contents, sizes and compression are made anew, everything else is written as it was read.
    Raises: FormatError if the header fields or records are not those of an SPZ (a .splatz carries them unchecked).
    """
    try:
        start, reserved, records = _pack_header(source)
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise FormatError(f"the header fields of the SPZ source are not those of a file: {error!r}") from None
    streams = [_pack_stream(source, name) for name in STREAMS]
    if source.version < ZSTD_VERSION:
        deflate = zlib.compressobj(wbits=16 + zlib.MAX_WBITS, memLevel=9)
        body = b"".join([start, reserved.ljust(1, b"\0")[:1], *streams, records])
        return deflate.compress(body) + deflate.flush()
    streams = [stream for stream in streams if stream]
    packed = _compressed(streams)
    toc = b"".join(struct.pack("<QQ", len(p), len(s)) for p, s in zip(packed, streams, strict=True))
    where = struct.pack("<BI", len(packed), HEADER_BYTES + len(records))
    return b"".join([start, where, reserved.ljust(12, b"\0")[:12], records, toc, *packed])


def _compressed(streams: Sequence[bytes]) -> list[bytes]:
    """Each for itself: zstandard lets go of the GIL, and a context is not shared between threads."""

    def compress(stream: bytes) -> bytes:
        try:
            return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(stream)
        except zstandard.ZstdError as error:  # any bytes can be compressed, if there is memory
            raise MemoryError(str(error)) from error

    try:
        with ThreadPoolExecutor() as pool:
            return list(pool.map(compress, streams))
    except RuntimeError:  # no thread can be started
        return list(map(compress, streams))


def _pack_header(source: QuantizedSource) -> tuple[bytes, bytes, bytes]:
    """The start that all versions share, the reserved bytes, the records."""
    header = source.header
    records = b"".join(struct.pack("<II", kind, len(payload)) + payload for kind, payload in source.records)
    flags = header["flags"] | (FLAG_RECORDS if records else 0)
    start = HEADER.pack(MAGIC, source.version, source.splats, header["sh_degree"], header["fractional_bits"], flags)
    return start, bytes.fromhex(header.get("reserved", "")), records


def _parse_gzip(data: memoryview, name: str) -> tuple[QuantizedSource, tuple[str, ...]]:
    inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        head = inflate.decompress(data, LEGACY_BYTES)
        if len(head) < LEGACY_BYTES:
            raise TruncatedError(f"{name}: {len(head)} bytes in the gzip stream, an SPZ header has {LEGACY_BYTES}")
        version, splats, header = _header(head, name, range(1, ZSTD_VERSION))
        header["reserved"] = head[15:16].hex()
        widths = stream_widths(version, header["sh_degree"])
        body_bytes = splats * sum(widths.values())
        _check_ratio(body_bytes, len(data), splats, name)
        most = body_bytes + (MOST_RECORD_BYTES if header["flags"] & FLAG_RECORDS else 0)
        body = memoryview(inflate.decompress(inflate.unconsumed_tail, most + 1))
    except zlib.error as error:
        raise CorruptError(f"{name}: the gzip stream is damaged ({error})") from None
    if len(body) > most:
        raise CorruptError(f"{name}: the gzip stream continues after the {splats} splats of its header")
    if not inflate.eof:
        raise TruncatedError(
            f"{name}: the gzip stream ends {max(body_bytes - len(body), 0)} bytes early; copy it again"
        )
    if inflate.unused_data:
        raise CorruptError(f"{name}: {len(inflate.unused_data)} bytes after the gzip stream do not belong to it")
    if len(body) < body_bytes:
        raise TruncatedError(f"{name}: {len(body)} bytes of splats, {splats} splats need {body_bytes}")
    streams, at = [], 0
    for width in widths.values():
        streams.append(body[at : at + splats * width])
        at += splats * width
    records = tuple(_records(body[at:], LEGACY_BYTES + at, name))
    return _source(version, splats, header, streams, records, name), ()


def _parse_zstd(data: memoryview, name: str) -> tuple[QuantizedSource, tuple[str, ...]]:
    if len(data) < HEADER_BYTES:
        raise TruncatedError(f"{name}: {len(data)} bytes, an SPZ header has {HEADER_BYTES}")
    version, splats, header = _header(data, name, range(ZSTD_VERSION, ZSTD_VERSION + 1))
    count, toc = struct.unpack_from("<BI", data, 15)
    header["reserved"] = bytes(data[20:HEADER_BYTES]).hex()
    widths = {key: width for key, width in stream_widths(version, header["sh_degree"]).items() if width}
    _check_ratio(splats * sum(widths.values()), len(data), splats, name)
    if count != len(widths):
        raise CorruptError(f"{name}: {count} streams at byte 15, SH degree {header['sh_degree']} has {len(widths)}")
    at = toc + count * ENTRY_BYTES
    if toc < HEADER_BYTES or at > len(data):
        raise CorruptError(f"{name}: the table of contents at byte {toc} is outside the file of {len(data)} bytes")
    between, ignored = data[HEADER_BYTES:toc], []
    records: tuple[tuple[int, bytes], ...] = ()
    if header["flags"] & FLAG_RECORDS:
        records = tuple(_records(between, HEADER_BYTES, name))
    elif between:
        ignored.append(f"{len(between)} bytes between header and table of contents")
    streams: dict[str, Bytes] = dict.fromkeys(STREAMS, b"")
    for i, (key, width) in enumerate(widths.items()):
        packed, unpacked = struct.unpack_from("<QQ", data, toc + i * ENTRY_BYTES)
        if unpacked != splats * width:
            raise CorruptError(f"{name}: stream {key} has {unpacked} bytes, {splats} splats need {splats * width}")
        if packed > len(data) - at:
            raise TruncatedError(f"{name}: stream {key} at byte {at} has {packed} bytes, {len(data) - at} are left")
        streams[key] = _unpack_zstd(data[at : at + packed], unpacked, f"{name}: stream {key} at byte {at}")
        at += packed
    if at != len(data):
        raise CorruptError(f"{name}: {len(data) - at} bytes after the last stream at byte {at} do not belong to it")
    return _source(version, splats, header, [streams[key] for key in STREAMS], records, name), tuple(ignored)


def _header(head: Bytes, name: str, versions: range) -> tuple[int, int, dict[str, Any]]:
    magic, version, splats, degree, bits, flags = HEADER.unpack_from(head)
    if magic != MAGIC:
        raise FormatError(f"{name}: no NGSP at the start of the gzip stream; not an SPZ file")
    if version not in versions:
        raise FormatError(f"{name}: SPZ version {version} in this container is not known; 1 to 3 are gzip, 4 is zstd")
    if flags & FLAG_TREE:
        raise UnsupportedFeatureError(
            f"{name}: Spark's detail levels in one tree (flag 128 at byte 14), not a scene; convert what it is made of"
        )
    if splats == 0:
        raise FormatError(f"{name}: the file says it holds no splats (byte 8)")
    if degree > MAX_SH_DEGREE:
        raise FormatError(f"{name}: SH degree {degree} at byte 12 is above {MAX_SH_DEGREE}")
    if bits > 30:
        raise FormatError(f"{name}: {bits} fractional bits at byte 13; positions have 24 bits")
    return version, splats, {"sh_degree": degree, "fractional_bits": bits, "flags": flags}


def _check_ratio(needed: int, present: int, splats: int, name: str) -> None:
    if needed > ALWAYS_ALLOWED + MOST_RATIO * present:
        raise CorruptError(f"{name}: {splats} splats at byte 8 cannot be in a file of {present} bytes")


def _unpack_zstd(packed: memoryview, size: int, what: str) -> bytes:
    try:
        # The frame's own size is what zstandard would allocate.
        if zstandard.frame_content_size(packed) not in (size, -1):
            raise CorruptError(f"{what}: the zstd frame does not hold the {size} bytes of the table of contents")
        unpacked = zstandard.ZstdDecompressor().decompress(packed, max_output_size=size, allow_extra_data=False)
    except (zstandard.ZstdError, ValueError) as error:
        raise CorruptError(f"{what}: the zstd stream is damaged ({error})") from None
    if len(unpacked) != size:
        raise CorruptError(f"{what}: {len(unpacked)} bytes, the table of contents says {size}")
    return unpacked


def _records(data: memoryview, offset: int, name: str) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at) if len(data) - at >= 8 else (0, len(data))
        if size > len(data) - at - 8:
            raise CorruptError(f"{name}: the extension record at byte {offset + at} is cut short")
        yield kind, bytes(data[at + 8 : at + 8 + size])
        at += 8 + size


def stated_axes(records: tuple[tuple[int, bytes], ...], name: str) -> str | None:
    """The axes that the first coordinate-system record declares; None without one or for 0, "unspecified"."""
    for kind, payload in records:
        if kind == RECORD_AXES:
            number = int.from_bytes(payload, "little")
            if len(payload) != 4 or number > len(AXES):
                raise FormatError(
                    f"{name}: the coordinate-system record holds {payload.hex()}, expected 0 to {len(AXES)}"
                )
            return AXES[number - 1] if number else None
    return None


def _source(
    version: int,
    splats: int,
    header: dict[str, Any],
    streams: Sequence[Bytes],
    records: tuple[tuple[int, bytes], ...],
    name: str,
) -> QuantizedSource:
    axes = stated_axes(records, name)
    header = {**header, "axes": axes or DEFAULT_AXES}
    kinds: dict[str, Callable[[Bytes], NDArray[Any]]] = {
        "positions": _halves if version == 1 else _biased,
        "rotations": _bytes if version < 3 else lambda stream: np.frombuffer(stream, "<u4").astype(np.uint32),
    }
    codes = {
        key: kinds.get(key, _bytes)(stream).reshape(splats, -1) if stream else np.zeros((splats, 0), np.uint8)
        for key, stream in zip(STREAMS, streams, strict=True)
    }
    return QuantizedSource("spz", version, codes, {}, header, records)


def _bytes(stream: Bytes) -> NDArray[np.uint8]:
    return np.frombuffer(stream, np.uint8)


def _halves(stream: Bytes) -> NDArray[np.uint16]:
    return np.frombuffer(stream, "<u2").astype(np.uint16)


def _biased(stream: Bytes) -> NDArray[np.uint32]:
    """24-bit two's complement becomes value + 2^23, so that codes are in the order of the coordinates."""
    raw = np.frombuffer(stream, np.uint8).reshape(-1, 3).astype(np.uint32)
    return ((raw[:, 0] | raw[:, 1] << 8 | raw[:, 2] << 16) ^ (1 << 23)).astype(np.uint32, copy=False)


def _pack_stream(source: QuantizedSource, name: str) -> bytes:
    codes = source.codes[name]
    if name == "positions" and source.version >= 2:
        four = np.ascontiguousarray(codes ^ np.uint32(1 << 23), "<u4").view(np.uint8)
        return four.reshape(-1, 4)[:, :3].tobytes()
    return np.ascontiguousarray(codes, codes.dtype.newbyteorder("<")).tobytes()
