"""The number tables of docs/FORMAT.md say what the code does: Python and the C++ headers."""

from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path

import pytest

import splatzip.decode
from splatzip.container import blocks, layout

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = (ROOT / "docs" / "FORMAT.md").read_text()
NATIVE = [*(ROOT / "native" / "include" / "splatzip").glob("*.h"), *(ROOT / "native" / "src").glob("*.*")]
SOURCES = "\n".join(path.read_text() for path in sorted(NATIVE))


def tables(*header: str) -> list[list[str]]:
    """Rows of every table of the document that begins with these columns."""
    rows: list[list[str]] = []
    inside = False
    for line in DOCUMENT.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if tuple(cells[: len(header)]) == header:
            inside = True
        elif not cells:
            inside = False
        elif inside and not set(cells[0]) <= set("-: "):
            rows.append(cells)
    return rows


def native_number(name: str) -> float | None:
    """A `constexpr` of the C++ sources, or None."""
    found = {match.strip() for match in re.findall(rf"constexpr\s+\w+\s+{name}\s*=\s*([^;,]+)[;,]", SOURCES)}
    if not found:
        return None
    assert len(found) == 1, f"{name} has several values: {found}"
    return evaluated(found.pop())


def evaluated(expression: str) -> float:
    """A C++ constant expression of literals, <<, *, / and other constants."""
    if re.fullmatch(r"-?0x[0-9a-f.]+p[+-]\d+", expression):
        return float.fromhex(expression)

    def replaced(match: re.Match[str]) -> str:
        value = native_number(match[0])
        assert value is not None, f"{match[0]} is not a constant"
        return str(int(value))

    plain = re.sub(r"\bk[A-Z]\w*", replaced, expression)
    plain = re.sub(r"(?<=[0-9a-fA-F])(u|ull|f)\b", "", plain)
    assert re.fullmatch(r"[0-9a-fA-Fx<>*/+() -]+", plain), f"not a number: {expression}"
    return float(eval(plain.replace("/", "//")))


def python_number(name: str) -> float | None:
    for module in (layout, splatzip.decode):
        if isinstance(value := getattr(module, name, None), int):
            return float(value)
    return None


NUMBERS = tables("number", "value", "name in the code")


def test_the_document_has_the_tables_that_are_tested() -> None:
    assert len(NUMBERS) > 20
    assert len(tables("codec", "id")) == len(layout.Codec)


@pytest.mark.parametrize("row", NUMBERS, ids=[row[2].strip("`") for row in NUMBERS])
def test_a_number_is_the_same_in_the_document_and_in_the_code(row: list[str]) -> None:
    _, value, names = row
    stated = float.fromhex(value) if value.startswith("0x") else float(value)
    for name in re.findall(r"`(\w+)`", names):
        values = [number for number in (native_number(name), python_number(name)) if number is not None]
        assert values, f"{name} is neither in C++ nor in Python"
        assert set(values) == {stated}


@pytest.mark.parametrize("enum", [layout.Codec, layout.Kind, layout.Stream])
def test_ids_are_the_same_in_the_document_and_in_python(enum: type[IntEnum]) -> None:
    rows = tables(enum.__name__.lower(), "id")
    assert {row[0]: int(row[1]) for row in rows} == {entry.name: entry.value for entry in enum}


def native_enum(name: str) -> list[str]:
    match = re.search(rf"enum {name}\s*{{([^}}]*)}}", SOURCES)
    assert match, f"there is no enum {name}"
    return [entry.strip() for entry in match[1].split(",")]


def test_stream_ids_are_the_same_in_cpp() -> None:
    entries = native_enum("StreamId")
    assert entries[0] == "kOctree = 1"
    names = ["kOctree", *entries[1:]]
    stepped = [row for row in tables("stream", "id") if int(row[1]) < 32]
    assert [row[0].replace("_", "").lower() for row in stepped] == [name[1:].lower() for name in names]
    assert native_number("kFirstColumnStream") == layout.Stream.COLUMN_0


def test_size_terms_are_in_the_order_of_cpp() -> None:
    rows = tables("term", "")
    assert [row[0] for row in rows] == [name.removeprefix("kSize").lower() for name in native_enum("SizeTerm")]
    assert [int(row[1]) for row in rows] == list(range(len(rows)))


def test_the_header_is_laid_out_as_the_document_says() -> None:
    sizes = {"8 bytes": 8, "u16": 2, "u32": 4, "u64": 8}
    offset = 0
    for row in tables("offset", "type"):
        assert int(row[0]) == offset
        offset += sizes[row[1]]
    assert offset == layout.HEADER_BYTES
    assert len(blocks.write_header(b"", layout.HEADER_BYTES)) == layout.HEADER_BYTES


def test_the_document_has_the_version_that_the_header_has() -> None:
    assert f"\nVersion {layout.VERSION_MAJOR}.{layout.VERSION_MINOR}. " in DOCUMENT


def test_every_section_that_the_code_cites_exists() -> None:
    texts = [SOURCES, *(path.read_text() for path in (ROOT / "splatzip").rglob("*.py"))]
    headings = set(re.findall(r"^#+ (\d+(?:\.\d+)?)\.? ", DOCUMENT, re.MULTILINE))
    cited = set()
    for text in texts:
        for match in re.findall(r"FORMAT\.md ((?:\d+(?:\.\d+)?)(?:(?:, | and | to )\d+(?:\.\d+)?)*)", text):
            cited |= set(re.findall(r"\d+(?:\.\d+)?", match))
    assert cited
    assert cited <= headings
    named = {name for text in texts for name in re.findall(r'FORMAT\.md,\s+(?://\s+)?"([^"]+)"', text)}
    titles = {title for _, title in re.findall(r"^#+ ([\d.]+) (.*)$", DOCUMENT, re.MULTILINE)}
    assert {re.sub(r"\s+(//\s+)?", " ", name) for name in named} <= titles
