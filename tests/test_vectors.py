"""Every decoder gives the same bits: files with what they decode to, under tests/vectors (scripts/make_vectors)."""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import splatzip
from splatzip.container import layout

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = sorted(path.parent for path in (ROOT / "tests" / "vectors").glob("*/input.splatz"))
NAMES = [folder.name for folder in FOLDERS]

# Decodes every vector, and prints the instruction set and what differs.
CHILD = """
import sys
from pathlib import Path
import numpy as np
import splatzip
from splatzip import _core

{before}
for folder in sorted(path.parent for path in Path(sys.argv[1]).glob("*/input.splatz")):
    data = (folder / "input.splatz").read_bytes()
    expected = dict(np.load(folder / "expected.npz"))
    for threads in {threads}:
        for name, array in splatzip.decompress(data, threads=threads).arrays().items():
            if array.tobytes() != expected[name].tobytes():
                print(folder.name, name, threads)
print(_core.isa())
"""

# Flush denormals to zero, round towards zero, in the calling thread: MXCSR from a function of two instructions.
ODD_FLOATS = """
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("0fae17c3"))  # ldmxcsr [rdi]; ret
set_mxcsr = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
mode = ctypes.c_uint32(0x1F80 | 0x8040 | 0x6000)
set_mxcsr(ctypes.addressof(mode))
assert np.float32(1e-38) * np.float32(0.01) == 0, "denormals were to be flushed"
"""


def child(isa: str, *, threads: tuple[int, ...] = (1, 2), before: str = "") -> list[str]:
    """Lines that CHILD prints."""
    script = CHILD.format(threads=threads, before=before)
    environment = {**os.environ, "SPLATZIP_ISA": isa, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, str(ROOT / "tests" / "vectors")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """docs/reference_decoder.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        return importlib.import_module("reference_decoder")


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_the_reference_decoder_gives_the_expected_bits(folder: Path, reference: ModuleType) -> None:
    decoded = reference.decode((folder / "input.splatz").read_bytes())
    expected = dict(np.load(folder / "expected.npz"))
    assert decoded.keys() == expected.keys()
    for name, array in expected.items():
        assert (decoded[name].dtype, decoded[name].shape) == (array.dtype, array.shape)
        assert decoded[name].tobytes() == array.tobytes(), name


def test_every_instruction_set_gives_the_expected_bits_from_one_and_two_threads(isa: str) -> None:
    *different, used = child(isa)
    assert different == []
    assert used in (isa, "scalar")  # scalar, where this machine lacks the other


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="sets a register of x86-64")
def test_decoding_does_not_care_how_the_callers_thread_rounds_and_flushes() -> None:
    *different, _ = child("", threads=(1,), before=ODD_FLOATS)
    assert different == []


@pytest.mark.scenes
@pytest.mark.parametrize("preset", ["fast", "lossless"])
@pytest.mark.parametrize("name", ["leica.ply", "leica.spz", "leica.sog"])
def test_a_whole_scene_has_the_same_bits_in_both_decoders(
    name: str, preset: str, scenes: Path, reference: ModuleType
) -> None:
    scene = splatzip.load(scenes / "scenes" / "leica" / name)
    data = splatzip.compress(scene, preset=preset)
    decoded = reference.decode(data)
    for attribute, array in splatzip.decompress(data).arrays().items():
        assert decoded[attribute].tobytes() == array.tobytes(), attribute


def test_the_vectors_have_tiers_tiles_and_all_sh_degrees() -> None:
    found = [splatzip.info(folder / "input.splatz") for folder in FOLDERS]
    assert {facts["sh_degree"] for facts in found} == {0, 1, 2, 3, 4}
    assert any(facts["tiers"] >= 2 and facts["tiles"] >= 2 for facts in found)


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_a_vector_says_what_it_holds(folder: Path) -> None:
    facts = json.loads((folder / "vector.json").read_text())
    data = (folder / "input.splatz").read_bytes()
    assert facts["bytes"] == len(data)
    assert facts["splats"] == splatzip.info(data)["splats"]
    document = (ROOT / "docs" / "FORMAT.md").read_text()
    for section in facts["sections"]:
        assert f"\n## {section}. " in document or f"\n### {section} " in document


def test_the_vectors_are_small_and_of_this_version() -> None:
    assert sum(path.stat().st_size for folder in FOLDERS for path in folder.iterdir()) < 1_250_000
    version = f"{layout.VERSION_MAJOR}.{layout.VERSION_MINOR}"
    assert {splatzip.info(folder / "input.splatz")["version"] for folder in FOLDERS} == {version}
