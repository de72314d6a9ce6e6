"""`splatzip compress`: one scene into one .splatz, or many into a folder."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import typer

from splatzip.cli import options as option
from splatzip.cli.batch import compress_many
from splatzip.cli.job import Settings, compress_and_show
from splatzip.cli.places import places_in
from splatzip.cli.report_file import check_report, write_report


def compress(
    paths: option.ScenesAndTarget,
    to: option.ToFolder = None,
    preset: option.PresetOption = None,
    quality: option.Quality = None,
    size: option.SizeOption = None,
    max_loss: option.MaxLoss = None,
    best_effort: option.BestEffort = False,
    verify: option.Verify = False,
    views: option.EncoderViews = None,
    photos: option.Photos = False,
    only_views: option.OnlyViews = False,
    view_weight: option.ViewWeight = None,
    degree: option.Degree = None,
    prune: option.Prune = None,
    drop_unseen: option.DropUnseen = False,
    sh_coding: option.ShCoding = None,
    geometry_coding: option.GeometryCoding = None,
    recipe: option.RecipeOption = None,
    threads: option.Threads = 0,
    device: option.EncodingDevice = option.DrawingDevice.cpu,
    jobs: option.Jobs = None,
    repair: option.Repair = False,
    axes: option.Axes = None,
    force: option.Force = False,
    report: option.ReportFile = None,
    as_json: option.AsJson = False,
    quiet: option.Quiet = False,
) -> None:
    """Compress scenes: any format in, .splatz out.

    Reads 3DGS PLY, compressed PLY, splat, ksplat, SPZ, SOG, glTF and USD.

    With --to, a.ply becomes DIR/a.splatz, and the scenes in a folder keep their subfolders.
    OUTPUT/point_cloud/iteration_N/point_cloud.ply becomes OUTPUT_N.splatz; a folder gives the last.
    What exists is kept: repeat an interrupted run, or one with more scenes, to do the rest.
    """
    settings = Settings(preset=option.name_of(preset), quality=quality, size=option.bytes_of(size), max_loss=max_loss,
        best_effort=best_effort, verify=verify, views=views, photos=photos, only_views=only_views,
        view_weight=view_weight, degree=degree, prune=option.share_of(prune), drop_unseen=drop_unseen,
        sh_coding=option.name_of(sh_coding), geometry_coding=option.name_of(geometry_coding),
        recipe=option.name_of(recipe), threads=threads, device=device.value, repair=repair, axes=axes)  # fmt: skip
    settings.check()
    summary: Any
    places = {} if to is None else places_in(to, paths)
    if report is not None:
        check_report(report, chain(paths, places, *places.values()), to=to, force=force)
    if to is not None:
        summary = compress_many(places, to, settings, jobs=jobs or 1, force=force, quiet=quiet or as_json)
        if as_json:
            print(json.dumps(summary, indent=2))
    elif jobs is not None:
        raise typer.BadParameter("--jobs is for many scenes; add --to DIR")
    elif len(paths) == 2 and paths[1].suffix.lower() == ".splatz":
        summary = compress_and_show(paths[0], paths[1], settings, force=force, as_json=as_json, quiet=quiet)
    else:
        other = f"{paths[1]}: " if len(paths) == 2 else ""
        raise typer.BadParameter(f"{other}expected IN OUT.splatz, or IN... --to DIR")
    if report is not None:
        write_report(report, summary)
    if to is not None and any("error" in scene for scene in summary):
        raise typer.Exit(2)
