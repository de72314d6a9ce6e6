"""A .splatz file whose bytes differ from what was written is refused with a named error: cut, longer, or changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from splatzip import CorruptError, FormatError, NotSplatzipError, TruncatedError, decompress, info, verify

VECTORS = Path(__file__).resolve().parent / "vectors"
SMALL = (VECTORS / "stepped_meta" / "input.splatz").read_bytes()
LARGE = (VECTORS / "everything" / "input.splatz").read_bytes()


@pytest.mark.parametrize("read", [decompress, verify, info])
def test_every_truncation_of_a_small_file_is_refused_by_name(read: Callable[[bytes], object]) -> None:
    with pytest.raises(NotSplatzipError):
        read(b"")
    for length in range(1, len(SMALL)):
        with pytest.raises(TruncatedError):
            read(SMALL[:length])


def test_every_truncation_of_a_file_with_every_feature_is_refused_by_name() -> None:
    for length in range(1, len(LARGE)):
        with pytest.raises(TruncatedError):
            decompress(LARGE[:length])


def test_bytes_behind_the_end_are_refused() -> None:
    with pytest.raises(CorruptError, match=f"3 bytes follow the end of the file at byte {len(SMALL)}"):
        decompress(SMALL + b"abc")


@pytest.mark.parametrize(("data", "step"), [(SMALL, 1), (LARGE, 23)], ids=["small", "everything"])
def test_a_changed_byte_is_refused_wherever_it_is(data: bytes, step: int) -> None:
    for at in range(0, len(data), step):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(FormatError):
            verify(damaged)


def test_a_message_is_one_line_and_says_where() -> None:
    damaged = bytearray(SMALL)
    damaged[-1] ^= 1
    with pytest.raises(CorruptError, match=r"^chunk \(129, 0\) at byte \d+: the checksum is wrong.*$"):
        decompress(damaged)
    with pytest.raises(TruncatedError, match=rf"^the file is cut: 100 of {len(SMALL)} bytes; decompress --partial .*$"):
        decompress(SMALL[:100])
