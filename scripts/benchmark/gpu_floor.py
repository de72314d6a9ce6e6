"""Bytes that a picture on a GPU cannot do without, by what it was about: each read and written once.

Bounds of all groups of 32 splats; the attributes of groups of which something is seen; what a splat that is seen
becomes, written, then read; each entry's key and number, written, then read; colour and alpha of each pixel. Sorts go
over keys more than once, and tiles read a splat each: what that costs beyond the floor is what a profile is for.
"""

from __future__ import annotations

from splatzip.kernels.cuda_rasterize import BatchCounts

GROUP = 32
BOUND_BYTES, GEOMETRY_BYTES, COLOR_BYTES = 5 * 4, 11 * 4, 3 * 4  # a group; a splat; a splat
SPLAT_BYTES, PRECISE_SPLAT_BYTES = 32, 48
PIXEL_BYTES = 16
TILE, NARROW_TILES = 16, 0xFFFF


def least_bytes(counts: BatchCounts, *, size: tuple[int, int], coefficients: int, precise: bool) -> int:
    """Of a batch of one picture; `coefficients` of SH a colour."""
    harmonics = 3 * (coefficients - 1) * (4 if precise else 2)
    tiles = -(-size[0] // TILE) * -(-size[1] // TILE)
    entry = (2 if tiles <= NARROW_TILES else 4) + 4
    return (
        counts.groups * BOUND_BYTES
        + counts.seen_groups * GROUP * (GEOMETRY_BYTES + COLOR_BYTES + harmonics)
        + counts.seen * 2 * (PRECISE_SPLAT_BYTES if precise else SPLAT_BYTES)
        + counts.entries * 2 * entry
        + size[0] * size[1] * PIXEL_BYTES
    )
