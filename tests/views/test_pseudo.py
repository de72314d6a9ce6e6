"""Views made from a scene alone: where they stand, what they see, and that they see what matters."""

from dataclasses import replace

import numpy as np
import pytest

from splatzip import Rasterizer, Scene, Views, ViewsError, load, pseudo_views, render
from splatzip.raster.score import score
from splatzip.views import pseudo_free
from splatzip.views.pseudo_extent import Extent

SEEN = 1e-3  # blended weight in some pixel


def ball(n=3000, seed=1, radius=1.0, inside=0.0, logits=2.0):
    """Opaque dots between two spheres."""
    random = np.random.default_rng(seed)
    positions = random.normal(size=(n, 3))
    positions *= radius * random.uniform(inside, 1, (n, 1)) / np.linalg.norm(positions, axis=1, keepdims=True)
    rotations = np.tile([1.0, 0, 0, 0], (n, 1))
    log_scales = np.full((n, 3), np.log(0.05 * radius))
    return Scene(positions, log_scales, rotations, np.full(n, logits), random.normal(size=(n, 1, 3)))


def assert_same(views, others):
    assert len(views) == len(others)
    for a, b in zip(views.cameras, others.cameras, strict=True):
        assert np.array_equal(a.world_to_camera, b.world_to_camera)
        assert (a.width, a.height, a.fx, a.name) == (b.width, b.height, b.fx, b.name)


def test_the_same_seed_gives_the_same_views_from_any_number_of_threads():
    scene = ball()
    assert_same(pseudo_views(scene, count=12, threads=1), pseudo_views(ball(), count=12, threads=2))
    others = pseudo_views(scene, count=12, seed=1)
    assert not np.allclose(others.cameras[0].position, pseudo_views(scene, count=12).cameras[0].position)


@pytest.mark.parametrize("inside", [0.0, 0.8])  # where no place within is free, and where some are
def test_views_do_not_depend_on_how_many_places_are_drawn_at_once(monkeypatch, inside):
    scene = ball(400, inside=inside)
    wanted = pseudo_views(scene, count=12, threads=1)
    for at_once in (1, 3, 1000):
        monkeypatch.setattr(pseudo_free, "AT_ONCE", at_once)
        assert_same(pseudo_views(scene, count=12, threads=1), wanted)


@pytest.mark.cuda
def test_the_kernels_for_gpus_find_the_same_views():
    scene = ball(300, inside=0.8)
    assert_same(pseudo_views(scene, count=6, threads=1, device="emulated"), pseudo_views(scene, count=6, threads=1))


def test_the_largest_are_the_fewest_that_hold_a_share_and_of_equal_ones_the_first():
    extent = Extent.of(ball(50))  # all of one size
    assert extent.largest(0.49).tolist() == list(range(25))
    extent = replace(extent, area=np.array([1.0, 3, 2, 3, 0.5]))
    assert extent.largest(0.6).tolist() == [1, 3]
    assert extent.largest(0.7).tolist() == [1, 2, 3]


def test_a_scene_is_made_ready_once_for_trying_places_and_for_what_views_cover(monkeypatch):
    made, make = [], Rasterizer.__init__
    monkeypatch.setattr(
        Rasterizer, "__init__", lambda self, scene, **more: made.append(scene) or make(self, scene, **more)
    )
    scene = ball(500)
    pseudo_views(scene, count=12, threads=1)
    whole, largest = sorted(map(len, made), reverse=True)
    assert largest < whole == len(scene)


def test_a_ball_is_looked_at_from_outside_and_seen_all_around():
    scene = ball()
    views = pseudo_views(scene, count=24)
    assert len(views) == 24
    assert views.photos is None
    assert len({camera.name for camera in views.cameras}) == 24
    distances = np.array([np.linalg.norm(camera.position) for camera in views.cameras])
    assert (distances > 1).mean() > 0.9  # between loose dots is a place, too
    outside = np.linalg.norm(scene.positions, axis=1) > 0.9
    assert (score(scene, views.cameras, what={"weight"}).most_weight > SEEN)[outside].mean() > 0.99


def test_a_room_is_looked_at_from_inside_too():
    walls = ball(n=20000, radius=10.0, inside=0.95)
    thing = ball(n=3000, seed=2)
    room = walls.edited(
        **{name: np.concatenate([array, thing.arrays()[name]]) for name, array in walls.arrays().items()}
    )
    inside = 0
    for camera in pseudo_views(room, count=16).cameras:
        picture = render(room, camera)
        inside += np.linalg.norm(camera.position) < 10
        assert (picture.depth[picture.alpha > 0.3] < 0.5).mean() < 0.1  # nobody stands in a wall
    assert inside >= 6


def test_views_move_and_grow_with_the_scene():
    scene = ball()
    bigger = scene.edited(
        positions=4 * scene.positions, log_scales=scene.log_scales + np.log(4.0), origin=np.array([1e6, -2e6, 50])
    )
    for a, b in zip(pseudo_views(scene, count=6).cameras, pseudo_views(bigger, count=6).cameras, strict=True):
        np.testing.assert_allclose(b.position, bigger.origin + 4 * a.position, rtol=1e-4)
        assert a.width == b.width


def test_the_median_splat_has_a_size_in_pixels_that_shows_it():
    scene = ball(n=400)
    camera = pseudo_views(scene, count=6).cameras[0]
    assert 128 <= camera.width <= 800
    tiny = scene.edited(log_scales=scene.log_scales - 5)
    assert pseudo_views(tiny, count=6).cameras[0].width == 800


@pytest.mark.parametrize("logit", [6.0, -3.0, -np.inf, np.inf])
def test_one_splat_is_looked_at_from_outside_of_it(logit):
    one = ball().take(np.array([7])).edited(opacity_logits=[logit])
    views = pseudo_views(one, count=5)
    assert len(views) == 5
    for camera in views.cameras:
        assert np.linalg.norm(camera.position - one.positions[0]) > 2 * 0.05
        assert np.isfinite(render(one, camera).color).all()


def test_no_view_is_refused():
    with pytest.raises(ViewsError, match="0 pseudo-views"):
        pseudo_views(ball(), count=0)


@pytest.mark.scenes
@pytest.mark.parametrize("name", ["snowmiku", "chair"])
def test_what_true_test_views_see_some_pseudo_view_sees(scenes, name):
    folder = scenes / "scenes" / name
    scene = load(folder / "point_cloud.ply")
    made = score(scene, pseudo_views(scene).cameras, what={"weight"}).most_weight
    true = score(scene, Views.load(folder, split="test").cameras, what={"weight"}).most_weight
    assert np.count_nonzero((true > SEEN) & (made <= SEEN)) <= 0.005 * len(scene)


@pytest.mark.scenes
@pytest.mark.parametrize("name", ["leica/leica.ply", "playbot/5_0", "chair/point_cloud.ply"])
def test_pictures_of_real_scenes_show_something_and_nothing_hides_it(scenes, name):
    scene = load(scenes / "scenes" / name)
    for camera in pseudo_views(scene, count=22).cameras:
        picture = render(scene, camera.scaled(0.5))
        distance = np.median(picture.depth[picture.alpha > 0.5])
        assert (picture.alpha > 0.5).mean() > 0.03, camera.name
        assert (picture.depth[picture.alpha > 0.3] < 0.1 * distance).mean() < 0.1, camera.name
        assert picture.color.std() > 0.01, camera.name
