"""`scripts/bench`: what is measured, on which scenes, how often."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import splatzip
from benchmark.ablations import ABLATIONS, write_ablations
from benchmark.asked import ASKED_SCENES, measure_asked
from benchmark.codings import CODINGS_RECORDS, CODINGS_SCENES, measure_codings
from benchmark.commands import measure_commands, measure_peer_quality
from benchmark.distillation import DISTILLATION_RECORDS, DISTILLATION_SCENES, measure_distillation
from benchmark.ideas import IDEAS_SCENES, measure_ideas
from benchmark.invariance import measure_invariance
from benchmark.judge import DEFAULT_JUDGE, Judge
from benchmark.peers import splat_transform_tool, splatzip_tool
from benchmark.pruning import PRUNING_RECORDS, PRUNING_SCENES, measure_pruning
from benchmark.pseudo import VIEWS_RECORDS, VIEWS_SCENES, measure_views
from benchmark.quality import CURVE, FAST, PRESETS, measure_quality
from benchmark.rd import RD_SCENES, measure_rd
from benchmark.recipes import RECIPES_RECORDS, RECIPES_SCENES, measure_recipes
from benchmark.record import RECORDS, machine, replace_rows
from benchmark.render import measure_rendering
from benchmark.scale import SCALE_SCENES, measure_scale
from benchmark.scenes import BenchScene, scenes_named, scenes_with_photos
from benchmark.speed import measure_speed
from benchmark.table import TABLE, write_table
from benchmark.tiers import WEB_RECORDS, WEB_SCENES, measure_tiers
from benchmark.transcoding import measure_transcoding
from benchmark.viewer import VIEWER_RECORDS, VIEWER_SCENES, measure_viewer
from benchmark.waiting import measure_waiting
from benchmark.web import measure_decoding
from benchmark.web_memory import measure_memory
from splatzip import Scene

# What ABLATIONS.md shows, of scenes that came with photos: kind of the rows, where they are, which scenes by default.
ABLATED: dict[str, tuple[str, Path, tuple[str, ...], Callable[[BenchScene, Scene], Iterable[dict[str, Any]]]]] = {
    "prune": ("pruning", PRUNING_RECORDS, PRUNING_SCENES, measure_pruning),
    "distill": ("distillation", DISTILLATION_RECORDS, DISTILLATION_SCENES, measure_distillation),
    "codings": ("codings", CODINGS_RECORDS, CODINGS_SCENES, measure_codings),
    "recipes": ("recipes", RECIPES_RECORDS, RECIPES_SCENES, measure_recipes),
}
# What records each row as soon as it is there: a run that was stopped goes on. Which scenes by default.
RESUMED: dict[str, tuple[tuple[str, ...], Callable[[BenchScene, Scene], Iterable[dict[str, Any]]]]] = {
    "rd": (RD_SCENES, measure_rd),
    "ideas": (IDEAS_SCENES, measure_ideas),
    "asked": (ASKED_SCENES, measure_asked),
    "scale": (SCALE_SCENES, measure_scale),
}
PARTS = ("quality", "speed", "transcoding", "commands", "invariance")
WEB_PARTS = ("tiers", "decoding", "waiting", "memory")


def main() -> None:
    """Measure, record, and write the table."""
    options = _options()
    if not options.table:
        print(machine())
        if options.what == "render":
            measure_rendering(repetitions=options.repetitions)
        elif options.what == "views":
            for scene in scenes_named(options.scenes or list(VIEWS_SCENES)):
                _measure_views(scene)
        elif options.what == "web":
            for scene in scenes_named(options.scenes or list(WEB_SCENES)):
                _measure_web(scene, options)
        elif options.what == "viewer":
            for scene in scenes_named(options.scenes or list(VIEWER_SCENES)):
                rows = list(measure_viewer(scene, repetitions=options.repetitions))
                replace_rows("viewer", scene, rows, path=VIEWER_RECORDS)
        elif options.what in RESUMED:
            scenes, resume = RESUMED[options.what]
            for scene in scenes_named(options.scenes or list(scenes)):
                for row in resume(scene, splatzip.load(scene.file)):
                    print(f"{scene.name}: {row}", flush=True)
        elif options.what in ABLATED:
            kind, records, scenes, measure = ABLATED[options.what]
            for scene in scenes_with_photos(options.scenes or list(scenes)):
                replace_rows(kind, scene, list(measure(scene, splatzip.load(scene.file))), path=records)
        else:
            for scene in scenes_named(options.scenes):
                _measure(scene, options)
    write_table()
    write_ablations()
    print(f"{TABLE} and {ABLATIONS} are written from {RECORDS.parent}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Benchmarks of splatzip.")
    commands = parser.add_subparsers(dest="what", required=True)
    codec = commands.add_parser("codec", help="the codec, beside its peers")
    views = commands.add_parser("views", help="pseudo-views, beside true cameras")
    rd = commands.add_parser("rd", help="rate and distortion: curves of presets, points of recipes")
    ideas = commands.add_parser("ideas", help="balanced with each of its ideas switched off")
    asked = commands.add_parser("asked", help="balanced at sizes that are asked for")
    scale = commands.add_parser("scale", help="large scenes: memory and time")
    web = commands.add_parser("web", help="what is seen while a file comes")
    viewer = commands.add_parser("viewer", help="how soon and how often the viewer shows pictures")
    prune = commands.add_parser("prune", help="ways to choose the splats that stay")
    distill = commands.add_parser("distill", help="ways to keep fewer SH coefficients")
    codings = commands.add_parser("codings", help="numbers or codebooks")
    recipes = commands.add_parser("recipes", help="published methods, whole")
    for command in (codec, views, rd, ideas, asked, scale, web, viewer, prune, distill, codings, recipes):
        command.add_argument("scenes", nargs="*", help="names, or their beginnings (default: all that it is made for)")
    codec.add_argument("--parts", default=",".join(PARTS), help=f"any of {','.join(PARTS)} (default: all)")
    codec.add_argument(
        "--judge", type=Path, default=DEFAULT_JUDGE, help=f"the judge's folder (default: {DEFAULT_JUDGE})"
    )
    web.add_argument("--parts", default=",".join(WEB_PARTS), help=f"any of {','.join(WEB_PARTS)} (default: all)")
    render = commands.add_parser("render", help="the rasterizer, forward and backward")
    for command in (codec, web, viewer, render):
        command.add_argument("--repetitions", type=int, default=5, help="runs of everything that is timed (default: 5)")
    for command in (codec, views, rd, ideas, asked, scale, web, viewer, prune, distill, codings, recipes, render):
        command.add_argument("--table", action="store_true", help="measure nothing, write the table again")
    options = parser.parse_args()
    known = {"codec": PARTS, "web": WEB_PARTS}.get(options.what)
    if known is None:
        return options
    options.parts = options.parts.split(",")
    if unknown := set(options.parts) - set(known):
        parser.error(f"no part is called {unknown.pop()!r}")
    return options


def _measure(scene: BenchScene, options: argparse.Namespace) -> None:
    source = splatzip.load(scene.file)
    print(f"{scene.name}: {len(source):,} splats, SH degree {source.sh_degree}", flush=True)
    parts: dict[str, Callable[[], Iterable[dict[str, Any]]]] = {
        "quality": lambda: _quality(scene, source, options),
        "speed": lambda: measure_speed(
            source, preset="lossless" if scene.quantized else "fast", repetitions=options.repetitions
        ),
    }
    if scene.quantized:
        parts["transcoding"] = lambda: measure_transcoding(scene, source)
    else:
        tools = [splatzip_tool(), splat_transform_tool()]
        parts["commands"] = lambda: measure_commands(scene, source, tools, repetitions=options.repetitions)
        parts["invariance"] = lambda: measure_invariance(source)
    for kind, measure in parts.items():
        if kind in options.parts:
            start = time.perf_counter()
            replace_rows(kind, scene, list(measure()))
            print(f"  {kind}: {time.perf_counter() - start:.1f} s", flush=True)


def _measure_web(scene: BenchScene, options: argparse.Namespace) -> None:
    source = splatzip.load(scene.file)
    if "tiers" in options.parts:
        replace_rows("web", scene, list(measure_tiers(scene, source)), path=WEB_RECORDS)
    if "decoding" in options.parts:
        rows = list(measure_decoding(scene, source, repetitions=options.repetitions))
        replace_rows("web_decoding", scene, rows, path=WEB_RECORDS)
    if "waiting" in options.parts:
        rows = list(measure_waiting(scene, source, repetitions=min(options.repetitions, 3)))
        replace_rows("web_waiting", scene, rows, path=WEB_RECORDS)
    if "memory" in options.parts:
        rows = list(measure_memory(scene, source, repetitions=min(options.repetitions, 3)))
        replace_rows("web_memory", scene, rows, path=WEB_RECORDS)


def _measure_views(scene: BenchScene) -> None:
    source = splatzip.load(scene.file)
    rows = list(measure_views(scene, source))
    replace_rows("views", scene, rows, path=VIEWS_RECORDS)
    for row in rows:
        print(f"{scene.name}: {row}", flush=True)


def _quality(scene: BenchScene, source: Scene, options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    judge = Judge(options.judge, scene, source)
    yield from measure_quality(scene, source, judge, settings=FAST if scene.quantized else (*PRESETS, *CURVE))
    if not scene.quantized:
        yield measure_peer_quality(scene, source, judge, splat_transform_tool())


if __name__ == "__main__":
    main()
