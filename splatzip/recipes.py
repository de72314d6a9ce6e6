"""Recipes: published methods, assembled from the stages of the presets so that they can be compared.

    scene + cameras -> prune -> optimize -> distill -> encode

What each takes from its paper, and what it cannot (training from photos), is in docs/RECIPES.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from splatzip.distill import regression
from splatzip.encode import encode
from splatzip.errors import SplatzipError
from splatzip.kernels.device import Engine
from splatzip.optimize import repair, teacher
from splatzip.profile import Profile
from splatzip.progress import Progress, silent
from splatzip.prune import distinctiveness, most_weight, significance
from splatzip.quantize import residual_vq, stepped, sub_vector_vq, vec_tree
from splatzip.raster.rasterize import precise_renderer
from splatzip.raster.score import score
from splatzip.scene import Camera, Scene
from splatzip.views import pseudo_views

Choice = significance.Options | distinctiveness.Options | most_weight.Options

_FINENESS = -0.7  # as `fast` without a target: coding loses little beside what the rest of a recipe loses


@dataclass(frozen=True)
class Recipe:
    """Options of every stage.

    Attributes:
        choice: which splats stay, by which score.
        repair: how those that stay make up for the others, towards pictures of the source.
        degree: SH degree that stays; None: the source's.
        teach: how SH of that degree is taught by the source, after a regression.
        stepped: how finely what is left is coded.
    """

    choice: Choice
    repair: repair.Options = field(default_factory=repair.Options)
    degree: int | None = None
    teach: teacher.Options = field(default_factory=teacher.Options)
    stepped: stepped.Options = field(default_factory=lambda: stepped.Options(fineness=_FINENESS))


RECIPES = {
    "lightgaussian": Recipe(
        significance.Options(keep=0.34, volume_power=0.1),
        degree=2,
        stepped=stepped.Options(_FINENESS, sh_books=vec_tree.Options(share=0.6, entries=8192, price=0)),
    ),
    "c3dgs": Recipe(
        most_weight.Options(threshold=0.05),
        stepped=stepped.Options(
            _FINENESS,
            scale_books=residual_vq.Options(stages=6, entries=64, price=0),
            rotation_books=residual_vq.Options(stages=6, entries=64, price=0),
        ),
    ),
    "omg": Recipe(
        distinctiveness.Options(holding=0.96, distance_power=2.0),
        stepped=stepped.Options(
            _FINENESS,
            sh_books=sub_vector_vq.Options(parts=3, entries=1024, price=0),
            scale_books=sub_vector_vq.Options(parts=3, entries=64, price=0),
            rotation_books=sub_vector_vq.Options(parts=2, entries=512, price=0),
        ),
    ),
}


def recipe_named(name: str) -> Recipe:
    """The recipe of a name.

    Raises: SplatzipError if there is none.
    """
    if name not in RECIPES:
        raise SplatzipError(f"there is no recipe {name!r}; choose {', '.join(RECIPES)}")
    return RECIPES[name]


def encode_by(
    scene: Scene, name: str, *, cameras: Sequence[Camera] | None = None, threads: int = 0, device: Engine = "cpu",
    progress: Progress | None = None,
) -> bytes:  # fmt: skip
    """Compress a scene by a recipe.

    Args:
        scene: what to compress.
        name: one of `RECIPES`.
        cameras: what has to look the same; None: pseudo-views.
        threads: 0 for every core; the bytes do not depend on it.
        device: what draws, scores and steps.
        progress: called with the share done and a word for the step.
    Returns: a whole .splatz file.
    Raises: SplatzipError if there is no such recipe, ViewsError if no camera sees a splat.
    """
    recipe, report = recipe_named(name), progress or silent
    if cameras is None:
        report(0.0, "making views")
        cameras = pseudo_views(scene, threads=threads, device=device).cameras
    left = reduced(
        scene, cameras, recipe, threads=threads, device=device,
        progress=lambda done, step: report(0.05 + 0.9 * done, step),
    )  # fmt: skip
    report(0.95, "quantizing and coding")
    return encode(left, Profile(f"recipe {name}", recipe.stepped), threads=threads, device=device)


def reduced(
    scene: Scene, cameras: Sequence[Camera], recipe: Recipe, *, threads: int = 0, device: Engine = "cpu",
    progress: Progress | None = None,
) -> Scene:  # fmt: skip
    """Fewer splats of a lower degree, as like the source as the recipe makes them.

    Args:
        scene: the source.
        cameras: what has to look the same.
        recipe: see `Recipe`.
        threads: 0 for every core; the result does not depend on it.
        device: what draws, scores and steps.
        progress: called with the share done and a word for the step.
    Returns: what is to be coded, in the order of the source.
    Raises: ViewsError if no camera sees a splat.
    """
    report = progress or silent
    report(0.0, "pruning")
    left = scene.take(chosen(scene, cameras, recipe.choice, threads=threads, device=device))
    rasterizer = precise_renderer(scene, threads=threads, device=device)
    pictures = rasterizer.targets(cameras)
    end = 1.0 if recipe.degree is None else 0.5
    left = repair.repair(
        left, cameras, pictures, recipe.repair, threads=threads, device=device,
        progress=lambda done: report(0.1 + (end - 0.1) * done, "repairing"),
    )  # fmt: skip
    if recipe.degree is None:
        return left
    report(end, "distilling")
    moments = score(left, cameras, what={"curvature"}, threads=threads, device=device).color_curvature
    assert moments is not None
    left = regression.distill(left, moments, regression.Options(degree=recipe.degree), threads=threads).scene
    return teacher.teach(
        left, scene, cameras, recipe.teach, threads=threads, device=device,
        progress=lambda done: report(end + (1 - end) * done, "teaching"),
    )  # fmt: skip


def chosen(
    scene: Scene, cameras: Sequence[Camera], choice: Choice, *, threads: int = 0, device: Engine = "cpu"
) -> NDArray[np.int64]:
    """Rows that stay, by the score whose options these are."""
    if isinstance(choice, significance.Options):
        return significance.prune(scene, cameras, choice, threads=threads, device=device)
    if isinstance(choice, distinctiveness.Options):
        return distinctiveness.prune(scene, cameras, choice, threads=threads, device=device)
    return most_weight.prune(scene, cameras, choice, threads=threads, device=device)
