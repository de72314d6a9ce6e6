"""Niantic SPZ: versions 1 to 4 read, 2 to 4 written.

    file  <->  spz_container (bytes)  <->  codes  ->  kernels.dequantize_spz  ->  Scene
                                           codes  <-  spz_quantize            <-  Scene

Codes of a `QuantizedSource` of format "spz", in the file's own axes and order (N splats, B as in `Scene`):

    positions  (N, 3) uint32, 24-bit two's complement + 2^23 (so codes rise with the coordinate);
               version 1: (N, 3) uint16, the bits of halves
    alphas     (N, 1) uint8      colors (N, 3) uint8      scales (N, 3) uint8
    rotations  (N, 1) uint32, smallest three; versions 1 and 2: (N, 3) uint8, x y z
    sh         (N, 3 B) uint8, coefficient by coefficient, RGB last

`header`: sh_degree, fractional_bits, flags (1: antialiased, 2: records follow), reserved (hex), axes (what the
coordinate-system record says, else "RUB"; or what whoever read the file said, `told_axes`). `records`: the extension
records, verbatim, that one included.
Floats: docs/FORMAT.md 8.1.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

from splatzip.errors import FormatError
from splatzip.formats import spz_container, spz_quantize
from splatzip.formats.input import scene_from
from splatzip.formats.output import atomic_write, lost_meta
from splatzip.formats.spz_container import FLAG_ANTIALIASED, GZIP, MAGIC, RECORD_AXES
from splatzip.kernels.dequantize_spz import DEFAULT_AXES, dequantize_spz
from splatzip.scene import QuantizedSource, Scene, SceneMeta

WRITTEN_VERSIONS = (2, 3, 4)
DEFAULT_VERSION = WRITTEN_VERSIONS[-1]
# The reference writer's bits of SH of degree 1 and above.
SH1_BITS, SH_REST_BITS = 5, 4


def sniff(head: bytes, path: Path) -> bool:
    """By the magic number, behind gzip in old versions; a gzip named .spz is ours even if it is damaged."""
    if head[:4] == MAGIC:
        return True
    if head[:2] != GZIP:
        return False
    try:
        start = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress(head, len(MAGIC))
    except zlib.error:
        start = b""
    return start == MAGIC or path.suffix.lower() == ".spz"


def read(path: Path, *, repair: bool = False) -> Scene:
    """Read a file of version 1 to 4.

    Raises: FormatError naming the byte offset, SceneError if a half of version 1 is not finite.
    """
    return read_bytes(path.read_bytes(), str(path), repair=repair)


def read_bytes(data: bytes | memoryview, name: str, *, repair: bool = False) -> Scene:
    """Read a whole file that is in memory (glTF embeds them); `name` is what errors call it."""
    source, ignored = spz_container.parse(data, name)
    floats = dequantize_spz(source.version, source.codes, source.tables, source.header)
    declared = any(kind == RECORD_AXES for kind, _ in source.records)
    meta = SceneMeta(
        antialiased=bool(source.header["flags"] & FLAG_ANTIALIASED),
        axes=source.header["axes"] if declared else None,
        ignored=ignored,
    )
    return scene_from(floats, repair=repair, meta=meta, source=source)


def write(
    scene: Scene,
    path: Path,
    *,
    version: int = DEFAULT_VERSION,
    sh1_bits: int = SH1_BITS,
    sh_rest_bits: int = SH_REST_BITS,
) -> list[str]:
    """Write version 2, 3 or 4.

    A scene that came as version 3 or 4 keeps its codes in both, one of version 2 in that. Between those, and from
    version 1, all is kept but the rotations (and the halves of version 1), which versions 3 and 4 code finer. One whose
    reader said other axes than the file is turned, at the same steps. Anything else is quantized as the reference does.

    Returns: what was lost beyond rounding, one line each.
    Raises: FormatError for another version, or if a position does not fit.
    """
    if version not in WRITTEN_VERSIONS:
        raise FormatError(f"SPZ version {version} cannot be written; choose 2, 3 or 4")
    source = scene.source
    lost = lost_meta(scene.meta, "SPZ", holds=frozenset({"antialiased"}))
    if source is not None and _can_keep_codes(source, version):
        flags = source.header.get("flags")
        if isinstance(flags, int):
            flags = flags & ~FLAG_ANTIALIASED | (FLAG_ANTIALIASED if scene.meta.antialiased else 0)
        target = replace(source, version=version, header={**source.header, "flags": flags})
    else:
        target, beyond_rounding = _quantized(scene, version, sh1_bits, sh_rest_bits)
        lost += beyond_rounding
    if version < 4 and scene.sh_degree == 4:
        lost.append(f"SH degree 4 in version {version}: readers older than SPZ 4 refuse it")
    data = spz_container.serialize(target)
    with atomic_write(path) as file:
        file.write(data)
    return lost


def _can_keep_codes(source: QuantizedSource, version: int) -> bool:
    """Whether a file of the same codes is the same scene."""
    if source.format != "spz" or source.version < 2 or (source.version == 2) != (version == 2):
        return False
    stated = spz_container.stated_axes(source.records, "the SPZ source") or DEFAULT_AXES
    return bool(source.header.get("axes", DEFAULT_AXES) == stated)


def _quantized(scene: Scene, version: int, sh1_bits: int, sh_rest_bits: int) -> tuple[QuantizedSource, list[str]]:
    came, bits = scene.source, None
    records: tuple[tuple[int, bytes], ...] = ()
    if came is not None and came.format == "spz":  # its steps are ours, so nothing moves
        sh1_bits = sh_rest_bits = 8
        bits = came.header["fractional_bits"] if came.version >= 2 else None
        records = tuple(record for record in came.records if record[0] != RECORD_AXES)  # written right-up-back
    codes, bits, lost = spz_quantize.quantize(
        scene, version=version, sh1_bits=sh1_bits, sh_rest_bits=sh_rest_bits, fractional_bits=bits
    )
    flags = FLAG_ANTIALIASED if scene.meta.antialiased else 0
    header = {"sh_degree": scene.sh_degree, "fractional_bits": bits, "flags": flags}
    return QuantizedSource("spz", version, codes, {}, header, records), lost
