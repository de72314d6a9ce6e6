"""The nearest entry is the nearest one, the first of several, from every instruction set and any number of threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import splatzip
from splatzip.kernels.device import Engine, make_core
from splatzip.kernels.vq import MOST_NUMBER, nearest_entries
from splatzip.quantize import stepped

CHAIR = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair" / "point_cloud.ply"
SHAPES = [(1, 1, 1), (5, 3, 7), (17, 45, 100), (2000, 45, 33), (40, 72, 1030), (33, 2, 3000)]

CHILD = """
import hashlib
import numpy as np
from splatzip import _core
from splatzip.kernels.vq import nearest_entries

rng = np.random.default_rng(3)
rows, entries = (rng.integers(-4095, 4096, (n, 45)).astype(np.int16) for n in (3000, 515))
for threads in (1, 2):
    print(hashlib.sha256(nearest_entries(rows, entries, threads=threads).tobytes()).hexdigest())
print(_core.isa())
"""


def by_brute_force(rows: np.ndarray, entries: np.ndarray) -> np.ndarray:
    apart = ((rows[:, None, :].astype(np.int64) - entries[None]) ** 2).sum(axis=2)
    nearest: np.ndarray = apart.argmin(axis=1)
    return nearest


@pytest.mark.parametrize(("n", "width", "count"), SHAPES)
@pytest.mark.parametrize("most", [3, MOST_NUMBER], ids=["small", "largest"])
def test_the_nearest_entry_is_found(n: int, width: int, count: int, most: int) -> None:
    rng = np.random.default_rng(n + most)
    rows, entries = (rng.integers(-most, most + 1, (m, width)).astype(np.int16) for m in (n, count))
    found, expected = nearest_entries(rows, entries), by_brute_force(rows, entries)
    apart = [((rows.astype(np.int64) - entries[e]) ** 2).sum(axis=1) for e in (found, expected)]
    assert (apart[0] - apart[1]).max() <= 1  # half of an odd square is rounded down


def test_of_equal_entries_the_first_is_taken() -> None:
    rows = np.arange(-20, 20, dtype=np.int16)[:, None].repeat(4, axis=1)
    assert (nearest_entries(rows, np.zeros((50, 4), np.int16)) == 0).all()


def test_every_instruction_set_finds_the_same(isa: str) -> None:
    rng = np.random.default_rng(3)
    rows, entries = (rng.integers(-4095, 4096, (n, 45)).astype(np.int16) for n in (3000, 515))
    expected = hashlib.sha256(nearest_entries(rows, entries).tobytes()).hexdigest()
    done = subprocess.run(
        [sys.executable, "-I", "-c", CHILD],
        env={**os.environ, "SPLATZIP_ISA": isa}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *found, used = done.stdout.split()
    assert found == [expected, expected]
    assert used in (isa, "scalar")  # scalar, where this machine lacks the other


ENGINES = [
    pytest.param("emulated", marks=pytest.mark.cuda),
    pytest.param("cuda", marks=[pytest.mark.cuda, pytest.mark.gpu]),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("n", "width", "count"), SHAPES)
def test_gpus_find_the_same(engine: Engine, n: int, width: int, count: int) -> None:
    rng = np.random.default_rng(n)
    rows, entries = (rng.integers(-MOST_NUMBER, MOST_NUMBER + 1, (m, width)).astype(np.int16) for m in (n, count))
    entries[count // 2 :] = entries[: count - count // 2]  # of equal ones the first
    found = make_core(engine, "search").nearest_entries(rows, entries)
    assert np.array_equal(found, nearest_entries(rows, entries))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("books", ["residual_vq", "sub_vector_vq"])
def test_codebooks_trained_on_a_gpu_are_the_same_bytes(engine: Engine, books: str) -> None:
    scene = splatzip.load(CHAIR)
    scene = scene.take(np.arange(0, len(scene), 40))
    sh_books = stepped.SH_CODINGS[books]
    assert sh_books is not None
    scale_books, rotation_books = stepped.GEOMETRY_CODINGS[books]
    options = stepped.Options(sh_books=sh_books, scale_books=scale_books, rotation_books=rotation_books)
    on_cpu, found = (stepped.encode(scene, options, threads=1, device=name) for name in ("cpu", engine))
    assert found.books == on_cpu.books
    assert [chunk.payload for chunk in found.chunks] == [chunk.payload for chunk in on_cpu.chunks]
