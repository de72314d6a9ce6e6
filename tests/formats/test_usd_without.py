"""What is known of USD without usd-core: what is one, which layers hold splats, and what to install."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from splatzip import BackendError, find_scenes, load, save
from splatzip.formats import sog, usd, usd_child
from splatzip.formats.registry import format_of_content

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that has no usd-core."""
    monkeypatch.setattr(usd_child, "_CODE", f"import sys; sys.modules['pxr'] = None; {usd_child._CODE}")


@pytest.mark.usefixtures("without")
def test_without_usd_core_one_line_says_what_to_install(tmp_path: Path) -> None:
    path = FIXTURES / "usd" / "convert_gsplat.usdc"
    with pytest.raises(BackendError, match=r"convert_gsplat\.usdc: usd-core cannot .*; pip install 'splatzip\[usd\]'"):
        load(path)
    with pytest.raises(BackendError, match=r"a\.usdz: usd-core cannot be imported"):
        save(load(FIXTURES / "usd" / "chair.ply"), tmp_path / "a.usdz")
    assert list(tmp_path.iterdir()) == []


def packed(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return out.getvalue()


def test_content_says_what_is_usd_and_what_is_sog(tmp_path: Path) -> None:
    heads = {
        "a": b"#usda 1.0\n",
        "b": b"PXR-USDC",
        "c": packed("default.usda", "gaussians.usdc"),
        "d.usdz": packed("0/texture.png", "default.usda"),
        "e": packed("meta.json", "means_l.webp"),
        "f.sog": packed("meta.json"),
    }
    for name, head in heads.items():
        (tmp_path / name).write_bytes(head)
    assert [format_of_content(tmp_path / name).module for name in heads] == [usd, usd, usd, usd, sog, sog]
    assert usd.sniff(b"PK\x03\x04", tmp_path / "cut.sog") is False


def test_layers_of_splats_are_found_and_other_layers_are_left_out(tmp_path: Path) -> None:
    for name in ("convert_gsplat.usdc", "convert_gsplat.usdz"):
        shutil.copy(FIXTURES / "usd" / name, tmp_path / name)
    (tmp_path / "robot.usda").write_text('#usda 1.0\ndef Mesh "Arm" {\n}\n')
    (tmp_path / "stage.usda").write_text('#usda 1.0\ndef "A" (\nreferences = @convert_gsplat.usdc@\n) {\n}\n')
    (tmp_path / "empty.usd").write_bytes(b"")
    assert [path.name for path in find_scenes(tmp_path)] == ["convert_gsplat.usdc", "convert_gsplat.usdz", "empty.usd"]
