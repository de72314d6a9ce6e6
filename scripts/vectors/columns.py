"""Vectors of codec COLUMNS: one a source format, from the fixtures that released tools wrote, and a float scene."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np

import splatzip
from splatzip import Profile, Scene
from splatzip.encode import encode
from splatzip.stream.compensation import Compensation
from vectors.vector import ROOT, Vector, leica

FIXTURES = ROOT / "tests" / "fixtures"
CODEC = ("2", "3", "4", "5.1", "7")
SOURCES = {  # name of the vector: fixture, what it is, its section
    "spz1": ("spz/v1.spz", "SPZ 1, binary16 positions", "8.1"),
    "spz3": ("spz/v3_sh2.spz", "SPZ 3, SH degree 2", "8.1"),
    "spz4_axes": ("spz/v4_axes_RFU.spz", "SPZ 4 in axes that need a quarter turn", "8.1"),
    "sog1": ("sog/v1", "SOG 1", "8.2"),
    "compressed_ply": ("compressed_ply/leica-260.compressed.ply", "compressed.ply of two chunks", "8.3"),
    "ksplat0": ("ksplat/l0-sh2.ksplat", ".ksplat of compression level 0", "8.5"),
    "ksplat1": ("ksplat/l1-sh2.ksplat", ".ksplat of compression level 1", "8.5"),
    "ksplat2": ("ksplat/l2-sh1.ksplat", ".ksplat of compression level 2", "8.5"),
}


def lossless(scene: Scene) -> bytes:
    return encode(scene, Profile.preset_named("lossless"))


def fixture(path: str) -> Callable[[], bytes]:
    return lambda: lossless(splatzip.load(FIXTURES / path))


def saved(name: str, splats: int) -> bytes:
    """A scene of SH degree 0 by way of another format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        splatzip.save(leica(splats, 0), path)
        return lossless(splatzip.load(path))


def splat() -> bytes:
    return saved("leica.splat", 300)


def tiles() -> bytes:
    encoder = "splatzip.stream.columns_encode."
    with mock.patch(encoder + "TILE_SPLATS", 100), mock.patch(encoder + "PALETTE_TILE", 64):
        scene = splatzip.load(FIXTURES / "sog" / "v2.sog")
        tiers = (np.arange(len(scene)) % 4 > 0).astype(np.uint8)
        standing_in = Compensation((0.5,), (1.5,))
        return encode(scene, Profile.preset_named("lossless"), tiers=tiers, compensation=standing_in)


COLUMNS = (
    *(
        Vector(f"columns_{name}", f"Codes of {what}.", (*CODEC, section), fixture(path))
        for name, (path, what, section) in SOURCES.items()
    ),
    Vector(
        "columns_sog2_tiles",
        "Codes of SOG 2 in two tiers and several tiles, its palette in several chunks.",
        (*CODEC, "8.2"),
        tiles,
    ),
    Vector(
        "columns_spz_degree0",
        "Codes of SPZ without SH, whose array is listed with 0 columns.",
        (*CODEC, "8.1"),
        lambda: saved("leica.spz", 100),
    ),
    Vector("columns_splat", "Codes of .splat.", (*CODEC, "8.4"), splat),
    Vector("columns_float32", "The bits of a float scene.", CODEC, lambda: lossless(leica(150, 1))),
)
