"""Plain command lines mean what they mean to Typer, and everything else is left to it."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from pathlib import Path

import pytest

from splatzip.cli import compress, decompress, options
from splatzip.cli.app import call
from splatzip.cli.job import Settings, compress_and_show, decompress_and_show
from splatzip.cli.plain import PRESETS, plain_command

PLAIN = [
    "compress in.ply out.splatz",
    "compress --force in.ply --preset near-lossless out.SPLATZ --threads 2 --quiet",
    "compress in.ply out.splatz --json --preset fast --preset lossless",
    "compress --preset=fast in.ply out.splatz --threads=3",
    "decompress in.splatz out.ply",
    "decompress --threads 1 in.splatz --force out.spz --quiet --json",
]
NOT_PLAIN = [
    "",
    "--version",
    "info in.splatz",
    "compress",
    "compress in.ply",
    "compress in.ply out.ply",
    "compress a.ply b.ply c.splatz",
    "compress in.ply out.splatz --preset",
    "compress in.ply out.splatz --preset none",
    "compress in.ply out.splatz --preset=",
    "compress in.ply out.splatz --threads -1",
    "compress in.ply out.splatz --threads two",
    "compress in.ply out.splatz --quality 40",
    "compress in.ply out.splatz --help",
    "compress in.ply -- out.splatz",
    "decompress in.splatz out.ply --preset fast",
    "decompress in.splatz out.ply --partial",
]


def by_typer(line: str, monkeypatch: pytest.MonkeyPatch) -> tuple[tuple[object, ...], dict[str, object]]:
    """What Typer calls a verb's work with."""
    calls: list[tuple[tuple[object, ...], dict[str, object]]] = []
    for verb, work in ((compress, compress_and_show), (decompress, decompress_and_show)):
        monkeypatch.setattr(verb, work.__name__, lambda *paths, **named: calls.append((paths, named)))
    assert call(line.split()) == 0
    return calls[0]


@pytest.mark.parametrize("line", PLAIN)
def test_a_plain_line_means_what_it_means_to_typer(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = plain_command(line.split())
    assert isinstance(command, partial)
    positional, named = by_typer(line, monkeypatch)
    assert command.args == positional
    assert named.items() - command.keywords.items() <= {("partial", False), ("version", None), ("device", "cpu")}
    assert command.keywords.items() <= named.items()


@pytest.mark.parametrize("line", NOT_PLAIN)
def test_any_other_line_is_left_to_typer(line: str) -> None:
    assert plain_command(line.split()) is None


def test_every_preset_is_known() -> None:
    assert tuple(preset.value for preset in options.Preset) == PRESETS


def test_a_name_that_is_empty_is_left_to_typer() -> None:
    assert plain_command(["compress", "in.ply", ""]) is None
    assert plain_command(["compress", str(Path("in.ply")), "out.splatz"]) is not None


def test_the_options_of_a_batch_are_those_that_each_scene_is_compressed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Settings(
        preset="fast", quality=44.0, verify=True, degree=2, sh_coding="vec_tree", geometry_coding="residual_vq",
        recipe="omg", threads=3, repair=True, size=12_345, max_loss=0.25, best_effort=True, views=Path("a folder"),
        photos=True, only_views=True, view_weight=0.5, prune=0.0, drop_unseen=True, device="auto", axes="RUB",
    )  # fmt: skip
    assert all(getattr(asked, field.name) != field.default for field in fields(asked))
    of_scene: list[Settings] = []
    monkeypatch.setattr(Settings, "check", lambda self: None)
    monkeypatch.setattr(compress, "compress_and_show", lambda _in, _out, settings, **_: of_scene.append(settings))
    assert call(["compress", *asked.arguments(), "in.ply", "out.splatz"]) == 0
    assert of_scene == [asked]
