"""The same scene gives the same bytes from every instruction set and any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHAIR = ROOT / "datasets" / "samples" / "chair" / "point_cloud.ply"
FIXTURES = ROOT / "tests" / "fixtures"
QUANTIZED = [FIXTURES / name for name in ("spz/v4_sh4.spz", "sog/v2.sog", "compressed_ply/leica-260.compressed.ply")]

# Encodes in several tiles and tiers; prints a hash for each setting and number of threads, and the instruction set.
CHILD = """
import hashlib, sys
import numpy as np
from splatzip import Profile, _core, load
from splatzip.encode import encode
from splatzip.quantize import residual_vq, sub_vector_vq, vec_tree
from splatzip.quantize.stepped import Options

chair, *sources = (load(path) for path in sys.argv[1:])
chair = chair.take(np.arange(0, len(chair), 9))
tiers = (np.arange(len(chair)) % 3 == 0).astype(np.uint8)
tiles = Profile("fast", Options(0.5, tile_splats=700))
vec_trees = vec_tree.Options(0.4, 100, 0.1)
booked = [residual_vq.Options(3, 64), sub_vector_vq.Options(4, 100)]
for threads in (1, 2):
    files = [encode(chair, Profile.preset_named(name), threads=threads) for name in ("fast", "near-lossless")]
    files.append(encode(chair, tiles, tiers=tiers, threads=threads))
    files.append(encode(chair, Profile("fast", Options(sh_books=vec_trees)), threads=threads))
    for b in booked:
        options = Options(tile_splats=3000, sh_books=b, scale_books=b, rotation_books=b)
        files.append(encode(chair, Profile("fast", options), threads=threads))
    files += [encode(scene, Profile.preset_named("lossless"), threads=threads) for scene in (chair, *sources)]
    print(*(hashlib.sha256(file).hexdigest() for file in files))
print(_core.isa())
"""


def hashes(isa: str) -> tuple[str, str]:
    """What CHILD prints: the hashes of all files, and the instruction set that was used."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", CHILD, str(CHAIR), *map(str, QUANTIZED)],
        env={**os.environ, "SPLATZIP_ISA": isa}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    one_thread, two_threads, used = done.stdout.split("\n")[:-1]
    assert one_thread == two_threads
    return one_thread, used


def test_every_instruction_set_writes_the_bytes_of_the_scalar_code(instruction_sets: tuple[str, ...]) -> None:
    scalar, used = hashes("scalar")
    assert used == "scalar"
    for isa in instruction_sets[1:]:
        files, used = hashes(isa)
        assert used in (isa, "scalar")  # scalar, where this machine lacks the other
        assert files == scalar, isa
