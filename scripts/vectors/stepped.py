"""Vectors of codec STEPPED, written by the encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from splatzip import Profile, Scene, SceneMeta
from splatzip.encode import encode
from splatzip.quantize import stepped
from splatzip.quantize.stepped import Options
from splatzip.stream.compensation import Compensation
from vectors.vector import Vector, leica

CODEC = ("2", "3", "4", "5", "6")


def encoded(
    scene: Scene, options: Options, tiers: NDArray[np.uint8] | None = None, classes: NDArray[np.int8] | None = None
) -> bytes:
    """A file of the lossy codec."""
    tiers = np.zeros(len(scene), np.uint8) if tiers is None else tiers
    return encode(scene, Profile("fast", options), tiers=tiers, compensation=Compensation(), classes=classes)


def degree(d: int) -> Callable[[], bytes]:
    return lambda: encoded(leica(300, d), Options())


def tiers_tiles() -> bytes:
    scene = leica(900, 1)
    by_size = np.argsort(-scene.log_scales.max(axis=1), kind="stable")
    tiers = np.empty(len(scene), np.uint8)
    tiers[by_size] = np.arange(len(scene)) * 3 // len(scene)
    return encoded(scene, Options(0.0, tile_splats=300, shared_tiles=True), tiers)


def stand_in() -> bytes:
    """Beginnings of this file are drawn with every term of section 3.7, and beyond each of its bounds."""
    scene = leica(96, 0)
    log_scales, logits = scene.log_scales.copy(), scene.opacity_logits.copy()
    log_scales[:12] += np.linspace(-6, 6, 12, dtype=np.float32)[:, None]
    logits[12:16], logits[16:24] = (np.inf, -np.inf, 20, -20), np.linspace(-9, 9, 8)
    tiers = np.repeat(np.arange(3, dtype=np.uint8), (24, 24, 48))
    size = float(np.median(np.sort(log_scales, axis=1)[:, 1:].mean(axis=1)))
    says = Compensation((0.9, 0.25), (6.0, 2.5), (size - 0.5, size - 2), (size, -0.8, -0.9), (-0.4, 0.7))
    profile = Profile("fast", Options(4.0, tile_splats=12))
    scene = scene.edited(log_scales=log_scales, opacity_logits=logits)
    return encode(scene, profile, tiers=tiers, compensation=says)


def infinite_opacity() -> bytes:
    scene = leica(200, 0)
    logits = scene.opacity_logits.copy()
    logits[::3], logits[1::3] = np.inf, -np.inf
    return encoded(scene.edited(opacity_logits=logits), Options())


def single_splat() -> bytes:
    return encoded(leica(1, 3), Options())


def same_place() -> bytes:
    scene = leica(100, 1)
    return encoded(scene.edited(positions=np.repeat(scene.positions[:2], 50, axis=0)), Options())


def with_classes(scene: Scene, options: Options) -> bytes:
    """Classes from end to end; neighbours differ, so that some are far from what is expected."""
    of_geometry = np.arange(len(scene)) * 7 % 17 - 8
    of_color = np.arange(len(scene)) // 50 % 17 - 8
    return encoded(scene, options, classes=np.stack([of_geometry, of_color], axis=1).astype(np.int8))


def classes() -> bytes:
    return with_classes(leica(300, 1), Options())


def runs() -> bytes:
    return with_classes(leica(1100, 0), Options(-3.0))


def fine() -> bytes:
    return encoded(leica(300, 2), Options(9.0))


def coarse() -> bytes:
    return encoded(leica(300, 2), Options(-3.0))


def outliers() -> bytes:
    scene = leica(300, 0)
    positions, log_scales = scene.positions.copy(), scene.log_scales.copy()
    positions[10], positions[20], positions[30] = 1e6, (-3e9, 2.5, 7e-9), 1e20
    log_scales[40], log_scales[50] = 60.0, -60.0
    # Codes at their ends, which the encoder knows not to be what these scales are.
    with patch.object(stepped, "_refuse"):
        return encoded(scene.edited(positions=positions, log_scales=log_scales), Options())


def meta() -> bytes:
    scene = leica(50, 0)
    facts = SceneMeta(
        antialiased=True,
        axes="RUB",
        up=(0.0, -1.0, 0.0),
        units="m",
        title="Leica Sofort",
        author="nobody in particular",
        licence="CC0-1.0",
        camera={"position": [0, 0, -2], "target": [0, 0, 0], "up": [0, -1, 0], "fov_y_degrees": 50},
        comments=("Grüße",),
    )
    return encoded(replace(scene, meta=facts, origin=np.array([512000.25, 5403000.5, -300.125])), Options())


STEPPED = (
    *(
        Vector(f"stepped_degree{d}", f"SH degree {d}, one tile, one tier.", CODEC, degree(d))
        for d in range(5)
    ),
    Vector("stepped_tiers_tiles", "Three tiers and several tiles.", (*CODEC, "3.2", "5.1"), tiers_tiles),
    Vector("stepped_stand_in", "Splats that stand in for those of later tiers.", ("3.7",), stand_in, has_parts=True),
    Vector("stepped_infinite_opacity", "Opacity logits of +Inf and -Inf.", ("6.3",), infinite_opacity),
    Vector("stepped_single_splat", "One splat: no neighbours, no octree levels.", ("5.1", "5.2", "6"), single_splat),
    Vector("stepped_same_place", "Fifty splats at one place, twice.", ("5.1", "5.2"), same_place),
    Vector("stepped_classes", "Splats with classes.", ("6.1", "6.3"), classes),
    Vector("stepped_runs", "A chunk of 16 runs, not all of one length, with classes.", ("5.2", "6"), runs),
    Vector("stepped_fine", "Steps far below what near-lossless uses: low bits and escapes.", ("4.2", "4.3"), fine),
    Vector("stepped_coarse", "Steps above what 30 dB needs.", ("6",), coarse),
    Vector("stepped_outliers", "Splats up to 1e20 away, scales of e^60 and e^-60.", ("6.2", "6.4", "6.6"), outliers),
    Vector("stepped_meta", "An origin, and all that META holds.", ("2.2", "3.5"), meta),
)  # fmt: skip
