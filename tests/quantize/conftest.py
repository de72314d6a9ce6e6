"""A real scene, and what becomes of its SH."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from splatzip import Profile, Scene, decompress, info, load
from splatzip.encode import encode
from splatzip.quantize import residual_vq, stepped, sub_vector_vq

Books = residual_vq.Options | sub_vector_vq.Options | None
Coded = Callable[..., tuple[float, float, Scene]]
CHAIR = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair" / "point_cloud.ply"


@pytest.fixture(scope="module")
def chair() -> Scene:
    return load(CHAIR).take(np.arange(0, 43874, 4))


@pytest.fixture
def coded() -> Coded:
    """A scene's SH bits a splat, the mean squared error of visible splats' SH, and the decoded scene."""
    return _coded


def _coded(scene: Scene, books: Books = None) -> tuple[float, float, Scene]:
    options = stepped.Options(-1.0, sh_books=books)
    data = encode(scene, Profile("fast", options), tiers=np.zeros(len(scene), np.uint8))
    decoded = decompress(data)
    source = scene.take(stepped.encode(scene, options).order)
    seen = source.opacity_logits >= np.median(source.opacity_logits)
    error = float(((decoded.sh - source.sh)[seen, 1:].astype(float) ** 2).mean())
    return info(data)["attributes"]["sh"]["bits"], error, decoded
