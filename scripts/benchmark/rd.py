"""Rate and distortion: files that were written and decoded, looked at from views that no encoder saw.

Scenes that came with photos have a curve for each preset, the others each preset's own point.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import splatzip
from benchmark.losses import Judges, sizes
from benchmark.peers import sog_tool
from benchmark.record import code_revision, put_row, read_rows
from benchmark.scenes import ROOT, BenchScene
from splatzip import Scene
from splatzip.profile import Profile
from splatzip.recipes import RECIPES

RD_RECORDS = ROOT / "benchmarks" / "rd.jsonl"
WITH_CURVES = ("snowmiku", "chair")
RD_SCENES = (
    *WITH_CURVES, "leica", "pod.spz", "biker.spz", "baleine (SOG v1)", "karangkidul (SOG v2)", "playbot 0 (SOG v2)",
    "playbot 3 (SOG v2)", "chair.splat",
)  # fmt: skip
AT_40_DB = ("pod.spz", "baleine (SOG v1)", "karangkidul (SOG v2)")
SOG_BY_PEER = ("leica", "chair")  # its k-means takes a CPU 10 minutes for chair, and grows with the square
FINENESSES = (-0.9, -1.1, -0.7, -1.4, -2.0, 0.2)  # the first is balanced's own
UNPRUNED_FINENESSES = {"snowmiku": (-2.4, -1.9, -1.4, -0.9, -0.4), "chair": (-2.5, -2.0, -1.5, -1.0)}
QUALITIES = (None, 36.0, 40.0, 44.0, 48.0)  # the first is fast's own point
BALANCED, WITH_VIEWS, GIVEN_ALONE, WITH_PHOTOS, PHOTOS_ALONE, UNPRUNED, UNPRUNED_WITH_VIEWS, FAST, *_POINTS = CURVES = (
    "balanced", "balanced --views", "balanced --views --no-pseudo-views", "balanced --views --photos",
    "balanced --views --photos --no-pseudo-views", "balanced --prune none", "balanced --prune none --views",
    "fast", "near-lossless", "lossless", "recipe", "recipe --views", "SOG",
)  # fmt: skip
NEAR_LOSSLESS, LOSSLESS, RECIPE, RECIPE_WITH_VIEWS, SOG = _POINTS

Options = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """A point of a curve.

    Attributes:
        curve: one of CURVES.
        name: of the point on it.
        place: along the curve, finer upwards; None: no curve goes through it.
        own: where the preset stops by itself.
        encode: a scene to a file, .splatz or .sog.
    """

    curve: str
    name: str
    place: float | None
    own: bool
    encode: Callable[[BenchScene, Scene], bytes]


def settings(scene: BenchScene) -> list[Setting]:
    """Every point of every curve of a scene; the presets' own points come first."""
    found = [_point(NEAR_LOSSLESS), _point(LOSSLESS), *(_recipe(name) for name in RECIPES)]
    if scene.name in WITH_CURVES:
        for value in FINENESSES:
            found += [
                _at_fineness(BALANCED, value),
                _at_fineness(WITH_VIEWS, value, views=True),
                _at_fineness(GIVEN_ALONE, value, views=True, only_views=True),
                _at_fineness(WITH_PHOTOS, value, views=True, photos=True),
                _at_fineness(PHOTOS_ALONE, value, views=True, photos=True, only_views=True),
            ]
        for value in UNPRUNED_FINENESSES[scene.name]:
            found += [
                _at_fineness(UNPRUNED, value, prune=0.0),
                _at_fineness(UNPRUNED_WITH_VIEWS, value, prune=0.0, views=True),
            ]
        found += [_at_quality(quality) for quality in QUALITIES]
        found += [_recipe(name, views=True) for name in RECIPES]
    else:
        found += [_at_fineness(BALANCED, _balanced_fineness()), _at_quality(None)]
    if scene.name in AT_40_DB:
        found.append(
            Setting(BALANCED, "--quality 40", None, False, partial(_compressed, preset="balanced", quality=40))
        )
    if not scene.quantized:
        found.append(Setting(SOG, "splatzip", None, False, _sog))
    if scene.name in SOG_BY_PEER:
        found.append(Setting(SOG, "peer", None, False, _sog_of_peer))
    return sorted(found, key=lambda setting: not setting.own)


def measure_rd(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """Measure the points that were not measured of this code yet, and record each as soon as it is there."""
    judges = Judges.of(scene, source)
    for setting in settings(scene):
        key = {"scene": scene.name, "curve": setting.curve, "setting": setting.name}
        same_code = {**key, "revision": code_revision(), "scene_sha256": scene.sha256}
        if any(same_code.items() <= row.items() for row in read_rows(RD_RECORDS)):
            continue
        wall, cpu = time.perf_counter(), time.process_time()
        coded = setting.encode(scene, source)
        seconds = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        row = {
            **same_code,
            "place": setting.place,
            "own": setting.own,
            **_measured(setting, coded, source, judges),
            **{name: round(value, 1) for name, value in seconds.items()},
        }
        if scene.quantized:
            row["source_bytes"] = scene.size_bytes
        put_row("rd", scene, row, key=key, path=RD_RECORDS)
        yield row


def _measured(setting: Setting, coded: bytes, source: Scene, judges: Judges) -> dict[str, Any]:
    if setting.curve != SOG:
        return {**sizes(coded, source), **judges.losses(coded, source)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scene.sog"
        file.write_bytes(coded)
        decoded = splatzip.load(file)
    return {
        "bytes": len(coded),
        "ratio": round(source.float_bytes / len(coded), 2),
        "splats": len(source),
        "stored_splats": len(decoded),
        "sh_degree": decoded.sh_degree,
        **judges.losses_of(decoded, source),
    }


def _balanced_fineness() -> float:
    steps = Profile.preset_named("balanced").stepped
    assert steps is not None
    return steps.fineness


def _at_fineness(curve: str, value: float, *, prune: float | None = None, **options: bool) -> Setting:
    encode = partial(_balanced, fineness=value, prune=prune, **options)
    return Setting(curve, f"fineness {value:g}", value, value == _balanced_fineness(), encode)


def _at_quality(quality: float | None) -> Setting:
    name = "no quality asked for" if quality is None else f"--quality {quality:g}"
    place = quality or Profile.preset_named("fast").estimated_quality
    return Setting(FAST, name, place, quality is None, partial(_compressed, preset="fast", quality=quality))


def _point(preset: str) -> Setting:
    return Setting(preset, "no target", None, True, partial(_compressed, preset=preset))


def _recipe(name: str, *, views: bool = False) -> Setting:
    curve = RECIPE_WITH_VIEWS if views else RECIPE
    return Setting(curve, name, None, False, partial(_compressed, recipe=name, from_cameras=views))


def _balanced(
    scene: BenchScene, source: Scene, *, fineness: float, prune: float | None, views: bool = False, **options: bool
) -> bytes:
    profile = Profile.preset_named("balanced", prune=prune)
    assert profile.stepped is not None
    profile = replace(profile, stepped=replace(profile.stepped, fineness=fineness))
    return splatzip.compress(source, profile=profile, views=scene.cameras if views else None, **options)


def _compressed(scene: BenchScene, source: Scene, *, from_cameras: bool = False, **options: Any) -> bytes:
    return splatzip.compress(source, views=scene.cameras if from_cameras else None, **options)


def _sog(scene: BenchScene, source: Scene) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        splatzip.save(source, Path(folder) / "scene.sog")
        return (Path(folder) / "scene.sog").read_bytes()


def _sog_of_peer(scene: BenchScene, source: Scene) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        sog_tool().write(scene.file, Path(folder) / "scene.sog")
        return (Path(folder) / "scene.sog").read_bytes()
