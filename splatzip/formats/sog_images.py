"""The images of a SOG scene: bytes as pixels, four channels of 8 bits.

A WebP or PNG of a few hundred bytes can claim 268 million pixels, so the size in its header is checked before a
decoder sees it.
"""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import CorruptError, FormatError

Pixels = NDArray[np.uint8]


def decode_image(data: bytes, where: str, *, max_pixels: int) -> Pixels:
    """Pixels of a WebP or PNG.

    Args:
        where: the file, for messages.
        max_pixels: more than this is refused before decoding.
    Returns: (height, width, 4) uint8 RGBA, the stored bytes without any colour conversion.
    Raises: FormatError.
    """
    from PIL import Image  # most scenes are no SOG: they are read without

    width, height = _claimed_size(data, where)
    if width * height > max_pixels:
        raise FormatError(
            f"{where}: {width} x {height} pixels, but meta.json leaves room for at most {max_pixels}; "
            "one of the two is damaged"
        )
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP", "PNG")) as image:
            if image.size != (width, height) or getattr(image, "n_frames", 1) != 1:
                raise FormatError(f"{where}: an animation, not one image of {width} x {height}")
            if image.mode not in ("RGB", "RGBA"):
                raise FormatError(f"{where}: pixels of mode {image.mode}, expected RGB or RGBA of 8 bits")
            return np.asarray(image.convert("RGBA"))
    # Whatever a damaged file makes the decoder raise, it is the file's fault.
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise CorruptError(f"{where}: the image cannot be decoded: {error}") from None


def encode_image(pixels: Pixels) -> bytes:
    """Lossless WebP of (height, width, 4) uint8; `exact` keeps the colour of pixels whose alpha is 0."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", lossless=True, exact=True, quality=75, method=4)
    return out.getvalue()


def _claimed_size(data: bytes, where: str) -> tuple[int, int]:
    """Width and height that the header states."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return int(width), int(height)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        kind, payload = data[12:16], data[20:30]
        if kind == b"VP8L" and payload[0] == 0x2F:
            bits = int.from_bytes(payload[1:5], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        if kind == b"VP8X":
            return int.from_bytes(payload[4:7], "little") + 1, int.from_bytes(payload[7:10], "little") + 1
        if kind == b"VP8 " and payload[3:6] == b"\x9d\x01\x2a":
            width, height = struct.unpack("<HH", payload[6:10])
            return width & 0x3FFF, height & 0x3FFF
    raise FormatError(f"{where}: neither WebP nor PNG ({len(data)} bytes)")
