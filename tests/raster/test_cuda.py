"""The rasterizer for GPUs against the CPU's: its kernels run by the CPU, and, where there is one, by a GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_scenes import rough_scene

import splatzip
from splatzip import Camera, Scene
from splatzip.errors import BackendError
from splatzip.kernels import device
from splatzip.kernels.cuda_rasterize import CudaRasterizer
from splatzip.kernels.pictures import StoredPictures, shapes
from splatzip.kernels.rasterize import NativeRasterizer
from splatzip.kernels.score import NativeScores
from splatzip.kernels.view import View
from splatzip.raster import Picture, Rasterizer, rasterize, render, renderer
from splatzip.raster.rasterize import CudaPictures
from splatzip.raster.view import view_of
from splatzip.scene import SceneMeta

CHAIR = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair" / "point_cloud.ply"

MakeRasterizer = Callable[[bool], CudaRasterizer]
MACHINES = [
    pytest.param("rising", marks=pytest.mark.cuda),
    pytest.param("falling", marks=pytest.mark.cuda),
    pytest.param("device", marks=[pytest.mark.cuda, pytest.mark.gpu]),
]


@pytest.fixture(params=MACHINES)
def make(request: pytest.FixtureRequest) -> MakeRasterizer:
    """A rasterizer, precise or not: emulated, its lanes and warps one after the other from either side, or a GPU's."""
    if request.param == "device":
        return lambda precise: CudaRasterizer(precise=precise)
    from splatzip import _cuda

    return lambda precise: CudaRasterizer(core=_cuda.make_emulated_raster(precise, request.param == "falling"))


def chair() -> tuple[Scene, Camera]:
    """A real scene, from near enough that splats are of all sizes and some are cut off by the picture."""
    scene = splatzip.load(CHAIR)
    camera = Camera.look_at((1.1, -1.5, 0.9), (0.0, 0.0, 0.1), width=101, height=67, fov_x_rad=0.9, name="near")
    return scene, camera


def giants() -> tuple[Scene, Camera]:
    """Splats over many rows of tiles, thin and slanted ones, too, and specks among them."""
    rng = np.random.default_rng(3)
    scene = Scene(
        positions=rng.normal(size=(90, 3)),
        log_scales=rng.uniform(-5, 0.7, (90, 3)),
        rotations=rng.normal(size=(90, 4)),
        opacity_logits=rng.normal(-1, 2, 90),
        sh=rng.normal(0, 0.5, (90, 4, 3)),
    )
    return scene, Camera.look_at((0, 0, -4), (0, 0, 0), width=150, height=190, fov_x_rad=0.8, name="giants")


SCENES = {"chair": chair, "rough": rough_scene, "giants": giants}
GPU = {"name": "made up", "capability": (9, 0), "multiprocessors": 1, "total_bytes": 1}
BACKGROUND = (0.2, 0.5, 0.9)
SKY = np.array(BACKGROUND, np.float32)


def draw(rasterizer: CudaRasterizer, scene: Scene, cameras: list[Camera], **options: Any) -> list[Picture]:
    rasterizer.set_scene(scene.arrays())
    how = {"antialias": scene.meta.antialiased} | {k: v for k, v in options.items() if k in View._fields}
    views = [view_of(camera, scene.origin, background=BACKGROUND, **how) for camera in cameras]
    color, alpha, depth = rasterizer.render(views, depth=True, keep=options.get("keep", False))
    assert depth is not None
    return [Picture(*pictures) for pictures in zip(color, alpha, depth, strict=True)]


def decibels(a: Any, b: Any) -> float:
    return float(-10 * np.log10(np.mean((np.asarray(a, np.float64) - b) ** 2) + 1e-30))


@pytest.mark.parametrize("name", SCENES)
def test_precise_pictures_are_those_of_the_cpu(make: MakeRasterizer, name: str) -> None:
    scene, camera = SCENES[name]()
    [found] = draw(make(True), scene, [camera])
    wanted = render(scene, camera, background=BACKGROUND)
    assert decibels(found.color, wanted.color) > 90
    assert decibels(found.alpha, wanted.alpha) > 90
    assert np.abs(found.color - wanted.color).max() < 2e-2  # a pixel at a rim may fall to either side
    shown = wanted.alpha > 0.1
    assert np.median(np.abs(found.depth - wanted.depth)[shown]) < 1e-5


@pytest.mark.parametrize("name", SCENES)
def test_pictures_in_16_bits_do_not_show_it(make: MakeRasterizer, name: str) -> None:
    scene, camera = SCENES[name]()
    [found] = draw(make(False), scene, [camera])
    assert decibels(found.color, render(scene, camera, background=BACKGROUND).color) > 60


@pytest.mark.parametrize("options", [{"exact_extent": True}, {"antialias": True}], ids=["exact", "antialiased"])
def test_extent_and_antialiasing_are_the_same_choices(make: MakeRasterizer, options: dict[str, bool]) -> None:
    scene, camera = rough_scene()
    [found] = draw(make(True), scene, [camera], **options)
    extent = "exact" if options.get("exact_extent") else "3sigma"
    wanted = render(scene, camera, background=BACKGROUND, extent=extent, antialias=options.get("antialias", False))
    assert decibels(found.color, wanted.color) > 90
    assert decibels(wanted.color, render(scene, camera, background=BACKGROUND).color) < 60  # it was a choice


def test_a_batch_is_its_views_one_by_one(make: MakeRasterizer) -> None:
    scene, _ = rough_scene()
    eyes = [(0.5, -0.7, -3.0), (3, 0, 0.2), (0, 0, -90)]  # the last one sees nothing but specks
    cameras = [Camera.look_at(eye, (0, 0, 0), width=61, height=43, fov_x_rad=0.9, name="") for eye in eyes]
    rasterizer = make(True)
    together = draw(rasterizer, scene, cameras)
    for picture, camera in zip(together, cameras, strict=True):
        [alone] = draw(rasterizer, scene, [camera])
        assert all(a.tobytes() == b.tobytes() for a, b in zip(picture, alone, strict=True))


def test_colors_of_many_views_are_those_of_each_whatever_batches_they_are_drawn_in(make: MakeRasterizer) -> None:
    scene, camera = rough_scene()
    cameras = [
        camera.scaled(share) for share in (1, 1, 0.5, 1, *[0.7] * 18)
    ]  # two sizes in turn, then more than a batch
    for drawn_by in (CudaPictures(scene, core=make(True)._core), Rasterizer(scene)):
        pictures, colors = list(drawn_by.pictures(cameras)), list(drawn_by.colors(cameras))
        for one, picture, color in zip(cameras, pictures, colors, strict=True):
            wanted = drawn_by.render(one)
            assert color.tobytes() == wanted.color.tobytes()
            assert all(a.tobytes() == b.tobytes() for a, b in zip(picture, wanted, strict=True))


def test_pictures_are_compared_with_targets_where_they_are_drawn(make: MakeRasterizer) -> None:
    scene, camera = rough_scene()
    cameras = [camera.scaled(share) for share in (1, 0.5, *[0.7] * 18)]
    rng = np.random.default_rng(0)
    targets = [rng.random((one.height, one.width, 3), np.float32).astype(np.float16) for one in cameras]
    drawn_by = CudaPictures(scene, core=make(True)._core)
    wanted = [
        np.square(color.astype(np.float64) - target).mean()
        for color, target in zip(drawn_by.colors(cameras), targets, strict=True)
    ]
    np.testing.assert_allclose(drawn_by.errors(cameras, targets), wanted, rtol=1e-6)
    np.testing.assert_allclose(Rasterizer(scene).errors(cameras, targets), wanted, rtol=1e-5)


def test_pictures_to_be_compared_with_stay_where_they_were_drawn(make: MakeRasterizer) -> None:
    scene, camera = rough_scene()
    cameras = [camera.scaled(share) for share in (1, 0.5, *[0.7] * 18)]
    drawn_by, others = (CudaPictures(one, core=make(True)._core) for one in (scene, rough_scene(seed=1)[0]))
    stored = drawn_by.targets(cameras)
    assert isinstance(stored, StoredPictures)
    assert shapes(stored) == [(one.height, one.width, 3) for one in cameras]
    halves = [color.astype(np.float16) for color in drawn_by.colors(cameras)]
    wanted = others.errors(cameras, halves)
    assert others.errors(cameras, stored) == wanted
    assert others.errors(cameras[2:9:3], stored[2:9:3]) == wanted[2:9:3]
    assert max(drawn_by.errors(cameras, stored)) < 1e-7  # 16 bits


@pytest.mark.cuda
def test_pictures_that_do_not_fit_are_refused_with_numbers() -> None:
    from splatzip import _cuda

    scene, camera = rough_scene()
    drawn_by = CudaPictures(scene, core=_cuda.make_emulated_raster(True, False, memory=3_000_000))
    with pytest.raises(BackendError, match=r"1 MB of video memory are needed, \d MB are free; use device cpu"):
        drawn_by.targets([camera] * 150)
    with pytest.raises(BackendError, match=r"MB of video memory are needed, \d MB are free; use device cpu"):
        StoredPictures.of([np.zeros((1000, 1000, 3))], drawn_by.cuda.make_pictures)
    assert shapes(drawn_by.targets([camera])) == [(camera.height, camera.width, 3)]


@pytest.mark.cuda
@pytest.mark.parametrize(
    ("count", "size", "problem"), [(1, (9, 9), "not of its picture's size"), (2, (43, 61), "not one target a view")]
)
def test_targets_of_other_pictures_are_refused(count: int, size: tuple[int, int], problem: str) -> None:
    from splatzip import _cuda

    scene, camera = rough_scene()
    rasterizer = CudaRasterizer(core=_cuda.make_emulated_raster(True, False))
    rasterizer.set_scene(scene.arrays())
    targets = StoredPictures.of([np.zeros((*size, 3))] * count, rasterizer.make_pictures)
    with pytest.raises(ValueError, match=problem):
        rasterizer.compare([view_of(camera, scene.origin)], targets)


def test_where_nothing_is_seen_is_the_background(make: MakeRasterizer) -> None:
    scene, _ = rough_scene()
    away = Camera.look_at((0, 0, -50), (0, 0, -99), width=33, height=17, fov_x_rad=0.9, name="away")
    [found] = draw(make(False), scene, [away])
    assert (found.color == np.float32(BACKGROUND)).all()
    assert not found.alpha.any()
    assert not found.depth.any()


def test_far_origins_and_invisible_splats_are_no_trouble(make: MakeRasterizer) -> None:
    scene, camera = rough_scene(splats=33)
    rows = scene.arrays()
    rows["opacity_logits"][::3] = -30
    far = np.array([5e6, -2e6, 1e6])
    moved = Scene(**rows, origin=far, meta=SceneMeta())
    to_camera = camera.world_to_camera.copy()
    to_camera[:3, 3] -= to_camera[:3, :3] @ far
    there = Camera(
        world_to_camera=to_camera, fx=camera.fx, fy=camera.fy, cx=camera.cx, cy=camera.cy, width=61, height=43, name=""
    )
    [found] = draw(make(True), moved, [there])
    assert decibels(found.color, render(Scene(**rows), camera, background=BACKGROUND).color) > 60


def test_without_a_gpu_pictures_of_it_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    without = SimpleNamespace(devices=lambda: ([], "there is no NVIDIA driver"))
    monkeypatch.setattr(device, "_module", lambda: without)
    with pytest.raises(BackendError, match=r"^device cuda: there is no NVIDIA driver; use device cpu$"):
        render(*rough_scene(), backend="cuda")


@pytest.mark.parametrize("there", [False, True])
def test_what_draws_by_itself_is_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    scene, _ = rough_scene()
    gpu = SimpleNamespace(devices=lambda: ([GPU] if there else [], "" if there else "no driver"))
    monkeypatch.setattr(device, "_module", lambda: gpu)
    monkeypatch.setattr(rasterize, "CudaPictures", lambda scene: ("on a GPU", scene))
    assert device.chosen_device("auto") == ("cuda" if there else "cpu")
    assert (renderer(scene) == ("on a GPU", scene)) == there
    assert isinstance(renderer(scene, device="cpu"), rasterize.Rasterizer)
    if not there:
        with pytest.raises(BackendError, match="device cuda: no driver; use device cpu"):
            renderer(scene, device="cuda")
    with pytest.raises(BackendError, match="no device 'tpu'; choose auto, cpu or cuda"):
        device.chosen_device("tpu")  # type: ignore[arg-type]


def test_a_scene_that_a_gpu_has_no_memory_for_is_drawn_by_the_cpu_unless_the_gpu_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(scene: Scene) -> None:
        raise BackendError("device cuda: out of memory")

    monkeypatch.setattr(device, "_module", lambda: SimpleNamespace(devices=lambda: ([GPU], "")))
    monkeypatch.setattr(rasterize, "CudaPictures", full)
    scene, _ = rough_scene()
    assert isinstance(renderer(scene), rasterize.Rasterizer)
    with pytest.raises(BackendError, match="out of memory"):
        renderer(scene, device="cuda")


def test_pictures_on_a_gpu_take_the_same_choices(make: MakeRasterizer) -> None:
    scene, camera = rough_scene()
    found = CudaPictures(scene, core=make(False)._core).render(camera, background=BACKGROUND, extent="exact")
    assert decibels(found.color, render(scene, camera, background=BACKGROUND, extent="exact").color) > 60


def relative(found: Any, wanted: Any) -> float:
    """How large the difference is beside what is wanted, both as one vector."""
    return float(np.linalg.norm(np.asarray(found, np.float64) - wanted) / np.linalg.norm(wanted))


@pytest.mark.parametrize("name", SCENES)
def test_gradients_are_those_of_the_cpu(make: MakeRasterizer, name: str) -> None:
    scene, camera = SCENES[name]()
    rng = np.random.default_rng(5)
    for_color = rng.normal(size=(camera.height, camera.width, 3)).astype(np.float32) + np.float32(0.5)
    for_alpha = rng.normal(size=(camera.height, camera.width)).astype(np.float32)
    antialias = name == "rough"
    rasterizer = make(True)
    draw(rasterizer, scene, [camera], keep=True, antialias=antialias)
    found, background = rasterizer.backward(for_color[None], for_alpha[None])
    native = NativeRasterizer()
    native.set_scene(scene.arrays())
    view = view_of(camera, scene.origin, background=BACKGROUND, antialias=antialias)
    native.render(view, depth=False, threads=1)
    wanted, wanted_background = native.backward(for_color, for_alpha)
    assert relative(background, wanted_background) < 1e-4
    for attribute, gradient in wanted.items():
        # A pixel that falls to the other side of a rim is one splat's: all but the worst in a hundred are looked at.
        rows = np.abs(found[attribute] - gradient).reshape(len(gradient), -1).max(axis=1)
        most = np.sort(rows)[: int(0.99 * len(rows))]
        assert np.linalg.norm(most) < 1e-4 * np.linalg.norm(gradient), attribute
        assert relative(found[attribute], gradient) < 5e-3, attribute


def test_gradients_of_a_batch_are_the_sums_of_its_views(make: MakeRasterizer) -> None:
    scene, camera = rough_scene()
    other = Camera.look_at((3, 0, 0.2), (0, 0, 0), width=61, height=43, fov_x_rad=0.9, name="")
    rasterizer = make(True)
    for_color = np.random.default_rng(1).normal(size=(2, 43, 61, 3)).astype(np.float32)
    draw(rasterizer, scene, [camera, other], keep=True)
    together, _ = rasterizer.backward(for_color)
    sums = {name: np.zeros_like(gradient) for name, gradient in together.items()}
    for view, one in enumerate((camera, other)):
        draw(rasterizer, scene, [one], keep=True)
        alone, _ = rasterizer.backward(for_color[view : view + 1])
        for name, gradient in alone.items():
            sums[name] += gradient
    assert all((sums[name] == together[name]).all() for name in sums)


def test_gradients_of_pictures_that_were_not_kept_are_refused(make: MakeRasterizer) -> None:
    scene, camera = rough_scene()
    rasterizer = make(True)
    draw(rasterizer, scene, [camera])
    with pytest.raises(BackendError, match="no picture was kept for its gradients"):
        rasterizer.backward(np.zeros((1, 43, 61, 3), np.float32))


def add_scores(rasterizer: CudaRasterizer, scene: Scene, weights: dict[Camera, float]) -> None:
    views = [view_of(camera, scene.origin, background=BACKGROUND) for camera in weights]
    rasterizer.add_scores(views, view_weights=list(weights.values()), floor=0.01)


EVERYTHING = {
    "removal": True,
    "geometry_curvature": True,
    "color_curvature": True,
    "directions": True,
    "transmittance": False,
}


def test_scores_of_a_batch_are_those_of_its_views_one_after_the_other(make: MakeRasterizer) -> None:
    scene, camera = rough_scene()
    eyes = [(3, 0, 0.2), (0, 0, -90), (-2, 1, 2)]
    others = [Camera.look_at(eye, (0, 0, 0), width=61, height=43, fov_x_rad=0.9, name="") for eye in eyes]
    weights = dict(zip([camera, *others], (0.7, 1.5, 1.0, 3.0), strict=True))
    rasterizer = make(True)
    rasterizer.set_scene(scene.arrays())
    rasterizer.begin_scores(**EVERYTHING)
    add_scores(rasterizer, scene, weights)
    together = rasterizer.read_scores()
    rasterizer.begin_scores(**EVERYTHING)
    for one, factor in weights.items():
        add_scores(rasterizer, scene, {one: factor})
    alone = rasterizer.read_scores()
    assert together.keys() == alone.keys()
    assert all(together[name].tobytes() == alone[name].tobytes() for name in alone)


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("precise", [True, False], ids=["precise", "halves"])
def test_what_stays_of_a_scene_is_drawn_as_if_it_had_come_alone(make: MakeRasterizer, name: str, precise: bool) -> None:
    scene, camera = SCENES[name]()
    random = np.random.default_rng(4)
    rows = np.flatnonzero(random.random(len(scene)) < 0.6)
    twice = np.flatnonzero(random.random(len(rows)) < 0.5)
    rasterizer = make(precise)
    rasterizer.set_scene(scene.arrays())
    rasterizer.keep(rows)
    rasterizer.keep(twice)
    left = scene.take(rows[twice])

    def drawn() -> list[bytes]:
        pictures = rasterizer.render([view_of(camera, scene.origin, background=BACKGROUND)], depth=True)
        found = [array.tobytes() for array in pictures if array is not None]
        if precise:
            rasterizer.begin_scores(**EVERYTHING)
            add_scores(rasterizer, left, {camera: 0.5})
            found += [array.tobytes() for array in rasterizer.read_scores().values()]
        return found

    stayed = drawn()
    rasterizer.set_scene(left.arrays())
    assert drawn() == stayed


def test_rows_that_a_scene_does_not_have_cannot_stay(make: MakeRasterizer) -> None:
    scene, _ = rough_scene()
    rasterizer = make(True)
    rasterizer.set_scene(scene.arrays())
    with pytest.raises(BackendError, match="rows that stay are not in the scene"):
        rasterizer.keep(np.array([0, len(scene)]))
    rasterizer.begin_scores(**EVERYTHING)
    assert len(rasterizer.read_scores()["weight"]) == len(scene)  # they are all there still


def test_there_are_as_many_weights_as_views(make: MakeRasterizer) -> None:
    scene, camera = rough_scene()
    rasterizer = make(True)
    rasterizer.set_scene(scene.arrays())
    rasterizer.begin_scores(**EVERYTHING)
    with pytest.raises(ValueError, match="there is not one weight a view"):
        rasterizer.add_scores([view_of(camera, scene.origin)] * 2, view_weights=[1.0], floor=0.01)
    assert not rasterizer.read_scores()["weight"].any()


@pytest.mark.parametrize("change", [{"width": 60}, {"height": 42}, {"background": SKY}, {"exact_extent": True}])
def test_views_that_cannot_be_drawn_together_are_refused(make: MakeRasterizer, change: dict[str, Any]) -> None:
    scene, camera = rough_scene()
    rasterizer = make(True)
    rasterizer.set_scene(scene.arrays())
    view = view_of(camera, scene.origin)
    with pytest.raises(ValueError, match="views of a batch differ in size, background or extent"):
        rasterizer.render_bytes([view, view._replace(**change)])
    with pytest.raises(ValueError, match="a batch has no view"):
        rasterizer.render_bytes([])


def test_scores_are_of_the_scene_that_they_were_begun_for(make: MakeRasterizer) -> None:
    scene, camera = rough_scene()
    rasterizer = make(True)
    rasterizer.set_scene(scene.arrays())
    rasterizer.begin_scores(**EVERYTHING)
    add_scores(rasterizer, scene, {camera: 1.0})
    rasterizer.keep(np.arange(5))
    with pytest.raises(BackendError, match="no scores were begun"):
        add_scores(rasterizer, scene, {camera: 1.0})
    with pytest.raises(BackendError, match="no scores were begun"):
        rasterizer.read_scores()


@pytest.mark.parametrize("kinds", [("curvature", "removal", "directions"), ("removal",), ("transmittance",), ()])
def test_scores_are_those_of_the_cpu(make: MakeRasterizer, kinds: tuple[str, ...]) -> None:
    scene, camera = rough_scene()
    other = Camera.look_at((3, 0, 0.2), (0, 0, 0), width=61, height=43, fov_x_rad=0.9, name="")
    asked = {
        "removal": "removal" in kinds,
        "geometry_curvature": "curvature" in kinds,
        "color_curvature": "curvature" in kinds,
        "directions": "directions" in kinds,
        "transmittance": "transmittance" in kinds,
    }
    rasterizer = make(True)
    rasterizer.set_scene(scene.arrays())
    rasterizer.begin_scores(**asked)
    native, sums = NativeRasterizer(), NativeScores(len(scene), scene.sh_degree, **asked, threads=1)
    native.set_scene(scene.arrays())
    for view, factor in ((camera, 0.7), (other, 1.5)):
        add_scores(rasterizer, scene, {view: factor})
        shown = view_of(view, scene.origin, background=BACKGROUND)
        sums.add(native, shown, view_weight=factor, floor=0.01, threads=1)
    found, wanted = rasterizer.read_scores(), sums.read(threads=1)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        if name == "seen_from":
            assert np.mean(found[name] != values) < 0.02
        else:
            assert relative(found[name], values) < 2e-4, name


@pytest.mark.cuda
def test_scores_are_read_in_bands_where_memory_is_short_for_all_of_them_again() -> None:
    from splatzip import _cuda

    shown, camera = rough_scene(300, degree=0)
    splats = (1 << 17) + 100  # two bands and a bit
    rows = np.r_[:100, (1 << 16) - 50 : (1 << 16) + 50, splats - 100 : splats]
    arrays = {name: np.zeros((splats, *values.shape[1:]), np.float32) for name, values in shown.arrays().items()}
    arrays["opacity_logits"][:] = -30
    arrays["rotations"][:, 0] = 1
    for name, values in shown.arrays().items():
        arrays[name][rows] = values

    def scores(scene: Scene, memory: int) -> dict[str, Any]:
        rasterizer = CudaRasterizer(core=_cuda.make_emulated_raster(True, False, memory))
        rasterizer.set_scene(scene.arrays())
        rasterizer.begin_scores(**EVERYTHING)
        add_scores(rasterizer, scene, {camera: 1.0})
        return rasterizer.read_scores()

    # Scene, lists and sums take 61 MB, curvature of geometry in one piece 29 more, a band of it 14.
    found, wanted = scores(Scene(**arrays), 80_000_000), scores(shown, 80_000_000)
    for name, values in wanted.items():
        assert found[name][rows].tobytes() == values.tobytes(), name
        assert not np.delete(found[name], rows, axis=0).any(), name
