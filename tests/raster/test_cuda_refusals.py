"""What the rasterizer for GPUs refuses: calls without a scene, after a lack of memory, and arrays of wrong lengths."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from made_scenes import rough_scene

from splatzip.errors import BackendError
from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.raster.view import view_of

pytestmark = pytest.mark.cuda

SMALL, CAMERA = rough_scene(100)
VIEW = view_of(CAMERA, SMALL.origin)
LARGE, _ = rough_scene(3000)
KINDS = dict.fromkeys(("removal", "geometry_curvature", "color_curvature", "directions", "transmittance"), False)
Call = Callable[[CudaRasterizer], Any]


def emulated(memory: int = 1 << 40) -> CudaRasterizer:
    from splatzip import _cuda

    return CudaRasterizer(core=_cuda.make_emulated_raster(True, False, memory))


def picture(rasterizer: CudaRasterizer, **options: Any) -> bytes:
    color, _, _ = rasterizer.render([VIEW], depth=False, **options)
    return color.tobytes()


CALLS: dict[str, Call] = {
    "render": picture,
    "render_bytes": lambda rasterizer: rasterizer.render_bytes([VIEW]),
    "keep": lambda rasterizer: rasterizer.keep(np.arange(5)),
    "begin_scores": lambda rasterizer: rasterizer.begin_scores(**KINDS),
}
READS: dict[str, tuple[Call, str]] = {
    "count": (CudaRasterizer.count, "no picture was drawn"),
    "backward": (lambda rasterizer: rasterizer.backward(np.zeros((1, 43, 61, 3))), "no picture was kept"),
    "read_scores": (CudaRasterizer.read_scores, "no scores were begun"),
    "read_missing": (CudaRasterizer.read_missing, "no covers were begun"),
}


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_done_without_a_scene(name: str) -> None:
    with pytest.raises(BackendError, match=r"^device cuda: there is no scene$"):
        CALLS[name](emulated())


@pytest.mark.parametrize("name", CALLS)
def test_of_a_scene_that_memory_was_short_for_nothing_is_drawn_nor_of_the_one_before(name: str) -> None:
    rasterizer = emulated(1 << 20)
    rasterizer.set_scene(SMALL.arrays())
    CALLS[name](rasterizer)
    with pytest.raises(BackendError, match="of video memory are needed"):
        rasterizer.set_scene(LARGE.arrays())
    with pytest.raises(BackendError, match=r"^device cuda: there is no scene$"):
        CALLS[name](rasterizer)
    rasterizer.set_scene(SMALL.arrays())
    CALLS[name](rasterizer)


@pytest.mark.parametrize("name", READS)
def test_nothing_is_read_of_another_scene_than_it_was_made_of(name: str) -> None:
    read, why = READS[name]
    rasterizer = emulated()
    with pytest.raises(BackendError, match=why):
        read(rasterizer)
    rasterizer.set_scene(SMALL.arrays())
    rasterizer.begin_scores(**KINDS)
    rasterizer.begin_covers(np.ones(len(SMALL), bool))
    picture(rasterizer, keep=True)
    read(rasterizer)
    rasterizer.set_scene(LARGE.arrays())
    with pytest.raises(BackendError, match=why):
        read(rasterizer)


def test_what_is_read_is_as_long_as_what_stayed() -> None:
    rasterizer = emulated()
    rasterizer.set_scene(SMALL.arrays())
    rasterizer.keep(np.arange(40))
    rasterizer.begin_scores(**KINDS | {"color_curvature": True})
    rasterizer.begin_covers(np.ones(40, bool))
    assert {len(values) for values in rasterizer.read_scores().values()} == {40}
    assert len(rasterizer.read_missing()) == 40


def test_where_memory_is_short_for_a_part_of_a_scene_all_of_it_stays() -> None:
    def drawn(memory: int) -> tuple[CudaRasterizer, bytes]:
        rasterizer = emulated(memory)
        rasterizer.set_scene(SMALL.arrays())
        return rasterizer, picture(rasterizer)

    def is_enough(call: Call, memory: int) -> bool:
        with contextlib.suppress(BackendError):
            call(drawn(memory)[0])
            return True
        return False

    def keep(rasterizer: CudaRasterizer) -> None:
        rasterizer.keep(np.arange(90))

    for_picture, for_both = (
        bisect_left(range(1 << 20), True, key=partial(is_enough, call)) for call in (lambda rasterizer: None, keep)
    )
    assert for_picture < for_both
    for memory in range(for_both - 1000, for_both, 50):  # the rows' numbers are 360 bytes of it
        rasterizer, before = drawn(memory)
        with pytest.raises(BackendError, match="of video memory are needed"):
            keep(rasterizer)
        assert picture(rasterizer) == before


def test_gradients_of_another_size_than_the_pictures_are_refused() -> None:
    rasterizer = emulated()
    rasterizer.set_scene(SMALL.arrays())
    picture(rasterizer, keep=True)
    for color, alpha in (((1, 42, 61, 3), None), ((2, 43, 61, 3), None), ((1, 43, 61, 3), (1, 43, 60))):
        with pytest.raises(ValueError, match="gradients are not of the pictures that were drawn last"):
            rasterizer.backward(np.zeros(color, np.float32), None if alpha is None else np.zeros(alpha, np.float32))
    found, _ = rasterizer.backward(np.zeros((1, 43, 61, 3), np.float32), np.zeros((1, 43, 61), np.float32))
    assert all(found[name].shape == values.shape for name, values in SMALL.arrays().items())


@pytest.mark.parametrize("name", list(SMALL.arrays()))
def test_arrays_that_are_not_of_one_scene_are_refused(name: str) -> None:
    arrays = dict(SMALL.arrays())
    arrays[name] = arrays[name][:-1]
    with pytest.raises(ValueError, match="the five arrays are not of one scene"):
        emulated().set_scene(arrays)


def test_a_scene_of_another_width_is_refused() -> None:
    arrays: dict[str, Any] = SMALL.arrays() | {"rotations": SMALL.rotations[:, :3]}
    with pytest.raises(ValueError, match="the five arrays are not of one scene"):
        emulated().set_scene(arrays)
