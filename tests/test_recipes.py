"""Published methods on the chair sample: fewer splats, of the degree they say, decoded by every decoder."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from splatzip import Camera, Scene, SplatzipError, Views, compress, decompress, info, load, recipes
from splatzip.distill.regression import truncated
from splatzip.optimize import repair, teacher
from splatzip.quality import compare

SAMPLE = Path(__file__).resolve().parents[1] / "datasets" / "samples" / "chair"


@pytest.fixture(scope="module")
def chair() -> Scene:
    return load(SAMPLE / "point_cloud.ply")


@pytest.fixture(scope="module")
def cameras() -> list[Camera]:
    return [camera.scaled(0.3) for camera in Views.load(SAMPLE, split="test", photos=False).cameras]


def short(name: str, *, steps: int) -> recipes.Recipe:
    """A recipe of a few steps of repair."""
    return replace(
        recipes.recipe_named(name),
        repair=repair.Options(steps=steps),
        teach=teacher.Options(steps=repair.Options(steps=steps)),
    )


@pytest.mark.parametrize(("name", "degree"), [("lightgaussian", 2), ("c3dgs", 3), ("omg", 3)])
def test_fewer_splats_of_the_degree_that_it_says_are_left_and_look_better_for_the_repair(chair, cameras, name, degree):
    recipe = short(name, steps=40)
    rows = recipes.chosen(chair, cameras, recipe.choice)
    left = recipes.reduced(chair, cameras, recipe)
    assert len(left) == len(rows) < 0.9 * len(chair)
    assert left.sh_degree == degree
    views = Views(tuple(cameras))
    cut = truncated(chair.take(rows), degree)
    assert compare(chair, left, views).psnr > compare(chair, cut, views).psnr + 1


@pytest.mark.parametrize("name", list(recipes.RECIPES))
def test_a_file_says_which_recipe_made_it_and_decodes_to_what_was_left(chair, cameras, monkeypatch, name):
    some = chair.take(np.arange(0, len(chair), 40))
    recipe = short(name, steps=2)
    monkeypatch.setitem(recipes.RECIPES, name, recipe)
    coded = recipes.encode_by(some, name, cameras=cameras[:2])
    assert info(coded)["settings"]["preset"] == f"recipe {name}"
    decoded = decompress(coded)
    assert len(decoded) == len(recipes.chosen(some, cameras[:2], recipe.choice))
    monkeypatch.syspath_prepend(str(SAMPLE.parents[2] / "docs"))
    reference = importlib.import_module("reference_decoder").decode(coded)
    for attribute, array in decoded.arrays().items():
        assert reference[attribute].tobytes() == array.tobytes(), attribute


def test_any_number_of_threads_gives_the_same_bytes(chair, cameras, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "lightgaussian", short("lightgaussian", steps=3))
    some = chair.take(np.arange(0, len(chair), 40))
    one, two = (recipes.encode_by(some, "lightgaussian", cameras=cameras[:2], threads=n) for n in (1, 2))
    assert one == two


def test_without_cameras_the_scene_is_looked_at_from_views_of_its_own(chair, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "c3dgs", short("c3dgs", steps=1))
    steps: list[str] = []
    some = chair.take(np.arange(0, len(chair), 200))
    decoded = decompress(compress(some, recipe="c3dgs", progress=lambda _, step: steps.append(step)))
    assert 0 < len(decoded) <= len(some)
    assert list(dict.fromkeys(steps)) == ["making views", "pruning", "repairing", "quantizing and coding", "done"]


def test_given_cameras_are_looked_from_instead_but_not_those_for_testing(chair, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "c3dgs", short("c3dgs", steps=2))
    steps: list[str] = []
    some = chair.take(np.arange(0, len(chair), 50))
    seen: list[str] = []
    choose = recipes.chosen
    monkeypatch.setattr(
        recipes, "chosen", lambda scene, cameras, *rest, **more: seen.extend(c.name for c in cameras)
        or choose(scene, cameras, *rest, **more),
    )  # fmt: skip
    decoded = decompress(compress(some, recipe="c3dgs", views=SAMPLE, progress=lambda _, step: steps.append(step)))
    assert 0 < len(decoded) <= len(some)
    assert "making views" not in steps
    assert sorted(seen) == sorted(camera.name for camera in Views.load(SAMPLE, split="train").cameras)
    assert decoded.meta.camera is not None


def test_a_degree_that_is_lower_already_stays(chair, cameras):
    flat = truncated(chair.take(np.arange(0, len(chair), 40)), 0)
    assert recipes.reduced(flat, cameras[:2], short("lightgaussian", steps=1)).sh_degree == 0


@pytest.mark.parametrize("name", list(recipes.RECIPES))
@pytest.mark.parametrize("what", ["a single splat", "all the same", "far apart"])
def test_odd_scenes_encode_and_decode(chair, monkeypatch, name, what):
    monkeypatch.setitem(recipes.RECIPES, name, short(name, steps=3))
    scene = chair.take({"a single splat": [7], "all the same": [7] * 30, "far apart": list(range(0, 600, 20))}[what])
    if what == "far apart":
        scene = scene.edited(positions=scene.positions * np.float32(1e6))
    decoded = decompress(compress(scene, recipe=name))
    assert 1 <= len(decoded) <= len(scene)


def test_a_recipe_is_given_alone(chair):
    with pytest.raises(SplatzipError, match="takes no option but --views"):
        compress(chair, recipe="omg", quality=40)
    with pytest.raises(SplatzipError, match="there is no recipe 'omg2'; choose lightgaussian, c3dgs, omg"):
        compress(chair, recipe="omg2")
