"""Coverage: what views add to each other, on the CPU and with the kernels for GPUs."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from made_scenes import rough_scene

from splatzip import BackendError, Camera
from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.kernels.device import Engine
from splatzip.raster.covers import COVERED, Covers, covers_of
from splatzip.raster.rasterize import precise_renderer
from splatzip.raster.score import score
from splatzip.raster.view import view_of

ENGINES = [
    "cpu",
    pytest.param("emulated", marks=pytest.mark.cuda),
    pytest.param("cuda", marks=[pytest.mark.cuda, pytest.mark.gpu]),
]
SCENE, _ = rough_scene(splats=150)
EYES = [(0.5, -0.7, -3.0), (3, 0, 0.2), (-2, 1, 2), (0, 0, -90)]
CAMERAS = [Camera.look_at(eye, (0, 0, 0), width=61, height=43, fov_x_rad=0.9, name="") for eye in EYES]
MATTERS = np.arange(len(SCENE)) % 7 > 0
SEEN = [np.minimum(score(SCENE, [camera], what={"weight"}, threads=1).weight, 1) for camera in CAMERAS]


def nothing_covered(engine: Engine) -> Covers:
    return covers_of(SCENE, precise_renderer(SCENE, threads=1, device=engine), MATTERS, threads=1)


def covers(engine: Engine) -> Covers:
    """The first view is taken, the others are candidates."""
    found = nothing_covered(engine)
    found.look(CAMERAS[0])
    found.take()
    for camera in CAMERAS[1:]:
        found.look(camera)
        found.add()
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_what_matters_and_no_view_covers_is_missing(engine: Engine) -> None:
    found = nothing_covered(engine)
    assert (found.missing() == MATTERS).all()
    total = np.zeros(len(SCENE))
    for camera, seen in zip(CAMERAS, SEEN, strict=True):
        missing = MATTERS & (total < COVERED)
        found.look(camera)
        assert found.covers_first() == np.count_nonzero(seen[missing] >= COVERED)
        found.add()
        total += seen
        assert (found.missing() == (MATTERS & (total < COVERED))).all()
    assert 0 < found.missing().sum() < MATTERS.sum()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_candidate_gains_what_it_adds_to_the_roots_of_what_is_taken(engine: Engine) -> None:
    found, taken = covers(engine), SEEN[0]
    for candidate in (1, 0, 2):
        added = taken + np.ceil(SEEN[1 + candidate] * 255) / 255
        assert found.gain(candidate) == pytest.approx(np.sum(np.sqrt(added) - np.sqrt(taken)), rel=1e-4)
        found.choose(candidate)
        taken = added


def emulated() -> CudaRasterizer:
    from splatzip import _cuda

    rasterizer = CudaRasterizer(core=_cuda.make_emulated_raster(True, False))
    rasterizer.set_scene(SCENE.arrays())
    return rasterizer


def begin_view(rasterizer: CudaRasterizer) -> None:
    """Scores of a view that shows nothing."""
    kinds = ("removal", "geometry_curvature", "color_curvature", "directions", "transmittance")
    rasterizer.begin_scores(**dict.fromkeys(kinds, False))


CALLS = {
    "take_cover": CudaRasterizer.take_cover,
    "add_candidate": CudaRasterizer.add_candidate,
    "count_new": CudaRasterizer.count_new,
    "read_missing": CudaRasterizer.read_missing,
    "gain": lambda rasterizer: rasterizer.gain(0),
    "take_candidate": lambda rasterizer: rasterizer.take_candidate(0),
}


@pytest.mark.cuda
@pytest.mark.parametrize("name", CALLS)
def test_covers_that_were_not_begun_for_a_scene_are_refused(name: str) -> None:
    rasterizer = emulated()
    begin_view(rasterizer)
    with pytest.raises(BackendError, match="no covers were begun"):
        CALLS[name](rasterizer)
    rasterizer.begin_covers(MATTERS)
    rasterizer.add_candidate()
    CALLS[name](rasterizer)
    rasterizer.set_scene(SCENE.arrays())  # another one, for all it knows
    begin_view(rasterizer)
    with pytest.raises(BackendError, match="no covers were begun"):
        CALLS[name](rasterizer)


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["take_cover", "add_candidate", "count_new"])
def test_covers_of_a_view_that_was_not_scored_are_refused(name: str) -> None:
    rasterizer = emulated()
    rasterizer.begin_covers(MATTERS)
    with pytest.raises(BackendError, match="no scores were begun"):
        CALLS[name](rasterizer)


@pytest.mark.cuda
def test_a_refusal_is_not_what_a_later_failure_is_said_to_be() -> None:
    from splatzip import _cuda

    def nearly_full() -> CudaRasterizer:
        for memory in range(4096, 1 << 20, 4096):
            found = CudaRasterizer(core=_cuda.make_emulated_raster(True, False, memory))
            with contextlib.suppress(BackendError):
                found.set_scene(SCENE.arrays())
                begin_view(found)
                found.begin_covers(MATTERS)
                return found
        raise AssertionError("no memory is enough")

    def fill(rasterizer: CudaRasterizer) -> None:
        for _ in range(1000):
            rasterizer.add_candidate()

    rasterizer = nearly_full()
    with pytest.raises(BackendError, match="there is no such view"):
        rasterizer.gain(1 << 20)
    with pytest.raises(BackendError, match="of video memory"):
        fill(rasterizer)
    assert (rasterizer.read_missing() == MATTERS).all()  # what was there is there still


@pytest.mark.cuda
@pytest.mark.parametrize("splats", [0, len(SCENE) - 1, len(SCENE) + 1])
def test_what_matters_is_said_of_each_splat(splats: int) -> None:
    with pytest.raises(BackendError, match="what matters is not said of each splat of the scene"):
        emulated().begin_covers(np.ones(splats, np.bool_))


@pytest.mark.cuda
def test_the_kernels_for_gpus_count_the_same_in_either_order_of_lanes() -> None:
    from splatzip import _cuda

    def gains(falling: bool) -> list[float]:
        rasterizer = CudaRasterizer(core=_cuda.make_emulated_raster(True, falling))
        rasterizer.set_scene(SCENE.arrays())
        rasterizer.begin_covers(MATTERS)
        for camera in CAMERAS:
            kinds = ("removal", "geometry_curvature", "color_curvature", "directions", "transmittance")
            rasterizer.begin_scores(**dict.fromkeys(kinds, False))
            rasterizer.add_scores([view_of(camera, SCENE.origin)], view_weights=[1.0], floor=0.0)
            rasterizer.add_candidate()
        return [rasterizer.gain(candidate) for candidate in range(len(CAMERAS))]

    assert gains(False) == gains(True)


@pytest.mark.cuda
def test_a_view_that_was_never_added_is_refused() -> None:
    with pytest.raises(BackendError, match="there is no such view"):
        covers("emulated").gain(3)
