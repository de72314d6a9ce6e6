"""Points that other codecs reach on the same scenes and the same test views, and the bars drawn through them.

Measured once, on another machine of two cores, with released tools: SPZ by nianticlabs/spz 3.0 (file version 4), L-GSC
by qualcomm/lite-3Dgsplat-codec 1.0. They are constants here because neither tool comes from npm or PyPI; only sizes
and dB are compared with ours, seconds stand beside.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A peer's file of a scene: bytes, dB on the test views, and the CPU seconds of its whole commands.

    `most_of_it`: our file may be so many times its bytes at its dB; None if there is no bar. `lost_db`: against
    photos.
    """

    scene: str
    codec: str
    size_bytes: int
    db: float
    most_of_it: float | None
    encode_cpu_s: float | None
    decode_cpu_s: float | None
    lost_db: float


POINTS = (
    Point("snowmiku", "SPZ v4, default", 2_950_041, 36.54, 0.40, 0.38, 0.09, 0.88),
    Point("snowmiku", "SPZ v4, SH 6/5", 3_571_456, 41.28, 0.40, 0.53, 0.09, 0.39),
    Point("snowmiku", "SPZ v4, SH 7/6", 4_275_754, 44.33, None, 0.71, 0.09, 0.21),
    Point("snowmiku", "SPZ v4, SH 8/8", 5_501_879, 55.85, 0.70, 0.98, 0.10, 0.00),
    Point("snowmiku", "L-GSC 2, default", 2_471_198, 38.76, 0.55, 1.17, 0.15, 0.55),
    Point("snowmiku", "L-GSC 1", 2_916_130, 43.64, 0.55, 1.27, 0.16, 0.15),
    Point("snowmiku", "L-GSC 0", 5_697_863, 56.49, 0.70, 1.58, 0.17, 0.01),
    Point("chair", "SPZ v4, default", 933_291, 43.74, 0.40, 0.12, 0.02, 0.52),
    Point("chair", "SPZ v4, SH 6/5", 1_151_694, 49.59, 0.40, 0.17, 0.03, 0.13),
    Point("chair", "SPZ v4, SH 8/8", 1_770_128, 57.40, 0.70, 0.20, 0.03, 0.02),
    Point("chair", "L-GSC 2, default", 859_339, 43.76, 0.55, 0.37, 0.04, 0.50),
    Point("chair", "L-GSC 1", 1_060_691, 49.81, 0.55, 0.43, 0.05, 0.12),
    Point("chair", "L-GSC 0", 1_967_795, 62.12, 0.70, 0.53, 0.06, 0.01),
)

# Bits a splat that the design aims at, at 40 dB on snowmiku.
AIM_DB = 40.0
AIMS = {"position": 8.0, "rotation": 7.0, "scale": 8.0, "opacity": 3.5, "color": 4.0, "sh": 5.0}
AIM_TOTAL = 36.0
