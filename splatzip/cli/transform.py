"""`splatzip transform`: move, turn, scale, crop, merge scenes, or change their SH degree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splatzip.cli.console import progress_bar
from splatzip.cli.options import AsJson, Axes, Force, Quiet, Repair
from splatzip.cli.source import load_and_warn
from splatzip.cli.summary import Stopwatch, conversion, show
from splatzip.cli.target import check_target, save_and_warn

Vector = tuple[float, float, float]
Box = tuple[float, float, float, float, float, float]


def transform(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATHS", help="IN... OUT; several INs are merged.", readable=False)
    ],
    crop: Annotated[
        Box | None, typer.Option(metavar="X Y Z X Y Z", help="Keep only splats in this box, given by two corners.")
    ] = None,
    degree: Annotated[int | None, typer.Option(metavar="D", min=0, max=4, help="SH degree of the result.")] = None,
    scale: Annotated[float, typer.Option(metavar="S", help="Factor, about the origin.")] = 1.0,
    rotate: Annotated[
        Vector, typer.Option(metavar="X Y Z", help="Degrees about x, then y, then z; SH is rotated, too.")
    ] = (0, 0, 0),
    translate: Annotated[Vector, typer.Option(metavar="X Y Z", help="Move by this, in scene units.")] = (0, 0, 0),
    repair: Repair = False,
    axes: Axes = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Merge, crop, scale, rotate or translate scenes.

    Applied in this order: merge, crop, SH degree, scale, rotate, translate.
    Axes as in a PLY: x right, y down, z forward.
    """
    from splatzip import transform as moved

    *sources, target = paths
    if not sources:
        raise typer.BadParameter("expected IN... OUT")
    check_target(target, force=force)
    watch = Stopwatch()
    with progress_bar(quiet=quiet or as_json) as progress:
        progress(0.0, "reading")
        with watch.step("read"):
            scenes = [load_and_warn(source, repair=repair, axes=axes) for source in sources]
        progress(0.4, "transforming")
        with watch.step("transform"):
            result = moved(
                scenes, crop=crop, degree=degree, scale=scale, rotation_degrees=rotate, translation=translate
            )
        progress(0.7, "writing")
        with watch.step("write"):
            lost = save_and_warn(result, target)
    show(conversion(sources[0], target, result, watch, lost=lost), as_json=as_json, quiet=quiet)
