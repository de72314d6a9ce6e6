"""Planes that end in the middle of a row of lanes, of likely and of rare symbols, decode alike everywhere.

Streams of few symbols have 1 or 4 lanes, larger ones 32; kernels take whole rows, symbols that registers hold, symbols
a little behind their hint, and leave the rest to plainer code. Vectors are too small to meet all of that.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splatzip import Profile, Scene
from splatzip.encode import encode
from splatzip.quantize import stepped
from splatzip.stream.compensation import Compensation

ROOT = Path(__file__).resolve().parents[1]
# Splats, preset, how wide SH spreads. 4 lanes from 512 symbols of a stream on; 32 from 65,536, or 16 KB, on.
CASES = [(n, "near-lossless", 1.0) for n in (173, 174, 175, 176)]
CASES += [(n, "near-lossless", 8.0) for n in (1601, 1615, 1630, 1632)]
CASES += [(3137, "fast", 0.05)]
WEB_NAMES = {
    "positions": "positions",
    "log_scales": "logScales",
    "rotations": "rotations",
    "opacity_logits": "opacityLogits",
}

# Prints what differs from the arrays beside each file, and the instruction set.
CHILD = """
import sys
from pathlib import Path
import numpy as np
import splatzip
from splatzip import _core

for path in sorted(Path(sys.argv[1]).glob("*.splatz")):
    expected = np.load(path.with_suffix(".npz"))
    for name, array in splatzip.decompress(path).arrays().items():
        if array.tobytes() != expected[name].tobytes():
            print(path.name, name)
print(_core.isa())
"""


def scene_of(n: int, spread: float) -> Scene:
    """Noise: hardly any symbol of its codes is likely, and a few codes are far from all others."""
    rng = np.random.default_rng(n)
    widths = {"positions": 3, "log_scales": 3, "rotations": 4}
    arrays = {name: rng.normal(size=(n, width)).astype(np.float32) for name, width in widths.items()}
    sh = (rng.normal(size=(n, 16, 3)) * spread).astype(np.float32)
    sh[::40] *= 40
    return Scene(**arrays, opacity_logits=rng.normal(size=n).astype(np.float32), sh=sh)


@pytest.fixture(scope="module")
def lanes() -> set[tuple[int, int]]:
    """Of the planes of all cases: lanes, and how many symbols the last row of them has (0: all)."""
    return set()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, lanes: set[tuple[int, int]]) -> Path:
    """A file of each case, NUMBER-SPLATS.splatz, and what the reference decoder makes of it."""
    out = tmp_path_factory.mktemp("planes")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        patch.setattr(stepped, "_refuse", lambda *_: None)  # codes at their ends are no scene, but legal
        reference: Any = importlib.import_module("reference_decoder")
        streams: Any = importlib.import_module("reference.streams")
        plane = streams.Stream.plane

        def noted(stream: Any, contexts: Any, *, signed: bool) -> Any:
            lanes.add((stream.lanes, len(contexts) % stream.lanes))
            return plane(stream, contexts, signed=signed)

        patch.setattr(streams.Stream, "plane", noted)
        for number, (n, preset, spread) in enumerate(CASES):
            tiers = np.zeros(n, np.uint8)
            data = encode(scene_of(n, spread), Profile.preset_named(preset), tiers=tiers, compensation=Compensation())
            (out / f"{number}-{n}.splatz").write_bytes(data)
            np.savez(out / f"{number}-{n}.npz", **reference.decode(data))
    return out


def test_planes_end_at_every_lane_of_four_and_at_some_of_32(folder: Path, lanes: set[tuple[int, int]]) -> None:
    assert len(list(folder.glob("*.splatz"))) == len(CASES)
    assert {(1, 0), (4, 0), (4, 1), (4, 2), (4, 3)} <= lanes
    assert {(32, n % 32) for n, _, _ in CASES if n > 1600} <= lanes


def test_every_instruction_set_decodes_them_alike(isa: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", CHILD, str(folder)],
        env={**os.environ, "SPLATZIP_ISA": isa, "PYTHONWARNINGS": "ignore"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *different, used = done.stdout.splitlines()
    assert different == []
    assert used in (isa, "scalar")  # scalar, where this machine lacks the other


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_decoder_for_browsers_decodes_them_alike(folder: Path, tmp_path: Path) -> None:
    paths = sorted(folder.glob("*.splatz"))
    jobs = [{"path": str(path), "out": str(tmp_path / path.stem), "pieces": 1 << 30} for path in paths]
    for path in paths:
        (tmp_path / path.stem).mkdir()
    done = subprocess.run(
        ["node", ROOT / "tests" / "web" / "decode.mjs", ROOT / "splatzip" / "web"],
        input=json.dumps(jobs), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert all(events[-1]["complete"] for events in json.loads(done.stdout))
    for path in paths:
        n, expected, found = int(path.stem.split("-")[1]), np.load(path.with_suffix(".npz")), tmp_path / path.stem
        for name, file in WEB_NAMES.items():
            assert (found / f"{file}.f32").read_bytes() == expected[name].tobytes(), (path.name, name)
        parts = [np.fromfile(found / f"{file}.f32", np.float32).reshape(n, -1, 3) for file in ("color", "sh")]
        assert np.concatenate(parts, axis=1).tobytes() == expected["sh"].tobytes(), path.name
