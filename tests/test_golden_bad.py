"""Files with one thing wrong each (scripts/make_vectors) are refused, by every decoder, with the error that fits."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

import splatzip
from splatzip import SplatzipError, decompress

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "tests" / "golden_bad").glob("*.splatz"))
NAMES = [path.stem for path in FILES]


def facts(path: Path) -> dict[str, str]:
    return dict(json.loads(path.with_suffix(".json").read_text()))


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_bad_file_is_refused_with_one_line_that_names_what_is_wrong(path: Path) -> None:
    expected = facts(path)
    with pytest.raises(SplatzipError) as caught:
        decompress(path)
    assert type(caught.value) is getattr(splatzip, expected["error"])
    assert expected["says"] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_bad_file_gives_a_valid_part_or_a_named_error_when_partly_decoded(path: Path) -> None:
    try:
        scene = decompress(path, strict=False)
    except splatzip.FormatError:
        return
    assert 0 < len(scene) <= 40
    assert scene.meta.missing or path.stem in ("file_cut", "file_too_long")


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_reference_decoder_refuses_it_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    reference, numbers = importlib.import_module("reference_decoder"), importlib.import_module("reference.numbers")
    with pytest.raises(numbers.BadFile):
        reference.decode(path.read_bytes())


def test_each_file_says_something_else_is_wrong() -> None:
    wrongs = [facts(path)["wrong"] for path in FILES]
    assert len(set(wrongs)) == len(wrongs) > 90
