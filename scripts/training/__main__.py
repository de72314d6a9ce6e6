"""`scripts/train_reference`: what is trained, from what, and for how long."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from splatzip import SplatzipError
from training.capture import Capture
from training.points import Points, colmap_points, random_points
from training.recipe import Recipe


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    recipe = Recipe(steps=options.steps, sh_degree=options.sh_degree, seed=options.seed)
    try:
        capture = Capture.load(options.views, scale=options.scale, background=tuple(options.background))
        points = starting_points(options, capture)
        print(plan(recipe, capture, points, options.out))
        if options.dry_run:
            capture.read_all()
            print("dry run: every photo is there and whole; nothing was trained")
            return 0
        from training.train import train  # torch and gsplat

        train(recipe, capture, points, options.out)
    except SplatzipError as error:
        print(f"train_reference: {error}", file=sys.stderr)
        return 2
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train_reference", description=__doc__)
    parser.add_argument("views", type=Path, help="transforms.json, a COLMAP model, or a folder with one of them")
    parser.add_argument("out", type=Path, help="the 3DGS PLY to write")
    parser.add_argument("--steps", type=positive, default=30_000)
    parser.add_argument("--sh-degree", type=int, choices=range(4), default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="train on photos of so many times the resolution")
    parser.add_argument("--background", type=float, nargs=3, default=(0.0, 0.0, 0.0), metavar=("R", "G", "B"))
    parser.add_argument(
        "--points", type=Path, help="COLMAP's points3D.bin or .txt; default: the model's own, or random"
    )
    parser.add_argument("--random-points", type=positive, default=100_000, help="how many, where there are no others")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--dry-run", action="store_true", help="load everything, say what would be trained, stop")
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def starting_points(options: argparse.Namespace, capture: Capture) -> Points:
    """Those of COLMAP where it left some; else as many random ones around the middle of what cameras look at."""
    if found := colmap_points(options.points or options.views, asked=options.points is not None):
        return found
    return random_points(capture, options.random_points, options.seed)


def plan(recipe: Recipe, capture: Capture, points: Points, out: Path) -> str:
    sizes = sorted({f"{camera.width}x{camera.height}" for camera in capture.train.cameras})
    return "\n".join(
        (
            f"train  {len(capture.train)} views of {', '.join(sizes)}, test {len(capture.test)}",
            f"start  {len(points.positions)} points, {points.origin}; scene size {capture.size:.3f}",
            f"steps  {recipe.steps}, SH degree {recipe.sh_degree}, gsplat's default strategy, seed {recipe.seed}",
            f"write  {out}, measured at {', '.join(map(str, recipe.milestones))}",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
