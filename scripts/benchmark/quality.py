"""What a number of bytes buys: bytes, bits a splat by attribute and dB, over the range of qualities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import splatzip
from benchmark.judge import Judge, splats_of
from benchmark.scenes import BenchScene
from splatzip import Scene

# Asked for; what comes out lies some dB beside it, so that 34 to 63 dB are covered on every scene.
Setting = tuple[str, float | None]  # preset and quality
CURVE: tuple[Setting, ...] = tuple(("fast", q) for q in (30, 33, 36, 40, 44, 48, 52, 56, 60, 65))
FAST: tuple[Setting, ...] = (("fast", None),)
PRESETS: tuple[Setting, ...] = (*FAST, ("near-lossless", None))


def measure_quality(
    scene: BenchScene, source: Scene, judge: Judge, *, settings: Sequence[Setting]
) -> Iterator[dict[str, Any]]:
    """Encode, verify, decode and judge with each setting."""
    for preset, quality in settings:
        coded = splatzip.compress(source, preset=preset, quality=quality)
        splatzip.verify(coded)
        decoded = splatzip.decompress(coded)
        if len(decoded) != len(source):
            raise AssertionError(f"{scene.name}: {len(source)} splats became {len(decoded)}")
        yield {
            "tool": "splatzip",
            "preset": preset,
            "quality": quality,
            **size_of(coded, source),
            **judge.score(splats_of(decoded)),
        }


def size_of(coded: bytes, source: Scene) -> dict[str, Any]:
    """Bytes, ratio and bits a splat by attribute; `container` is what belongs to none."""
    facts = splatzip.info(coded)
    bits = {name: round(size["bits"], 3) for name, size in facts["attributes"].items()}
    bits["container"] = round(facts["bits_per_splat"] - sum(bits.values()), 3)
    return {
        "splats": len(source),
        "stored_splats": facts["splats"],
        "bytes": len(coded),
        "ratio": source.float_bytes / len(coded),
        "bits_per_splat": facts["bits_per_splat"],
        "bits": bits,
    }
