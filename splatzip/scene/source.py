"""A quantized source: a scene's integer codes as the source wrote them.

`lossless` codes these instead of the floats, so that a transcoded file decodes to exactly the floats that the source
format's own decoder gives, and can be written back with the source's own codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, repr=False)
class QuantizedSource:
    """Integer codes of a quantized format, before any conversion of coordinates.

    Which codes and tables a format has is written at the top of its file in `splatzip/formats`.

    Attributes:
        format: the format's key ("spz", "sog", "compressed_ply", "splat", "ksplat").
        version: the format's own version number.
        codes: per-splat codes, each (N, K) uint8, uint16 or uint32.
        tables: what codes refer to (palette, codebooks, chunk bounds), any shape; float32 or unsigned integer.
        header: header fields that writing the same codes again needs; JSON values.
        records: extension records, carried verbatim, in file order: (type id, payload).
    """

    format: str
    version: int
    codes: Mapping[str, NDArray[Any]]
    tables: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    records: tuple[tuple[int, bytes], ...] = ()

    def __repr__(self) -> str:
        return f"QuantizedSource({self.format} version {self.version}, codes of {self.splats:,} splats)"

    @property
    def splats(self) -> int:
        """N."""
        return len(next(iter(self.codes.values())))
