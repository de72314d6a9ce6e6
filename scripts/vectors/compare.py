"""Decodes tests/vectors with the installed package and compares bytes: what scripts/sanitize runs under sanitizers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import splatzip

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "vectors"


def main() -> None:
    """Ends the program at the first difference."""
    folders = sorted(path.parent for path in FOLDER.glob("*/input.splatz"))
    for folder in folders:
        expected = dict(np.load(folder / "expected.npz"))
        for name, array in splatzip.decompress(folder / "input.splatz", threads=2).arrays().items():
            if array.tobytes() != expected[name].tobytes():
                sys.exit(f"{folder.name}: {name} differ from what is expected")
    print(f"{len(folders)} vectors decode to the expected bits")


if __name__ == "__main__":
    main()
