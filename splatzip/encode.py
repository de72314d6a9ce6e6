"""Encodes a scene as a .splatz file. Takes scenes, never paths; `splatzip.compressing` handles those.

    scene -> distill -> stream (tiers, tiles) -> quantize -> entropy -> container

`encode_verified` adds a loop around that: decode, render, correct the steps. Presets that also render before coding are
in `balance` and `targets`.

Under `lossless`, a quantized source is coded by its own integers, so that nothing changes at all; every other path is
`quantize.stepped`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from splatzip.container import (
    Booked,
    Box,
    Codec,
    Kind,
    Root,
    Run,
    SharedChunk,
    TileChunk,
    json_chunks,
    with_chunk,
    write_file,
)
from splatzip.decode import decompress
from splatzip.distill.regression import truncated
from splatzip.kernels.device import Engine
from splatzip.kernels.stepped import FIRST_TIER_TABLES, EncodedScene
from splatzip.optimize.closed_loop import OutOfReachError, meet
from splatzip.profile import Profile
from splatzip.progress import Progress, silent
from splatzip.quantize import stepped
from splatzip.scene import Scene
from splatzip.stream import columns_encode
from splatzip.stream.compensation import Compensation, closed_form
from splatzip.stream.tiers import by_importance, importance, run_order


def encode(
    scene: Scene, profile: Profile, *, threads: int = 0, tiers: NDArray[np.uint8] | None = None,
    compensation: Compensation | None = None, classes: NDArray[np.int8] | None = None, fitted: bytes = b"",
    device: Engine = "cpu", progress: Progress | None = None,
) -> bytes:  # fmt: skip
    """Compress a scene.

    Args:
        scene: what to compress.
        profile: how; see `Profile.preset_named`.
        threads: 0 for every core; the bytes do not depend on it.
        tiers: (N,) importance tier of each splat; None: estimated without rendering.
        compensation: how splats stand in for later tiers; None: in closed form.
        classes: (N, 2) of geometry and colour for lossy presets: octaves coarser than similar splats; None: none.
        fitted: parameters that the scene settled with; see `quantize.stepped.encode`.
        device: what trains codebooks; the bytes do not depend on it.
        progress: called with the share done and a word for the step.
    Returns: a whole .splatz file.
    """
    report = progress or silent
    settings = {"preset": profile.preset}
    if profile.degree is not None and profile.degree < scene.sh_degree:
        settings["sh_degree"] = str(profile.degree)
        scene = truncated(scene, profile.degree)
    elif profile.estimated_quality is not None:  # of the steps alone
        settings["estimated_quality_db"] = f"{profile.estimated_quality:g}"
    settings |= _asked_for(profile)
    if profile.stepped is None:
        report(0.1, "coding")
        return columns_encode.encode_scene(
            scene, tiers=tiers, compensation=compensation, threads=threads, settings=settings
        )
    report(0.1, "quantizing and coding")
    if tiers is None:
        tiers = by_importance(importance(scene, threads=threads))
    coded = stepped.encode(
        scene, profile.stepped, tiers=tiers, classes=classes, fitted=fitted, threads=threads, device=device
    )
    report(0.9, "packing")
    if compensation is None:
        compensation = closed_form(tiers, scene.log_scales)
    return _stepped_file(scene, coded, compensation, settings)


def encode_every_splat(scene: Scene, *, progress: Progress | None = None) -> bytes:
    """Compress a scene without losing a splat: exactly where it came quantized, else as `fast` does."""
    profile = Profile.preset_named("lossless" if scene.source is not None else "fast")
    return encode(scene, profile, progress=progress)


def encode_verified(scene: Scene, profile: Profile, *, threads: int = 0, progress: Progress | None = None) -> bytes:
    """Compress a scene, measure what it lost, and store that in the file.

    The result is decoded and rendered, and compared with the source from views made from the source. With a target in
    the profile, the steps are corrected until it is met.

    Args: as `encode`.
    Returns: a whole .splatz file with a QUALITY chunk.
    Raises: SplatzipError, naming what can be reached, if the target cannot.
    """
    from splatzip.quality import SourcePictures, measuring_views  # which render: other calls start without

    report = progress or silent
    report(0.0, "rendering the source")
    views, described = measuring_views(scene, threads=threads)
    pictures = SourcePictures(scene, views, threads=threads)
    tried: list[float] = []

    def attempt(options: stepped.Options | None) -> tuple[float, tuple[bytes, float]]:
        file = encode(scene, replace(profile, stepped=options), threads=threads)
        of_views = pictures.of_views(decompress(file, threads=threads))
        psnr = float(np.mean(of_views))
        tried.append(psnr)
        report(1 - 0.7 ** len(tried), f"measured {psnr:.2f} dB")
        return psnr, (file, min(of_views))

    start, target = profile.stepped, profile.target_quality
    if start is None or target is None:
        psnr, (file, worst) = attempt(start)
    else:
        try:
            met = meet(
                target,
                lambda setting: attempt(replace(start, **setting._asdict())),
                start=start.fineness,
                options=profile.closed_loop,
            )
        except OutOfReachError as error:
            if not profile.best_effort:
                raise
            met = error.nearest
        psnr, (file, worst) = met.psnr, met.made
    return with_quality(file, psnr, worst, described)


def with_quality(file: bytes, psnr: float, worst: float, views: str) -> bytes:
    """The file, saying what was measured of it: dB against the source, mean and worst of some views."""
    measured = {"psnr_db": round(psnr, 2), "worst_view_db": round(worst, 2), "views": views}
    (quality,) = json_chunks(Kind.QUALITY, measured)
    return with_chunk(file, quality)


def _asked_for(profile: Profile) -> dict[str, str]:
    """The targets of a profile and its share to prune, as they are written to the file."""
    asked: dict[str, float | None] = {
        "target_quality_db": profile.target_quality,
        "target_size_bytes": profile.target_size,
        "target_loss_db": profile.target_loss,
        "pruned_share": None if profile.balance is None else profile.balance.prune,
    }
    return {name: f"{value:.9g}" for name, value in asked.items() if value is not None}


def _stepped_file(scene: Scene, coded: EncodedScene, compensation: Compensation, settings: Mapping[str, str]) -> bytes:
    chunks = coded.chunks
    boxes = np.array([c.box for c in chunks], np.float32)
    box: Box = (tuple(boxes[:, :3].min(0).tolist()), tuple(boxes[:, 3:].max(0).tolist()))
    tiers = 1 + max(c.tier for c in chunks)
    layers = 2 if scene.sh_degree else 1
    of_run: dict[tuple[int, int], list[TileChunk]] = {key: [] for key in run_order(tiers, layers)}
    for c in chunks:
        of_run[c.tier, c.layer].append(
            TileChunk(c.tile, c.splats, (c.box[:3], c.box[3:]), c.payload)  # type: ignore[arg-type]
        )
    runs = [Run(*key, chunks, _needs(*key, coded, compensation)) for key, chunks in of_run.items()]
    root = Root(Codec.STEPPED, len(scene), scene.sh_degree, tiers, layers, tuple(scene.origin.tolist()), box)
    meta = json_chunks(Kind.META, scene.meta.stored())  # says where to look from: it comes before the first picture
    runs[0] = replace(runs[0], needs=[*meta, *runs[0].needs])
    return write_file(root, runs, json_chunks(Kind.SETTINGS, settings))


def _needs(tier: int, layer: int, coded: EncodedScene, compensation: Compensation) -> list[SharedChunk]:
    """The shared chunks that this run is the first to need."""
    needs = []
    if tier == 0:
        if layer == 0:
            needs = [*json_chunks(Kind.TIERS, compensation.stored()), SharedChunk(Kind.STEPS, 0, coded.params)]
        needs.append(SharedChunk(Kind.TABLES, layer, coded.tables[layer]))
        needs += [
            SharedChunk(Kind.CODEBOOKS, attribute, book)
            for attribute, book in zip(Booked, coded.books, strict=True)
            if book and layer == (1 if attribute == Booked.SH else 0)
        ]
    if layer == 0 and coded.tier_tables:
        needs.append(SharedChunk(Kind.TABLES, FIRST_TIER_TABLES + tier, coded.tier_tables[tier]))
    return needs
