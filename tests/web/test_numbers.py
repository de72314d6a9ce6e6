"""The numbers of the format in the sources of the web decoder are those of the Python package and the native core."""

from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path

import pytest

from splatzip import decode
from splatzip.container import layout
from splatzip.kernels.dequantize_spz import AXES
from splatzip.stream import columns_decode

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "viewer" / "web" / "src" / "decoder"


def text(name: str) -> str:
    return (SOURCES / name).read_text()


def constants(source: str) -> dict[str, int]:
    """`const NAME = a number, or a power or product of some`."""
    found = re.findall(r"const ([A-Z_]+) = (?:Math\.floor\()?([\d */]+)\)?;", source)
    return {name: int(eval(value)) for name, value in found}


@pytest.mark.parametrize(
    "name", ["VERSION_MAJOR", "VERSION_MINOR", "HEADER_BYTES", "MAX_ROOT_BYTES", "MAX_TILES", "REQUIRED_LIMIT"]
)
def test_the_container_has_the_same_numbers(name: str) -> None:
    assert constants(text("container.ts"))[name] == getattr(layout, name)


@pytest.mark.parametrize("enum", [layout.Kind, layout.Codec])
def test_kinds_and_codecs_have_the_same_ids(enum: type[IntEnum]) -> None:
    (body,) = re.findall(rf"export const {enum.__name__} = {{(.*?)}}", text("container.ts"), re.S)
    assert {name: int(value) for name, value in re.findall(r"([A-Z]+): (\d+)", body)} == {e.name: e.value for e in enum}


def test_chunks_have_the_same_bounds() -> None:
    stepped, columns = constants(text("stepped.ts")), constants(text("columns.ts"))
    assert stepped["MAX_CHUNK_SPLATS"] == decode.MAX_CHUNK_SPLATS
    assert stepped["MAX_SPLATS_PER_BYTE"] == decode.MAX_SPLATS_PER_BYTE
    assert columns["MAX_CHUNK_POINTS"] == columns_decode.MAX_TILE_SPLATS
    assert columns["MAX_POINTS_PER_BYTE"] == columns_decode.MAX_SPLATS_PER_BYTE
    assert constants(text("columns/source.ts"))["MAX_CODE_COLUMNS"] == columns_decode.MAX_CODE_COLUMNS


def test_spz_axes_stand_in_the_same_order() -> None:
    (body,) = re.findall(r"const AXES = \[(.*?)\]", text("columns/dequantize.ts"), re.S)
    assert tuple(re.findall(r"'(\w+)'", body)) == AXES


def test_statuses_have_the_same_numbers() -> None:
    header = (ROOT / "native" / "include" / "splatzip" / "status.h").read_text()
    source = text("module.ts")
    for name in ("ok", "scene"):
        (native,) = re.findall(rf"\b{name} = (-?\d+),", header)
        assert f"STATUS_{name.upper()} = {native};" in source
