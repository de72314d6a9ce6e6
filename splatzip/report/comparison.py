"""The result of `compare`: one scene's pictures against another's, view by view.

    scenes -> raster -> quality -> [report]

dB are means over views of each view's PSNR, never the PSNR of pooled errors: one bad view shows in the table, which
lists the worst first, and moves the mean by its share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

EXTRA_METRICS = ("ms_ssim", "flip", "lpips")  # measured only when asked for; lower is better for the last two


@dataclass(frozen=True)
class PhotoQuality:
    """PSNR in dB of each scene's picture against the photo."""

    ref_psnr: float
    test_psnr: float

    @property
    def lost(self) -> float:
        """dB lost against the photo; negative where the tested scene comes closer."""
        return self.ref_psnr - self.test_psnr

    def to_json(self) -> dict[str, float]:
        return {"ref_psnr": self.ref_psnr, "test_psnr": self.test_psnr}


@dataclass(frozen=True)
class ViewComparison:
    """One view.

    Attributes:
        name: of the camera.
        psnr: dB between the pictures of the two scenes, at most 100 (equal pictures).
        ssim: of the same two pictures, 1 where they are equal.
        photo: against the view's photo; None without one.
        extra: further metrics that were asked for, by name (EXTRA_METRICS).
    """

    name: str
    psnr: float
    ssim: float
    photo: PhotoQuality | None = None
    extra: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """`photo` is absent without a photo."""
        photo = {} if self.photo is None else {"photo": self.photo.to_json()}
        return {"name": self.name, "psnr": self.psnr, "ssim": self.ssim, **photo, **self.extra}


@dataclass(frozen=True, repr=False)
class Comparison:
    """A scene against its source, over all views.

    Attributes:
        views: at least one, in the order of the cameras.
        splats: of the tested scene.
        ref_float_bytes: of the source as float32 PLY without normals, 4 (14 + 3B) N: the ratio's numerator.
        bytes: of the tested file as it is stored; None if the scene never was one.
        name: what reports call the tested scene.
        seen_from: what the views are, in words ("12 orbit views", "test views of scenes/chair").
        ref_dropped, dropped: rows that were not valid and were left out of the source and of the tested scene, by why.
    """

    views: tuple[ViewComparison, ...]
    splats: int
    ref_float_bytes: int
    bytes: int | None = None
    name: str = ""
    seen_from: str = ""
    ref_dropped: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        stored = "" if self.bytes is None else f"{self.bytes:,} bytes, "
        similar = f"{self.psnr:.2f} dB, SSIM {self.ssim:.4f}"
        return f"Comparison({stored}{self.splats:,} splats, {similar} in {len(self.views)} views)"

    @property
    def psnr(self) -> float:
        """Mean over views, dB."""
        return float(np.mean([view.psnr for view in self.views]))

    @property
    def ssim(self) -> float:
        """Mean over views."""
        return float(np.mean([view.ssim for view in self.views]))

    @property
    def photo(self) -> PhotoQuality | None:
        """Means over the views that have a photo; None if none has."""
        photos = [view.photo for view in self.views if view.photo is not None]
        if not photos:
            return None
        return PhotoQuality(*(float(np.mean([getattr(p, of) for p in photos])) for of in ("ref_psnr", "test_psnr")))

    @property
    def extra(self) -> dict[str, float]:
        """Means over views of the further metrics that were asked for."""
        return {name: float(np.mean([view.extra[name] for view in self.views])) for name in self.views[0].extra}

    @property
    def ratio(self) -> float | None:
        """Float bytes of the source over bytes of the tested file; None without a file."""
        return None if self.bytes is None else self.ref_float_bytes / self.bytes

    def worst_first(self) -> list[ViewComparison]:
        """The views by PSNR, the lowest first; equals keep the cameras' order."""
        return sorted(self.views, key=lambda view: view.psnr)

    def to_json(self) -> dict[str, Any]:
        """psnr, ssim, photo {ref_psnr, test_psnr} (absent without photos), bytes, ratio, splats, views; and the
        further metrics that were asked for."""
        photo = {} if self.photo is None else {"photo": self.photo.to_json()}
        stored = {"bytes": self.bytes, "ratio": self.ratio, "splats": self.splats}
        views = [view.to_json() for view in self.views]
        return {"psnr": self.psnr, "ssim": self.ssim, **photo, **self.extra, **stored, "views": views}
