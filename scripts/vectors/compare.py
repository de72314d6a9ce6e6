"""Decodes tests/vectors with the installed package and compares bytes; refuses tests/golden_bad.

    compare.py [cpu | cuda]

scripts/sanitize runs this under sanitizers, scripts/gpu_check under compute-sanitizer.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import splatzip

TESTS = Path(__file__).resolve().parents[2] / "tests"


def main() -> None:
    """Ends the program at the first difference, and at a bad file that is taken."""
    device: Any = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    folders = sorted(path.parent for path in (TESTS / "vectors").glob("*/input.splatz"))
    for folder in folders:
        expected = dict(np.load(folder / "expected.npz"))
        for name, array in splatzip.decompress(folder / "input.splatz", threads=2, device=device).arrays().items():
            if array.tobytes() != expected[name].tobytes():
                sys.exit(f"{folder.name}: {name} differ from what is expected")
    bad = sorted((TESTS / "golden_bad").glob("*.splatz"))
    for path in bad:
        for strict in (False, True):
            try:
                splatzip.decompress(path, strict=strict, device=device)
            except splatzip.FormatError:
                continue
            if strict:
                sys.exit(f"{path.name} is not refused")
    print(f"{len(folders)} vectors decode to the expected bits, {len(bad)} bad files are refused")


if __name__ == "__main__":
    main()
