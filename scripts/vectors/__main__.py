"""Writes tests/vectors/NAME/{input.splatz, expected.npz, vector.json} and tests/golden_bad: see scripts/make_vectors.

Of a vector with parts, parts.npz has what is drawn of its beginnings: arrays LENGTH.log_scales and LENGTH.opacities.
`expected` comes from the reference decoder; the native one must agree, or nothing is written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import reference_decoder
from numpy.typing import NDArray

import splatzip
from splatzip.container import open_file
from vectors import golden_bad
from vectors.books import BOOKS
from vectors.columns import COLUMNS
from vectors.everything import EVERYTHING
from vectors.stepped import STEPPED
from vectors.vector import Vector

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "vectors"
VECTORS: tuple[Vector, ...] = (*STEPPED, *BOOKS, *COLUMNS, *EVERYTHING)


def write(vector: Vector) -> int:
    """One vector. Returns: its bytes."""
    data = vector.make()
    expected = reference_decoder.decode(data)
    for name, array in splatzip.decompress(data).arrays().items():
        if array.tobytes() != expected[name].tobytes():
            sys.exit(f"{vector.name}: the native decoder and the reference decoder disagree on {name}")
    folder = FOLDER / vector.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "input.splatz").write_bytes(data)
    np.savez_compressed(folder / "expected.npz", **expected)
    if vector.has_parts:
        np.savez_compressed(folder / "parts.npz", **parts(data))
    facts = {
        "holds": vector.holds,
        "sections": list(vector.sections),
        "splats": len(expected["positions"]),
        "bytes": len(data),
    }
    (folder / "vector.json").write_text(json.dumps(facts, indent=2) + "\n")
    return sum(path.stat().st_size for path in folder.iterdir())


def parts(data: bytes) -> dict[str, NDArray[np.float32]]:
    """What is drawn of a file cut after its first tier, and in the middle of each of the others."""
    runs = [run for run in open_file(data).runs if run.entry.layer == 0]
    lengths = [runs[0].chunks[-1].offset + runs[0].chunks[-1].size]
    lengths += [run.chunks[len(run.chunks) // 2].offset + 1 for run in runs[1:]]
    found = {}
    for length in lengths:
        drawn = reference_decoder.decode_part(data, length)
        for name in ("log_scales", "opacities"):
            found[f"{length}.{name}"] = drawn[name].astype(np.float32)
    return found


def main() -> None:
    """Write the vectors that are named, or all."""
    chosen = [vector for vector in VECTORS if not sys.argv[1:] or vector.name in sys.argv[1:]]
    if unknown := set(sys.argv[1:]) - {vector.name for vector in VECTORS}:
        sys.exit(f"no such vector: {', '.join(sorted(unknown))}")
    total = 0
    for vector in chosen:
        size = write(vector)
        total += size
        print(f"{vector.name:28} {size:8}")
    print(f"{'all':28} {total:8}")
    if not sys.argv[1:]:
        golden_bad.write(golden_bad.BAD)


if __name__ == "__main__":
    main()
