"""The numbers that the reference trains with: those of 3DGS, as gsplat's example has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Rates are Adam's.

    Attributes:
        position_rate: times the size of the scene; falls to a hundredth of itself until the last step.
        degree_every: steps after which SH gets one more degree.
        start_opacity, start_scale: of the splats; scales are times the mean distance to the 3 nearest points.
        ssim_share: of the loss, the rest is L1.
    """

    steps: int = 30_000
    sh_degree: int = 3
    seed: int = 42
    position_rate: float = 1.6e-4
    scale_rate: float = 5e-3
    rotation_rate: float = 1e-3
    opacity_rate: float = 5e-2
    color_rate: float = 2.5e-3
    sh_rate: float = 2.5e-3 / 20
    degree_every: int = 1000
    start_opacity: float = 0.1
    start_scale: float = 1.0
    ssim_share: float = 0.2

    @property
    def milestones(self) -> tuple[int, ...]:
        """Steps after which test views are measured and a PLY is written."""
        return tuple(sorted({min(7_000, self.steps), self.steps}))

    def degree_at(self, step: int) -> int:
        return min(step // self.degree_every, self.sh_degree)
