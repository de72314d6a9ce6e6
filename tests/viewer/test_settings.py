"""The page's choices and the command line say the same."""

from __future__ import annotations

import inspect
import shlex
from pathlib import Path

import pytest

import splatzip
from splatzip import Profile
from splatzip import compress as _compress
from splatzip.cli.options import Preset, Recipe, bytes_of
from splatzip.cli.run import run
from splatzip_viewer.choosing import made_name
from splatzip_viewer.settings import PRESETS, RECIPES, TARGETS, Settings, targets_of


def test_every_preset_and_recipe_of_the_command_line_can_be_chosen():
    assert set(PRESETS) == {preset.value for preset in Preset}
    assert set(RECIPES) == {recipe.value for recipe in Recipe}


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (Settings(), {"preset": "balanced"}),
        (Settings(target="size", size_kb=812.34), {"preset": "balanced", "size": 812340}),
        (Settings(target="quality", quality_db=41.5), {"preset": "balanced", "quality": 41.5}),
        (
            Settings(target="loss", loss_db=0.25, views=Path("a b")),
            {"preset": "balanced", "max_loss": 0.25, "views": "a b"},
        ),
        (Settings("fast", degree="1", views=Path("x")), {"preset": "fast", "degree": 1, "views": "x"}),
        (Settings("fast", "quality", verify=True), {"preset": "fast", "quality": 40.0, "verify": True}),
        (Settings("fast", target="size", size_kb=5), {"preset": "fast"}),
        (Settings("lossless", "quality", degree="0", views=Path("x")), {"preset": "lossless", "views": "x"}),
        (
            Settings("balanced", "size", 5, best_effort=True, prune="0", drop_unseen=True, only_views=True),
            {"preset": "balanced", "size": 5000, "best_effort": True, "prune": 0.0, "drop_unseen": True},
        ),
        (Settings(photos=True, views=Path("x")), {"preset": "balanced", "views": "x", "photos": True}),
        (Settings(photos=True), {"preset": "balanced"}),
        (
            Settings("balanced", "quality", photos=True, views=Path("x")),
            {"preset": "balanced", "quality": 40.0, "views": "x"},
        ),
        (Settings("balanced", best_effort=True, verify=True, prune="0.60"), {"preset": "balanced", "prune": 0.6}),
        (Settings("omg", target="size", size_kb=5, views=Path("x")), {"recipe": "omg", "views": "x"}),
    ],
)  # fmt: skip
def test_options_are_those_of_compress(settings, options):
    assert settings.options() == options


def everything(method: str, target: str) -> Settings:
    """All there is to choose, chosen."""
    return Settings(method, target, 812.34, 41.0625, 0.3, True, True, "1", Path("a b/c"), True, True, "0.60", True)


@pytest.mark.parametrize("method", [*PRESETS, *RECIPES])
@pytest.mark.parametrize("target", TARGETS)
def test_what_a_method_cannot_aim_at_is_not_asked_of_it(method, target):
    options = everything(method, target).options()
    assert any(name in options for name in ("size", "quality", "max_loss")) == (target in targets_of(method)[1:])
    if method in PRESETS:  # which says itself what it takes
        of_profile = set(inspect.signature(Profile.preset_named).parameters)
        assert Profile.preset_named(method, **{k: v for k, v in options.items() if k in of_profile})
    assert "loss" not in targets_of(method, has_photos=False)


@pytest.mark.parametrize("method", [*PRESETS, *RECIPES])
@pytest.mark.parametrize("target", TARGETS)
def test_the_command_asks_compress_for_what_the_page_does(method, target, ply, tmp_path, monkeypatch):
    asked: list[dict[str, object]] = []

    def compress(scene, **options):
        asked.append(options)
        raise splatzip.SplatzipError("enough")

    monkeypatch.setattr(splatzip, "compress", compress, raising=False)
    monkeypatch.setattr(splatzip, "check_options", lambda **_: None, raising=False)  # there is no such capture
    monkeypatch.setattr("signal.signal", lambda *_: None)
    settings = everything(method, target)
    words = shlex.split(settings.command(ply, tmp_path / "out.splatz"))
    assert run([*words[1:], "--quiet"]) == 2
    defaults = {name: one.default for name, one in inspect.signature(_compress).parameters.items()}
    (given,) = asked
    views = given["views"]
    told = {
        name: value
        for name, value in {**given, "views": views and str(views)}.items()
        if name != "progress" and value != defaults[name]
    }
    assert told == settings.options()


@pytest.mark.parametrize("size_kb", [800, 812.34, 0.123, 123456.78, 3_500_000])
def test_the_command_means_the_same_bytes(size_kb):
    settings = Settings(target="size", size_kb=size_kb)
    words = shlex.split(settings.command("in.ply", "out.splatz"))
    assert bytes_of(words[words.index("--size") + 1]) == settings.options()["size"]


@pytest.mark.parametrize(
    "settings",
    [
        Settings("fast", "quality", quality_db=38.5, degree="0"),
        Settings("fast", "quality", quality_db=38.5, verify=True, best_effort=True),
        Settings("lossless"),
    ],
)
def test_the_command_writes_the_same_file(settings, tmp_path, ply, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    words = shlex.split(settings.command(ply, tmp_path / "a name with spaces.splatz"))
    assert words[:2] == ["splatzip", "compress"]
    assert run([*words[1:], "--quiet"]) == 0
    written = (tmp_path / "a name with spaces.splatz").read_bytes()
    assert written == splatzip.compress(ply, **settings.options())


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("chair.v2 (final).ply", "chair.v2 (final).splatz"),
        ("Biker.compressed.PLY", "Biker.splatz"),
        ("scan 2024.05", "scan 2024.05.splatz"),
        ("scan.usdz", "scan.splatz"),
        (".ply", "scene.splatz"),
    ],
)
def test_what_is_made_of_a_file_keeps_its_name_but_for_the_format(source, made):
    assert made_name(source, ".splatz") == made
