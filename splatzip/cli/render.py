"""`splatzip render`: a picture of a scene, or a video around it."""

from __future__ import annotations

from typing import Annotated

import typer

from splatzip.cli import options as of
from splatzip.cli.console import progress_bar, warning_lines
from splatzip.cli.eye import Eye, one_camera, size_of_text
from splatzip.cli.picture import Shown, ShowOption, as_png
from splatzip.cli.source import load_and_warn
from splatzip.cli.summary import Stopwatch, conversion, show
from splatzip.cli.target import check_target, write_whole
from splatzip.cli.video import Film, Fps, Seconds, UpAxis, as_mp4, check_can_film


def render(
    source: of.Source,
    target: of.PictureOrVideo,
    view: Annotated[
        str | None, typer.Option(metavar="I|NAME", help="One of --views or of 12 around the scene. Default: first.")
    ] = None,
    camera: of.CameraFile = None,
    views: of.ViewsPath = None,
    split: of.SplitOption = of.SplitOf.test,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Pixels. Default: the camera's; for a video 960x720.")
    ] = None,
    background: of.Background = (0, 0, 0),
    extent: of.ExtentOption = of.ExtentOf.three_sigma,
    shown: ShowOption = Shown.color,
    orbit: Annotated[
        bool,
        typer.Option("--orbit", help="A video that circles the scene, at the height and distance of --views if given."),
    ] = False,
    up: UpAxis = None,
    seconds: Seconds = None,
    fps: Fps = None,
    threads: of.Threads = 0,
    repair: of.Repair = False,
    axes: of.Axes = None,
    force: of.Force = False,
    as_json: of.AsJson = False,
    quiet: of.Quiet = False,
) -> None:
    """Render a scene in any format: a picture, or a video around it."""
    pixels = size_of_text(size)
    film = Film(up, seconds, fps)
    if orbit:
        if camera or view or shown is not Shown.color:
            raise typer.BadParameter("--orbit cannot be combined with --camera, --view or --show")
        check_can_film(target, pixels)
    elif target.suffix.lower() != ".png":
        raise typer.BadParameter(f"{target}: expected OUT.png, or OUT.mp4 with --orbit")
    elif film != Film():
        raise typer.BadParameter("--up, --seconds and --fps are for a video; add --orbit")
    check_target(target, force=force)
    watch = Stopwatch()
    with progress_bar(quiet=quiet or as_json) as progress:
        progress(0.0, "reading")
        with watch.step("read"):
            scene = load_and_warn(source, repair=repair, axes=axes)
        eye = Eye(scene, background, extent.value, threads)
        with watch.step("render"):
            if orbit:
                content, facts = as_mp4(eye, views, split.value, pixels, film, progress)
            else:
                chosen = one_camera(scene, views, split.value, view, camera, pixels)
                progress(0.5, "drawing")
                picture = eye.picture(chosen)
                content, facts = as_png(picture, chosen, shown)
                if not picture.alpha.any():
                    warning_lines([f"view {chosen.name}: no splat of {source} is visible from there"])
        with watch.step("write"):
            write_whole(target, content)
    show(conversion(source, target, scene, watch, **facts), as_json=as_json, quiet=quiet)
