"""Rate and distortion: a curve a preset, in files that were written and decoded, on views that no encoder saw."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

import splatzip
from benchmark.record import code_revision, put_row, read_rows
from benchmark.scenes import ROOT, BenchScene
from splatzip import Scene, Views
from splatzip.profile import Profile
from splatzip.quality import compare
from splatzip.recipes import RECIPES
from splatzip.views import orbit_views

RD_RECORDS = ROOT / "benchmarks" / "rd.jsonl"
RD_SCENES = ("snowmiku", "chair")
FINENESSES = (-1.0, -1.2, -0.8, -1.4, -2.0, 0.2)  # the first is balanced's own
QUALITIES = (None, 36.0, 40.0, 44.0, 48.0)  # the first is fast's own point
BALANCED, WITH_VIEWS, GIVEN_ALONE, FAST, RECIPE = CURVES = (
    "balanced", "balanced --views", "balanced --views --no-pseudo-views", "fast", "recipe",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """A point of a curve.

    Attributes:
        curve: one of CURVES.
        name: of the point on it.
        place: along the curve, finer upwards; None: no curve goes through it.
        own: where the preset stops by itself.
        encode: a scene to a file.
    """

    curve: str
    name: str
    place: float | None
    own: bool
    encode: Callable[[BenchScene, Scene], bytes]


def settings() -> list[Setting]:
    """Every point of every curve; the presets' own points come first."""
    found = []
    for curve in (BALANCED, WITH_VIEWS, GIVEN_ALONE):
        for value in FINENESSES:
            encode = partial(_balanced, fineness=value, views=curve != BALANCED, only_views=curve == GIVEN_ALONE)
            found.append(Setting(curve, f"fineness {value:g}", value, value == _balanced_fineness(), encode))
    for quality in QUALITIES:
        name = "no quality asked for" if quality is None else f"--quality {quality:g}"
        place = quality or Profile.preset_named("fast").estimated_quality
        found.append(Setting(FAST, name, place, quality is None, partial(_fast, quality=quality)))
    found += [Setting(RECIPE, recipe, None, False, partial(_recipe, recipe=recipe)) for recipe in RECIPES]
    return sorted(found, key=lambda setting: not setting.own)


def measure_rd(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """Measure the points that were not measured of this code yet, and record each as soon as it is there."""
    assert scene.cameras is not None
    judges = {"test": Views.load(scene.cameras, split="test"), "orbit": orbit_views(source)}
    for setting in settings():
        key = {"scene": scene.name, "curve": setting.curve, "setting": setting.name}
        same_code = {**key, "revision": code_revision(), "scene_sha256": scene.sha256}
        if any(same_code.items() <= row.items() for row in read_rows(RD_RECORDS)):
            continue
        wall, cpu = time.perf_counter(), time.process_time()
        coded = setting.encode(scene, source)
        seconds = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        row = {
            **key,
            "revision": code_revision(),
            "place": setting.place,
            "own": setting.own,
            **_sizes(coded, source),
            **_losses(coded, source, judges),
            **{name: round(value, 1) for name, value in seconds.items()},
        }
        put_row("rd", scene, row, key=key, path=RD_RECORDS)
        yield row


def _sizes(coded: bytes, source: Scene) -> dict[str, Any]:
    facts = splatzip.info(coded)
    return {
        "bytes": len(coded),
        "ratio": round(source.float_bytes / len(coded), 2),
        "splats": len(source),
        "stored_splats": facts["splats"],
        "sh_degree": facts["sh_degree"],
    }


def _losses(coded: bytes, source: Scene, judges: dict[str, Views]) -> dict[str, Any]:
    splatzip.verify(coded)
    decoded = splatzip.decompress(coded)
    test, orbit = (compare(source, decoded, judges[name]) for name in ("test", "orbit"))
    lost = [view.photo.lost for view in test.views if view.photo is not None]
    figures = {
        "db": test.psnr,
        "db_worst": min(view.psnr for view in test.views),
        "ssim": test.ssim,
        "ssim_worst": min(view.ssim for view in test.views),
        "lost_db": float(np.mean(lost)),
        "lost_db_worst": max(lost),
        "orbit_db": orbit.psnr,
        "orbit_db_worst": min(view.psnr for view in orbit.views),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def _balanced_fineness() -> float:
    steps = Profile.preset_named("balanced").stepped
    assert steps is not None
    return steps.fineness


def _balanced(scene: BenchScene, source: Scene, *, fineness: float, views: bool, only_views: bool) -> bytes:
    profile = Profile.preset_named("balanced")
    assert profile.stepped is not None
    profile = replace(profile, stepped=replace(profile.stepped, fineness=fineness))
    return splatzip.compress(source, profile=profile, views=scene.cameras if views else None, only_views=only_views)


def _fast(scene: BenchScene, source: Scene, *, quality: float | None) -> bytes:
    return splatzip.compress(source, preset="fast", quality=quality)


def _recipe(scene: BenchScene, source: Scene, *, recipe: str) -> bytes:
    return splatzip.compress(source, recipe=recipe)
