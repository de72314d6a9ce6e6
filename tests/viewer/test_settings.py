"""The page's choices and the command line say the same."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import splatzip
from splatzip import Profile
from splatzip.cli.options import Preset, Recipe, bytes_of
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
        (Settings("fast", degree="1", views=Path("x")), {"preset": "fast", "degree": 1}),
        (Settings("fast", target="size", size_kb=5), {"preset": "fast"}),
        (Settings("lossless", target="quality", degree="0", views=Path("x")), {"preset": "lossless"}),
        (Settings("omg", target="size", size_kb=5, views=Path("x")), {"recipe": "omg", "views": "x"}),
    ],
)  # fmt: skip
def test_options_are_those_of_compress(settings, options):
    assert settings.options() == options
    if "recipe" not in options:
        Profile.preset_named(options["preset"], **{k: v for k, v in options.items() if k not in ("preset", "views")})


@pytest.mark.parametrize("method", [*PRESETS, *RECIPES])
@pytest.mark.parametrize("target", TARGETS)
def test_what_a_method_cannot_aim_at_is_not_asked_of_it(method, target):
    options = Settings(method, target, size_kb=100, degree="1", views=Path("x")).options()
    assert any(name in options for name in ("size", "quality", "max_loss")) == (target in targets_of(method)[1:])
    if method in PRESETS:  # which says itself what it takes
        assert Profile.preset_named(
            options["preset"], **{k: v for k, v in options.items() if k not in ("preset", "views")}
        )
    assert "loss" not in targets_of(method, has_photos=False)


@pytest.mark.parametrize("size_kb", [800, 812.34, 0.123, 123456.78, 3_500_000])
def test_the_command_means_the_same_bytes(size_kb):
    settings = Settings(target="size", size_kb=size_kb)
    words = shlex.split(settings.command("in.ply", "out.splatz"))
    assert bytes_of(words[words.index("--size") + 1]) == settings.options()["size"]


def test_the_command_writes_the_same_file(tmp_path, ply, monkeypatch):
    from splatzip.cli.run import run

    monkeypatch.setattr("signal.signal", lambda *_: None)
    settings = Settings("fast", "quality", quality_db=38.5, degree="0")
    words = shlex.split(settings.command(ply, tmp_path / "a name with spaces.splatz"))
    assert words[:2] == ["splatzip", "compress"]
    assert run([*words[1:], "--quiet"]) == 0
    written = (tmp_path / "a name with spaces.splatz").read_bytes()
    assert written == splatzip.compress(ply, **settings.options())
