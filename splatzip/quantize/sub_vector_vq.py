"""Sub-vector quantization: a row of numbers is split into parts, and each becomes an entry of that part's codebook.

    scene -> [quantize] -> entropy
    rows (N, D) of codes   ->   P indices a splat + codebooks (P, K, D / P)

Training and pricing as in `residual_vq`.
Bitstream: docs/FORMAT.md 5.6. Native: native/src/vq.cpp, codebooks.cpp; vectors sub_vector_vq_*.
Source: OMG (arXiv 2503.16924), there trained with the scene; here by k-means.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from splatzip.quantize.residual_vq import PRICE, BookPlan, check_books


@dataclass(frozen=True)
class Options:
    """How rows are split into entries.

    Attributes:
        parts: of a row, 1 to 8, as equal as possible.
        entries: of each part's codebook, at most 65,536.
        price: what a bit is worth in squared steps; 0 uses all entries.
    """

    parts: int = 3
    entries: int = 1024
    price: float = PRICE
    share: ClassVar[float] = 1.0  # of the splats that use them

    def __post_init__(self) -> None:
        check_books(self.parts, self.entries)

    def plan(self, width: int) -> list[BookPlan]:
        """The codebooks of rows of `width` numbers."""
        ends = [-(-width * part // self.parts) for part in range(self.parts + 1)]
        return [(a, b - a, self.entries) for a, b in pairwise(ends) if b > a]
