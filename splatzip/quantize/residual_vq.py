"""Residual vector quantization: a row of numbers becomes the sum of one entry from each stage's codebook.

    scene -> [quantize] -> entropy
    rows (N, D) of codes   ->   L indices a splat + codebooks (L, K, D)

Stage l codes the residual of stages 0..l-1. Codebooks are trained in native code by k-means in units of each splat's
step, so that visible splats count for more, at a price per bit (entropy-constrained VQ): entries not worth it are
dropped.
Bitstream: docs/FORMAT.md 5.6. Native: native/src/vq.cpp, codebooks.cpp; vectors residual_vq_*.
Source: Compact 3DGS (arXiv 2311.13681), for scales and rotations; we code trained scenes, so k-means replaces its
training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from splatzip.errors import SplatzipError

BookPlan = tuple[int, int, int]  # first number of a row, how many, entries at most

# What a bit saves of a squared step when a uniform quantizer with that step codes one bit more: 2 ln 2 / 12.
PRICE = 0.1155

# Part of the format (docs/FORMAT.md 5.6).
MOST_BOOKS, MOST_ENTRIES = 8, 65536


def check_books(books: int, entries: int) -> None:
    """Raises: SplatzipError if a file cannot hold so many."""
    if not 1 <= books <= MOST_BOOKS or not 1 <= entries <= MOST_ENTRIES:
        raise SplatzipError(
            f"{books} codebooks of {entries} entries are out of range: 1 to {MOST_BOOKS}, of 1 to {MOST_ENTRIES}"
        )


@dataclass(frozen=True)
class Options:
    """How rows are split into entries.

    Attributes:
        stages: codebooks over the whole row, 1 to 8.
        entries: of each codebook, at most 65,536.
        price: what a bit is worth in squared steps; 0 uses all entries.
    """

    stages: int = 4
    entries: int = 256
    price: float = PRICE
    share: ClassVar[float] = 1.0  # of the splats that use them

    def __post_init__(self) -> None:
        check_books(self.stages, self.entries)

    def plan(self, width: int) -> list[BookPlan]:
        """The codebooks of rows of `width` numbers."""
        return [(0, width, self.entries)] * self.stages
