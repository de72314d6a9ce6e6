"""SH of the splats that matter least from a codebook, that of the others as numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from splatzip import Scene, SplatzipError
from splatzip.quantize import residual_vq, vec_tree

Coded = Callable[..., tuple[float, float, Scene]]


def differs(a: Scene, b: Scene) -> np.ndarray:
    """Which splats have another SH above degree 0."""
    changed: np.ndarray = (a.sh[:, 1:] != b.sh[:, 1:]).any(axis=(1, 2))
    return changed


def test_a_share_lies_between_numbers_and_books_in_bits_and_error(chair: Scene, coded: Coded) -> None:
    numbers = coded(chair, None)[:2]
    half = coded(chair, vec_tree.Options(0.5, 16))[:2]
    books = coded(chair, residual_vq.Options(1, 16, price=0.0))[:2]
    assert books[0] < half[0] < numbers[0]
    assert books[1] > half[1] > numbers[1]


def test_a_whole_share_is_a_book_for_all(chair: Scene, coded: Coded) -> None:
    whole = coded(chair, vec_tree.Options(1.0, 64))[2]
    assert not differs(whole, coded(chair, residual_vq.Options(1, 64, price=0.0))[2]).any()


def test_splats_that_matter_keep_their_error(chair: Scene, coded: Coded) -> None:
    """The tenth with the largest alpha x area are far from the half that comes from the book."""
    numbers, half = coded(chair, None)[2], coded(chair, vec_tree.Options(0.5, 16))[2]
    size = 0.86 * numbers.opacity_logits.clip(-10, 2) + 0.61 * np.sort(numbers.log_scales, 1)[:, 1:].sum(1)
    large = size >= np.quantile(size, 0.9)
    errors = np.abs(half.sh - numbers.sh)[:, 1:].mean((1, 2))
    assert errors[large].mean() < 0.5 * errors[~large].mean()


@pytest.mark.parametrize("copies", [1, 2, 500])
def test_equal_splats_encode_and_decode(chair: Scene, coded: Coded, copies: int) -> None:
    assert len(coded(chair.take(np.full(copies, 100)), vec_tree.Options(0.3, 16))[2]) == copies


@pytest.mark.parametrize("share", [0.0, -1.0, 1.1])
def test_a_share_of_nothing_or_more_than_all_is_refused(share: float) -> None:
    with pytest.raises(SplatzipError, match="out of range"):
        vec_tree.Options(share)
