"""Preset balanced with photos to learn from: what they correct, and what they must not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splatzip import Profile, Scene, SplatzipError, Views, ViewsError, compress, decompress, load
from splatzip import balance as stages
from splatzip.kernels.device import Engine
from splatzip.optimize import photos, repair, settle
from splatzip.quality import compare
from splatzip.raster import render
from splatzip.raster.rasterize import precise_renderer

SAMPLE = Path(__file__).resolve().parents[1] / "datasets" / "samples" / "chair"
SHORT = stages.Options(
    views=12,
    views_beside=8,
    scoring_views=6,
    tier_views=3,
    repair=repair.Options(steps=60),
    settle=settle.Options(replace(settle.Options().rates, steps=10), every=2, replan=3),
)
ENGINES = [
    "cpu",
    pytest.param("emulated", marks=pytest.mark.cuda),
    pytest.param("cuda", marks=[pytest.mark.cuda, pytest.mark.gpu]),
]


@pytest.fixture(scope="module")
def chair() -> Scene:
    """A part of the splats, larger and more opaque: one does not see through."""
    whole = load(SAMPLE / "point_cloud.ply")
    some = whole.take(np.arange(0, len(whole), 8))
    return some.edited(log_scales=some.log_scales + np.float32(0.9), opacity_logits=some.opacity_logits + np.float32(3))


@pytest.fixture(scope="module")
def brighter(chair: Scene) -> Scene:
    """What the photos show: the scene's training fell short of it."""
    sh = chair.sh.copy()
    sh[:, 0] += 0.3
    return chair.edited(sh=sh)


@pytest.fixture(scope="module")
def capture(brighter: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return captured(brighter, tmp_path_factory.mktemp("capture"))


def captured(scene: Scene, folder: Path, *, background: float = 0.0) -> Path:
    """A capture of 24 photos of a scene, every 8th by name for testing."""
    known = json.loads((SAMPLE / "transforms.json").read_text())
    frames = []
    for number in range(24):  # the sample has a few frames: more of them, a little aside
        frame = json.loads(json.dumps(known["frames"][number % len(known["frames"])]))
        frame["file_path"] = f"{number:03}.png"
        frame["transform_matrix"][0][3] += 0.02 * number
        frames.append(frame)
    (folder / "transforms.json").write_text(json.dumps({**known, "frames": frames}))
    for camera in Views.load(folder, split="all", photos=False).cameras:
        color = render(scene, camera, background=[background] * 3).color
        Image.fromarray((255 * color.clip(0, 1)).round().astype(np.uint8)).save(folder / camera.name)
    return folder


def short() -> Profile:
    return replace(Profile.preset_named("balanced"), balance=SHORT)


def test_less_is_lost_on_photos_that_nobody_fitted_to(chair: Scene, capture: Path) -> None:
    unseen = Views.load(capture, split="test")
    files = [compress(chair, profile=short(), views=capture, photos=learn) for learn in (False, True)]
    plain, taught = (compare(chair, decompress(file), unseen) for file in files)
    lost = [np.mean([view.photo.lost for view in one.views if view.photo]) for one in (plain, taught)]
    assert lost[0] > 0.1
    assert lost[1] < -3, "better than the source"
    assert taught.psnr < plain.psnr
    everything = Views.load(capture, split="all")
    assert compress(chair, profile=short(), views=everything, photos=True) == files[1], "not to the test frames"


@pytest.mark.parametrize("engine", ENGINES)
def test_pictures_to_move_towards_are_as_far_from_the_source_as_the_photos(
    chair: Scene, capture: Path, engine: Engine
) -> None:
    given = Views.load(capture, split="train")
    prepared = stages.prepare(chair, SHORT, given=given, device=engine, threads=1)
    renderer = precise_renderer(prepared.scene, device=engine, threads=1)
    found = renderer.errors(prepared.cameras, prepared.goals)
    for camera, error in zip(given.cameras, found, strict=False):
        photo, source = given.photo(given.cameras.index(camera)), render(chair, camera)
        assert error == pytest.approx(np.square(photo - source.color.clip(0, 1)).mean(), rel=0.15)
    assert max(found[len(given) :]) < 1e-6, "pseudo-views show the source"
    assert max(renderer.errors(prepared.cameras, prepared.targets)) < 1e-6, "splats are judged by the source"


def test_smaller_pictures_are_no_sharper_than_a_renderer_draws_them(chair: Scene, tmp_path: Path) -> None:
    """Photos that show just what the scene does correct nothing, though they shrink to sharper ones than it draws."""
    given = Views.load(captured(chair, tmp_path), split="train")
    small = [camera.scaled(0.4) for camera in given.cameras]
    found = list(photos.corrected(precise_renderer(chair), small, given))
    for number, camera in enumerate(small):
        drawn = render(chair, camera).color
        assert np.abs(found[number] - drawn).max() < 1 / 255
        shrunk = photos.resized(given.photo(number), camera.width, camera.height)
        assert np.abs(shrunk - drawn).max() > 0.1


def test_a_background_that_the_scene_does_not_have_is_not_learnt(tmp_path: Path) -> None:
    whole = load(SAMPLE / "point_cloud.ply")
    given = Views.load(captured(whole, tmp_path, background=1.0), split="train")
    found = list(photos.corrected(precise_renderer(whole), given.cameras, given))
    drawn = render(whole, given.cameras[0])
    assert (drawn.alpha == 0).any()
    assert (found[0][drawn.alpha == 0] == 0).all()
    assert np.abs(found[0] - drawn.color)[drawn.alpha > 0.99].max() < 0.02


def test_what_stood_in_front_of_the_scene_is_not_learnt(chair: Scene, tmp_path: Path) -> None:
    given = Views.load(captured(chair, tmp_path), split="train")
    photo = Image.open(tmp_path / given.cameras[0].name)
    photo.paste((255, 0, 255), (150, 150, 250, 250))
    photo.save(tmp_path / given.cameras[0].name)
    found = list(photos.corrected(precise_renderer(chair), given.cameras, given))
    assert np.abs(found[0] - render(chair, given.cameras[0]).color).max() < 1 / 255


def test_photos_of_something_else_are_refused(chair: Scene, capture: Path) -> None:
    known = Views.load(capture, split="train")
    mixed = Views(known.cameras, tuple(reversed(known.photos or ())))
    with pytest.raises(ViewsError, match=r"the photos do not show this scene: .* by \d+\.\d dB"):
        list(photos.corrected(precise_renderer(chair), mixed.cameras, mixed))


def test_what_cannot_be_learnt_is_refused_before_anything_is_drawn(chair: Scene, capture: Path, tmp_path: Path) -> None:
    (tmp_path / "transforms.json").write_text((capture / "transforms.json").read_text())
    for options, says in (
        ({}, "add --views"),
        ({"views": tmp_path}, "there are no photos to learn from"),
        ({"views": capture, "quality": 40}, "ask for a size or a loss"),
        ({"views": capture, "preset": "fast"}, "choose balanced"),
        ({"views": capture, "recipe": "omg"}, "no option but --views"),
    ):
        with pytest.raises(SplatzipError, match=says):
            compress(chair, photos=True, progress=pytest.fail, **options)  # type: ignore[arg-type]
