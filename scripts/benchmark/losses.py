"""What a file lost: against photos of test views and against the source, and from 12 views around the scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import splatzip
from benchmark.scenes import BenchScene
from splatzip import Scene, Views
from splatzip.quality import compare
from splatzip.report.comparison import Comparison
from splatzip.views import orbit_views


@dataclass(frozen=True)
class Judges:
    """Views of a scene that no encoder sees. test: with photos, None where the scene came without."""

    test: Views | None
    orbit: Views

    @staticmethod
    def of(scene: BenchScene, source: Scene) -> Judges:
        """The test split of its cameras, if it has some, and the orbit."""
        test = None if scene.cameras is None else Views.load(scene.cameras, split="test")
        return Judges(test, orbit_views(source))

    def losses(self, coded: bytes, source: Scene) -> dict[str, Any]:
        """Verify and decode a file; `losses_of` what comes back."""
        splatzip.verify(coded)
        return self.losses_of(splatzip.decompress(coded), source)

    def losses_of(self, decoded: Scene, source: Scene) -> dict[str, Any]:
        """Mean and worst view of every measure; orbit views always, test views where there are some."""
        figures = _measured(compare(source, decoded, self.orbit), "orbit_")
        if self.test is not None:
            found = compare(source, decoded, self.test)
            lost = [view.photo.lost for view in found.views if view.photo is not None]
            figures |= {**_measured(found, ""), "lost_db": float(np.mean(lost)), "lost_db_worst": max(lost)}
        return {name: round(value, 4) for name, value in figures.items()}


def sizes(coded: bytes, source: Scene) -> dict[str, Any]:
    """Bytes, and what is kept."""
    facts = splatzip.info(coded)
    return {
        "bytes": len(coded),
        "ratio": round(source.float_bytes / len(coded), 2),
        "splats": len(source),
        "stored_splats": facts["splats"],
        "sh_degree": facts["sh_degree"],
    }


def _measured(found: Comparison, prefix: str) -> dict[str, float]:
    return {
        f"{prefix}db": found.psnr,
        f"{prefix}db_worst": min(view.psnr for view in found.views),
        f"{prefix}ssim": found.ssim,
        f"{prefix}ssim_worst": min(view.ssim for view in found.views),
    }
