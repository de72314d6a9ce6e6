"""The viewer stands on what `splatzip` itself exports, and costs nothing until it is wanted."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import splatzip
import splatzip_viewer

FOLDER = Path(str(splatzip_viewer.__file__)).parent
MODULES = sorted(FOLDER.rglob("*.py"))
# What may import Gradio: everything else can be used and tested without.
ON_GRADIO = {"application", "page", "tabs", "choosing", "compressing", "understanding", "opening", "cropping", "client"}


def imports_of(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_only_public_names_of_splatzip_are_imported(module):
    ours = {name for name in imports_of(module) if name.split(".")[0] == "splatzip"}
    assert ours <= {f"splatzip.{name}" for name in splatzip.__all__}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_gradio_is_imported_by_the_page_alone(module):
    named = {name.split(".")[0] for name in imports_of(module)}
    assert module.stem in ON_GRADIO or not {"gradio", "fastapi"} & named
    assert not {"torch", "open3d"} & named


def test_importing_the_viewer_loads_neither_gradio_nor_a_server():
    code = "import sys, splatzip_viewer; print(*sys.modules)"
    child = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert not {"gradio", "uvicorn", "fastapi", "torch"} & set(child.stdout.split())


def test_without_gradio_the_command_says_how_to_get_it(tmp_path):
    code = (
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'gradio' else find(name, *rest)\n"
        "import sys; sys.argv[1:] = ['view', 'nothing.ply']\n"
        "from splatzip.cli import main; main()"
    )
    child = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert (child.returncode, child.stdout) == (2, "")
    assert "the viewer needs gradio; pip install 'splatzip[viewer]'" in child.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--device", "cuda"], "device cuda: this build has no CUDA; install where nvcc is on the PATH"),
        (["--views", "folder"], "cameras, but no scene; give both"),
        (["--ref", "source.ply"], "a source to compare with, but no scene; give both"),
    ],
)
def test_what_cannot_be_is_said_before_anything_listens(arguments, words):
    code = (
        "import sys; sys.modules['splatzip._cuda'] = None\n"
        f"sys.argv[1:] = ['view', *{arguments}]\n"
        "from splatzip.cli import main; main()"
    )
    child = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert (child.returncode, child.stdout) == (2, "")
    assert words in child.stderr
