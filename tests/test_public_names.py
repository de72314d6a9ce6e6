"""The names that `splatzip` exports: reachable, lazy, and known to type checkers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import splatzip

SOURCE = ast.parse(Path(str(splatzip.__file__)).read_text())


@pytest.mark.parametrize("name", sorted(splatzip.__all__))
def test_every_public_name_can_be_reached(name: str) -> None:
    assert getattr(splatzip, name) is not None


def test_dir_lists_the_public_names() -> None:
    assert set(dir(splatzip)) == set(splatzip.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'compresss'"):
        _ = splatzip.compresss


def test_type_checkers_see_each_name_where_it_is_resolved() -> None:
    block = next(node for node in SOURCE.body if isinstance(node, ast.If))
    declared = {
        alias.asname: imported.module
        for imported in block.body
        if isinstance(imported, ast.ImportFrom)
        for alias in imported.names
        if alias.name == alias.asname
    }
    assert declared == splatzip._PUBLIC
    assert "__version__: str" in map(ast.unparse, block.body)
