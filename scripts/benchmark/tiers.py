"""What a picture is like while a file comes: dB against the whole file's pictures, by bytes, from views nothing saw."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import splatzip
from benchmark.scenes import DATA, ROOT, BenchScene
from splatzip import Profile, Scene, TruncatedError, Views, balance
from splatzip.container import open_file, with_tiles_ordered
from splatzip.encode import encode
from splatzip.optimize import tile_order
from splatzip.quality import SourcePictures
from splatzip.stream.compensation import Compensation
from splatzip.targets import steps_for_pruned
from splatzip.views import orbit_views

WEB_RECORDS = ROOT / "benchmarks" / "web.jsonl"
WEB_SCENES = ("snowmiku", "chair", "playbot 0 (SOG v2)")
SHARES = (1, 2, 3, 5, 10, 20, 50, 75, 100)  # per cent of the bytes
LEVELS = range(6, -1, -1)  # of the folder of playbot, the coarsest first
FLOOR_BYTES = 64 * 1024


def measure_tiers(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """Every preset's file, cut; beside it, what others have shown after so many bytes."""
    views = orbit_views(source) if scene.cameras is None else Views.load(scene.cameras, split="test", photos=False)
    presets = ("lossless", "fast") if scene.quantized else ("balanced", "fast")
    for preset in presets:
        one_tier, file = _files(source, preset)
        splatzip.verify(file)
        whole = splatzip.decompress(file)
        pictures = SourcePictures(whole, views)
        yield {
            "what": "file",
            "preset": preset,
            "bytes": len(file),
            "bytes_one_tier": one_tier,
            **_first(file, pictures),
        }
        for share in SHARES:
            yield {"what": "share", "preset": preset, **_after(share, file, whole, pictures)}
        del pictures
    if scene.quantized:
        yield from _levels(source, views)
    else:
        yield {"what": "sog", "bytes": _sog_bytes(source)}


def _files(source: Scene, preset: str) -> tuple[int, bytes]:
    """The bytes of the same splats in one tier, and the file."""
    profile, threads = Profile.preset_named(preset), 0
    one = np.zeros(len(source), np.uint8)
    if profile.balance is None:
        return len(encode(source, profile, tiers=one)), encode(source, profile)
    assert profile.stepped is not None
    steps = steps_for_pruned(profile.stepped)

    def quiet(share: float, step: str) -> None:
        pass

    prepared = balance.prepare(source, profile.balance, threads=threads)
    made = prepared.settled(prepared.reduced(steps, progress=quiet), progress=quiet)
    rest = {"classes": made.classes, "fitted": made.fitted}
    settled = Profile(preset, steps)
    one = np.zeros(len(made.scene), np.uint8)
    tiers = encode(made.scene, settled, tiers=made.tiers, compensation=made.compensation, **rest)
    opened = open_file(tiers)
    order = tile_order.most_missed_first(splatzip.decompress(tiers), opened, prepared.cameras, prepared.targets)
    if order:
        tiers = with_tiles_ordered(tiers, opened.root.tiers - 1, order)
    return len(encode(made.scene, settled, tiers=one, **rest)), tiers


def _first(file: bytes, pictures: SourcePictures) -> dict[str, Any]:
    """When every tile of the first tier is there, and what that looks like."""
    run = next(run.entry for run in open_file(file).runs if (run.entry.tier, run.entry.layer) == (0, 0))
    end = run.offset + run.size
    return {"first_bytes": end, "first_db": _psnr(file[:end], pictures)}


def _after(share: float, file: bytes, whole: Scene, pictures: SourcePictures) -> dict[str, Any]:
    """Of the file; of the file, nothing standing in; of as large a share of all splats, by chance."""
    end = max(round(share / 100 * len(file)), 1)
    chosen = np.random.default_rng(0).permutation(len(whole))[: max(round(share / 100 * len(whole)), 1)]
    with mock.patch.object(Compensation, "of", return_value=Compensation()):
        plain = _psnr(file[:end], pictures)
    return {
        "share": share,
        "bytes": end,
        "db": _psnr(file[:end], pictures),
        "db_plain": plain,
        "db_random": round(pictures.psnr(whole.take(np.sort(chosen))), 2),
        "db_floor": _psnr(file[: max(end, FLOOR_BYTES)], pictures),
    }


def _psnr(data: bytes, pictures: SourcePictures) -> float | None:
    try:
        part = splatzip.decompress(data, strict=False)
    except TruncatedError:
        return None
    return round(pictures.psnr(part), 2)


def _levels(source: Scene, views: Views) -> Iterator[dict[str, Any]]:
    """The levels of detail of a folder, each in place of the one before, all of them loaded."""
    pictures, received = SourcePictures(source, views), 0
    for level in LEVELS:
        folder = DATA / "scenes" / "playbot" / f"{level}_0"
        received += sum(file.stat().st_size for file in folder.iterdir())
        shown = splatzip.load(folder)
        yield {
            "what": "level", "level": level, "bytes": received, "splats": len(shown),
            "db": round(pictures.psnr(shown), 2),
        }  # fmt: skip


def _sog_bytes(source: Scene) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.sog"
        splatzip.save(source, path)
        return path.stat().st_size
