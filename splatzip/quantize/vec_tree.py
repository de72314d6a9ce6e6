"""VecTree: the SH of less significant splats comes from one codebook, that of the others stays scalar.

    scene -> [quantize] -> entropy
    rows (N, D) of codes   ->   an index or D numbers a splat + codebook (K, D)

Splats with a coarser SH step are less significant: the share with the coarsest steps uses the codebook, without any bit
to say which, since decoders know the steps.
Bitstream: docs/FORMAT.md 5.6. Native: native/src/vq.cpp, codebooks.cpp; vector vec_tree.
Source: LightGaussian (arXiv 2311.17245), which selects by global significance and keeps the others as half floats.
"""

from __future__ import annotations

from dataclasses import dataclass

from splatzip.errors import SplatzipError
from splatzip.quantize.residual_vq import BookPlan, check_books


@dataclass(frozen=True)
class Options:
    """Which splats, and how many entries.

    Attributes:
        share: of the splats that use the codebook, those with the coarsest steps; met as closely as half octaves of
            steps allow.
        entries: of the codebook, at most 65,536.
        price: what a bit is worth in squared steps; 0 uses all entries.
    """

    share: float = 0.6
    entries: int = 8192
    price: float = 0.0

    def __post_init__(self) -> None:
        check_books(1, self.entries)
        if not 0 < self.share <= 1:
            raise SplatzipError(f"a share of {self.share:g} of the splats is out of range: above 0, at most 1")

    def plan(self, width: int) -> list[BookPlan]:
        """The codebooks of rows of `width` numbers."""
        return [(0, width, self.entries)]
