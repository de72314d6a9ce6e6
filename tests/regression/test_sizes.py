"""sizes.csv: the bytes of each sample scene under each preset. A change of coded bytes changes it in the same commit.

python tests/regression/test_sizes.py        writes it anew
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from splatzip import Profile, load
from splatzip.encode import encode

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("sizes.csv")
FIXTURES = ROOT / "tests" / "fixtures"
SCENES = {
    "chair": ROOT / "datasets" / "samples" / "chair" / "point_cloud.ply",
    **{
        name: FIXTURES / name
        for name in (
            "spz/v1.spz",
            "spz/v2_sh3.spz",
            "spz/v4_sh4.spz",
            "sog/v1",
            "sog/v2.sog",
            "compressed_ply/leica-260.compressed.ply",
            "ksplat/l0-sh2.ksplat",
            "ksplat/l1-sh2.ksplat",
            "ksplat/l2-sh2.ksplat",
        )
    },
}
PRESETS = ("fast", "near-lossless", "lossless")


def measured() -> dict[tuple[str, str], int]:
    """Bytes by scene and preset."""
    return {
        (name, preset): len(encode(load(path), Profile.preset_named(preset)))
        for name, path in SCENES.items()
        for preset in PRESETS
    }


def test_every_sample_scene_has_the_bytes_that_the_table_says() -> None:
    with TABLE.open(newline="") as file:
        stated = {(row["scene"], row["preset"]): int(row["bytes"]) for row in csv.DictReader(file)}
    assert measured() == stated, f"if the change of bytes is meant: python {Path(__file__).relative_to(ROOT)}"


def main() -> None:
    """Write the table."""
    with TABLE.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["scene", "preset", "bytes"])
        writer.writerows([*key, size] for key, size in measured().items())


if __name__ == "__main__":
    sys.exit(main())
