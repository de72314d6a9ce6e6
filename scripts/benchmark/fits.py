"""The STEPS chunk of a file, taken apart: what an encoder fitted to a scene, to be changed and fitted with again.

FORMAT.md 6.1. Only what an ablation changes is named; the rest stays as bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from splatzip.quantize import stepped

_ONE = 16384  # of a basis
Ints = NDArray[np.int64]
Change = Callable[["Fits"], "Fits"]


@dataclass(frozen=True, eq=False)
class Fits:
    """Bases (a column a component) and predictions.

    Attributes:
        color_basis, sh_color_basis: (3, 3) of channels, of degree 0 and above.
        sh_basis: (B, B) of coefficients.
        share: (1 + degree, 8, 3) of what neighbours foresee, in 1/256.
    """

    head: bytes
    color_basis: Ints
    sh_rule: bytes
    sh_color_basis: Ints
    sh_basis: Ints
    share: Ints
    tail: bytes

    @staticmethod
    def read(params: bytes) -> Fits:
        """Of a chunk without books."""
        at, degree, classes = 2, params[0], bool(params[1] & 1)
        if params[1] & ~1:
            raise ValueError("this scene was coded by books")

        def numbers(count: int) -> Ints:
            nonlocal at
            found = []
            for _ in range(count):
                value = shift = 0
                while True:
                    byte = params[at]
                    at += 1
                    value |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                found.append(value >> 1 if not value & 1 else -(value >> 1) - 1)
            return np.array(found, np.int64)

        def rule() -> bytes:
            nonlocal at
            start = at
            at += 4
            numbers(8 if classes else 6)
            return params[start:at]

        numbers(3)  # varints are cut where svarints are
        at += 4
        for _ in range(3):
            numbers(1)
            rule()
            numbers(8)
        for _ in range(6):
            rule()
        head, rest = params[:at], (degree + 1) ** 2 - 1
        color = numbers(9).reshape(3, 3)
        sh_rule, sh_color, sh = b"", np.zeros((0, 0), np.int64), np.zeros((0, 0), np.int64)
        if rest:
            sh_rule = rule()
            sh_color, sh = numbers(9).reshape(3, 3), numbers(rest * rest).reshape(rest, rest)
        size = 24 * (degree + 1)
        share = np.frombuffer(params[at : at + size], np.uint8).reshape(-1, 8, 3).astype(np.int64)
        return Fits(head, color, sh_rule, sh_color, sh, share, params[at + size :])

    def write(self) -> bytes:
        """The chunk."""
        bases = (self.sh_color_basis, self.sh_basis)
        return b"".join(
            [self.head, _svarints(self.color_basis), self.sh_rule, *map(_svarints, bases),
             self.share.astype(np.uint8).tobytes(), self.tail]
        )  # fmt: skip

    def channels_apart(self) -> Fits:
        """Red, green and blue as they are, at degree 0."""
        return replace(self, color_basis=_unit(3), share=_alike(self.share, [0]))

    def sh_channels_apart(self) -> Fits:
        """Red, green and blue as they are, above degree 0."""
        return replace(self, sh_color_basis=_unit(len(self.sh_color_basis)), share=_alike(self.share, slice(1, None)))

    def coefficients_apart(self) -> Fits:
        """Every SH coefficient by itself."""
        return replace(self, sh_basis=_unit(len(self.sh_basis)))

    def color_unforeseen(self) -> Fits:
        """Nothing from neighbours, at degree 0."""
        return replace(self, share=np.concatenate([0 * self.share[:1], self.share[1:]]))

    def sh_unforeseen(self) -> Fits:
        """Nothing from neighbours, above degree 0."""
        return replace(self, share=np.concatenate([self.share[:1], 0 * self.share[1:]]))


@contextmanager
def changed_fits(change: Change) -> Iterator[None]:
    """What is fitted to a scene meanwhile is changed before anything is fitted by it."""
    fit = stepped.encode

    def encode(*arguments: Any, **options: Any) -> Any:
        coded = fit(*arguments, **options)
        if options.get("fitted"):
            return coded
        fits = Fits.read(coded.params)
        if fits.write() != coded.params:
            raise ValueError("STEPS is laid out in another way now")
        return coded._replace(params=change(fits).write())

    with mock.patch.object(stepped, "encode", encode):
        yield


def _unit(size: int) -> Ints:
    return _ONE * np.eye(size, dtype=np.int64)


def _alike(share: Ints, groups: list[int] | slice) -> Ints:
    """Channels are others now: each is foreseen as all were in the mean."""
    share = share.copy()
    share[groups] = np.rint(share[groups].mean(2, keepdims=True)).astype(np.int64)
    return share


def _svarints(values: Ints) -> bytes:
    out = bytearray()
    for value in values.reshape(-1).tolist():
        left = 2 * value if value >= 0 else -2 * value - 1
        while left >= 128:
            out.append(left & 127 | 128)
            left >>= 7
        out.append(left)
    return bytes(out)
