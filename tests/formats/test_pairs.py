"""Every format that is read becomes every format that is written, and comes back as exact as the target can be.

The bounds are not ours to choose: they are the steps of the file that was just written (its fractional bits, chunk
bounds, codebooks), or those that the format fixes. Whatever is further off must be in what `save` said was lost.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from splatzip import Scene, load, save
from splatzip.kernels.dequantize_sog import numbers_of
from splatzip.scene.ordering import morton_order

pytestmark = pytest.mark.scenes

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SPLATS = 2048  # a power of two: SOG then gives every SH row a palette entry of its own
SH_C0 = 0.28209479177387814
ULP = 2.0**-23


@pytest.fixture(scope="module")
def sources(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    """Real scenes of every format, cut to a few splats: by cutting, or writing, a file where that keeps codes."""
    root, made = scenes / "scenes", tmp_path_factory.mktemp("sources")

    def some_of(path: str) -> Scene:
        scene = load(root / path)
        return scene.take(np.linspace(0, len(scene) - 1, SPLATS, dtype=int))

    (made / "chair.splat").write_bytes((root / "chair_splat/chair.splat").read_bytes()[: 32 * SPLATS])
    save(some_of("pod/pod.spz"), made / "pod.glb")
    save(some_of("leica/leica.spz"), made / "leica.spz")
    save(some_of("biker/biker.compressed.ply"), made / "biker.compressed.ply")
    if HAS_USD:
        save(some_of("leica/leica.spz"), made / "leica.usdc")
    return {
        "ply": some_of("leica/leica.ply"),
        "compressed_ply": load(made / "biker.compressed.ply"),
        "splat": load(made / "chair.splat"),
        "spz_2": some_of("pod/pod.spz"),
        "spz_4": load(made / "leica.spz"),
        "sog": load(root / "playbot/6_0"),
        "ksplat": load(FIXTURES / "ksplat/l1-sh2.ksplat"),
        "glb": load(made / "pod.glb"),
        **({"usd": load(made / "leica.usdc")} if HAS_USD else {}),
    }


HAS_USD = find_spec("pxr") is not None
SOURCES = ("ply", "compressed_ply", "splat", "spz_2", "spz_4", "sog", "ksplat", "glb", *(["usd"] if HAS_USD else []))

Bounds = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Target:
    """A way to write: a name, what `save` is told, and the most that each number may be off."""

    name: str
    bounds: Callable[[Scene, Scene], Bounds]
    version: int | None = None


def exact(before: Scene, after: Scene) -> Bounds:
    return {name: np.zeros(1) for name in ("positions", "log_scales", "colors", "alpha", "rotations", "sh")}


def glb(before: Scene, after: Scene) -> Bounds:
    """glTF and USD: floats, but scales and opacities are linear and quaternions of length 1."""
    return exact(before, after) | {
        "log_scales": np.full(1, 0.5 * ULP),
        "alpha": np.full(1, ULP),
        "rotations": np.full(1, 2 * ULP),
    }


def splat(before: Scene, after: Scene) -> Bounds:
    return {
        "positions": np.zeros(1),
        "log_scales": np.full(1, 0.5 * ULP),
        "colors": np.full(1, 0.5 / 255 / SH_C0),
        "alpha": np.full(1, 0.5 / 255),
        "rotations": np.full(1, np.sqrt(4) * 0.5 / 128),  # four components
    }


def spz(before: Scene, after: Scene) -> Bounds:
    assert after.source is not None
    half_bucket = np.where(np.arange(after.sh.shape[1] - 1) < 3, 4, 8)[:, None]  # of 5 and of 4 bits
    inside = np.abs(before.sh[:, 1:]) <= 1 + 1 / 32  # beyond is clipped, which is no rounding
    return {
        "positions": np.full(1, 0.5 / 2.0 ** after.source.header["fractional_bits"]),
        "log_scales": np.full(1, 0.5 / 16),
        "colors": np.full(1, 0.5 / 255 / 0.15),
        "alpha": np.full(1, 0.5 / 255),
        "rotations": np.full(1, three_of_four(np.sqrt(0.5) / 511)),
        "sh": np.where(inside, (half_bucket + 0.5) / 128, 0.0),  # to a 128th, then to a bucket
    }


def compressed_ply(before: Scene, after: Scene) -> Bounds:
    assert after.source is not None
    chunks = after.source.tables["chunks"].astype(np.float64)[np.arange(len(after)) // 256]
    low, high = chunks.reshape(-1, 3, 2, 3).swapaxes(0, 2)
    half = (high - low) / 2  # (3 kinds, N, 3)
    words = np.array([2047, 1023, 2047])
    outermost = np.abs(before.sh[:, 1 : after.sh.shape[1]]) >= 4 - 1 / 32  # their codes stand for -4 and 4 themselves
    return {
        "positions": half[0] / words,
        "log_scales": half[1] / words,
        "colors": half[2] / 255 / SH_C0,
        "alpha": np.full(1, 0.5 / 255),
        "rotations": np.full(1, three_of_four(np.sqrt(2) / 1023)),
        "sh": np.where(outermost, 1 / 32, 1 / 64),
    }


def sog(before: Scene, after: Scene) -> Bounds:
    """Codebooks are fitted: a value must come back as the entry that is closest to it."""
    assert after.source is not None
    tables = after.source.tables
    low, high = numbers_of(tables["means"])
    folded = np.log1p(np.abs(before.positions.astype(np.float64)))
    return {
        "positions": np.expm1(folded + (high - low) / 65535 / 2) - np.expm1(folded),
        "log_scales": nearest(tables["scales"], before.log_scales),
        "colors": nearest(tables["sh0"], before.sh[:, 0]),
        "alpha": np.full(1, 0.5 / 255),
        "rotations": np.full(1, three_of_four(np.sqrt(0.5) / 127.5)),
        "sh": nearest(tables["shN"], before.sh[:, 1:]) if after.sh_degree else np.zeros(1),
    }


def nearest(codebook: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float64]:
    """How far each value is from the closest entry."""
    entries = np.sort(numbers_of(codebook))
    above = np.searchsorted(entries, values).clip(1, len(entries) - 1)
    return np.minimum(np.abs(values - entries[above - 1]), np.abs(values - entries[above]))


def three_of_four(step: float) -> float:
    """How far a quaternion moves when three components move half a step: the fourth up to three times as far."""
    return float(np.sqrt(3 + 3**2) * step / 2)


TARGETS = (
    Target("out.ply", exact),
    Target("out.compressed.ply", compressed_ply),
    Target("out.splat", splat),
    Target("out.spz", spz, version=3),
    Target("out.spz", spz, version=4),
    Target("out.sog", sog),
    Target("folder/meta.json", sog),
    Target("out.glb", glb),
    Target("out.gltf", glb),
    *([Target("out.usdz", glb)] if HAS_USD else []),
)


# What `save` may say, and which attribute or fact it speaks of; the number is that of splats.
LINES = {
    r"colours outside 0\.\.1 of (\d+) splats: clipped": "colors",
    r"sh of degree 0: (\d+) splats lie outside .* and were clipped": "colors",
    r"sh above degree 0: (\d+) splats lie outside .* and were clipped": "sh",
    r"log_scales: (\d+) splats lie outside .* and were clipped": "log_scales",
    r"SH above degree 0: \d+ splats share \d+ palette entries": "palette",
    r"SH above degree 0: \.splat has no place for degree \d": "degree",
    r"comments: .* has no place for it": "comments",
    r"antialiased: .* has no place for it": "antialiased",
}


@dataclass(frozen=True)
class Pair:
    """A scene before and after, splats in the same order, and what `save` said."""

    target: Target
    before: Scene
    after: Scene
    lost: list[str]

    def errors(self) -> Bounds:
        """What each number is off, by what the formats store: colour and alpha for one, shapes as `bounds` has them."""
        before, after = self.before, self.after
        shared = min(before.sh.shape[1], after.sh.shape[1])
        pairs = {
            "positions": (before.positions, after.positions),
            "log_scales": (before.log_scales, after.log_scales),
            "colors": (before.sh[:, 0], after.sh[:, 0]),
            "alpha": (alpha(before), alpha(after)),
            "sh": (before.sh[:, 1:shared], after.sh[:, 1:shared]),
        }
        errors = {}
        for name, (a, b) in pairs.items():
            rounding = 1.5 * np.spacing(np.maximum(np.abs(a), np.abs(b)))  # of float32 on the way there and back
            errors[name] = np.maximum(np.abs(a.astype(np.float64) - b) - (a != b) * rounding, 0.0)
        a, b = unit(before.rotations), unit(after.rotations)
        errors["rotations"] = np.minimum(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1))
        return errors

    def beyond(self) -> dict[str, int]:
        """How many splats are further off than the target's precision, by attribute."""
        bounds = self.target.bounds(self.before, self.after)
        far = {name: error > bounds.get(name, 0.0) * 1.0001 for name, error in self.errors().items()}
        counts = {name: int(rows.reshape(len(rows), -1).any(1).sum()) for name, rows in far.items()}
        return {name: count for name, count in counts.items() if count}

    def said(self) -> dict[str, int]:
        """What `save` reported, as `beyond` counts it; 1 for what is not counted."""
        found = {}
        for line in self.lost:
            (pattern,) = (pattern for pattern in LINES if re.fullmatch(pattern, line))
            numbers = re.fullmatch(pattern, line).groups()
            found[LINES[pattern]] = int(numbers[0]) if numbers else 1
        assert len(found) == len(self.lost)
        return found


def alpha(scene: Scene) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(-scene.opacity_logits.astype(np.float64)))).astype(np.float32)


def unit(rotations: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = rotations.astype(np.float64)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)


def in_order_of(before: Scene, after: Scene) -> Scene:
    """`before` with its splats where `after` has them: where they were, or in Morton order; the bounds prove it."""
    morton = before.take(morton_order(before.positions))
    return min(before, morton, key=lambda scene: float(np.abs(scene.positions - after.positions).max()))


@pytest.fixture(
    scope="module",
    params=[(source, target) for source in SOURCES for target in TARGETS],
    ids=lambda pair: f"{pair[0]}-{pair[1].name}{pair[1].version or ''}",
)
def pair(request, sources, tmp_path_factory) -> Pair:
    source, target = request.param
    path = tmp_path_factory.mktemp("pair") / target.name
    lost = save(sources[source], path, version=target.version)
    after = load(path)
    shutil.rmtree(path.parent)
    assert len(after) == len(sources[source])
    return Pair(target, in_order_of(sources[source], after), after, lost)


def test_what_comes_back_is_within_the_targets_precision_and_all_else_was_said(pair):
    facts = {
        "degree": pair.after.sh_degree != pair.before.sh_degree,
        "comments": pair.after.meta.comments != pair.before.meta.comments,
        "antialiased": pair.after.meta.antialiased != pair.before.meta.antialiased,
    }
    said = pair.said()
    if said.pop("palette", 0):
        said["sh"] = pair.beyond()["sh"]  # an error if there is none
        assert np.square(pair.errors()["sh"]).mean() < 0.15 * np.square(pair.before.sh[:, 1:]).mean()
    assert said == pair.beyond() | {name: 1 for name, lost in facts.items() if lost}


@pytest.mark.parametrize(
    ("source", "name", "version"),
    [
        ("ply", "out.ply", None),
        ("compressed_ply", "out.compressed.ply", None),
        ("splat", "out.splat", None),
        ("spz_2", "out.spz", 2),
        ("spz_4", "out.spz", 3),
        ("spz_4", "out.spz", 4),
        ("sog", "out.sog", None),
        ("sog", "folder/meta.json", None),
    ],
)
def test_a_scene_goes_back_into_its_own_format_unchanged(sources, source, name, version, tmp_path):
    before = sources[source]
    assert save(before, tmp_path / name, version=version) == []
    after = load(tmp_path / name)
    assert {name: array.tobytes() for name, array in after.arrays().items()} == {
        name: array.tobytes() for name, array in before.arrays().items()
    }
    assert after.meta == before.meta
    if before.source is not None:
        assert after.source is not None
        assert {name: codes.tobytes() for name, codes in after.source.codes.items()} == {
            name: codes.tobytes() for name, codes in before.source.codes.items()
        }
