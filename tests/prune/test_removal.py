"""Exact removal on the chair sample: what may go, and that it is judged by what is left."""

import numpy as np
import pytest

from splatzip import Camera, Scene, ViewsError
from splatzip.prune import removal
from splatzip.raster import render
from splatzip.raster.metrics import psnr
from splatzip.raster.score import Shrinking


def quality(scene: Scene, source: Scene, cameras: list[Camera]) -> float:
    pictures = [(render(scene, c).color.clip(0, 1), render(source, c).color.clip(0, 1)) for c in cameras]
    return float(np.mean([psnr(a, b) for a, b in pictures]))


def test_the_share_that_was_asked_for_stays_in_the_order_of_the_source(chair, cameras):
    rows = removal.prune(chair, cameras[:4], removal.Options(keep=0.6))
    assert len(rows) == round(0.6 * len(chair))
    assert (np.diff(rows) > 0).all()


def test_looking_again_after_each_round_keeps_a_better_picture_than_one_look_or_the_most_opaque(chair, cameras):
    seen, held_back = cameras[::2], cameras[1::2]
    half = len(chair) // 2
    again = removal.prune(chair, seen, removal.Options(keep=0.5))
    once = removal.prune(chair, seen, removal.Options(keep=0.5, first_round=0.5))
    opaque = np.argsort(-chair.opacity_logits)[:half]
    dbs = [quality(chair.take(rows), chair, held_back) for rows in (again, once, opaque)]
    assert dbs[0] > dbs[1] + 0.3 > dbs[2] + 3


def test_any_number_of_threads_chooses_the_same(chair, cameras):
    options = removal.Options(keep=0.5)
    one, two = (removal.prune(chair, cameras[:3], options, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_nothing_is_made_ready_for_a_look_that_nobody_takes(chair, cameras, monkeypatch):
    events = []
    for name in ("score", "keep"):
        done = getattr(Shrinking, name)
        monkeypatch.setattr(
            Shrinking, name, lambda *args, name=name, done=done, **more: events.append(name) or done(*args, **more)
        )
    options = removal.Options(keep=0.5, round=0.3)
    removal.prune(chair, cameras[:2], options)
    assert events == ["score", "keep", "score"]
    events.clear()
    removal.order(chair, cameras[:2], options)
    assert events == ["score", "keep", "score", "keep", "score"]


@pytest.fixture(scope="module")
def with_hidden(chair) -> Scene:
    """The chair, 20 visible splats that no camera sees, and 20 invisible ones."""
    hidden = chair.take(np.arange(40))
    columns = {name: np.concatenate([values, hidden.arrays()[name]]) for name, values in chair.arrays().items()}
    columns["positions"][-40:] += np.float32(1000)
    columns["opacity_logits"][-40:] = np.where(np.arange(40) < 20, np.float32(2), np.float32(-8))
    return chair.edited(**columns)


def test_splats_that_no_view_sees_stay_if_visible_and_unless_told_otherwise(chair, with_hidden, cameras):
    visible = list(range(len(chair), len(chair) + 20))
    rows = removal.prune(with_hidden, cameras[:2], removal.Options(keep=0.5))
    assert rows[rows >= len(chair)].tolist() == visible
    rows = removal.prune(with_hidden, cameras[:2], removal.Options(keep=0.5, keep_unseen=False))
    assert not (rows >= len(chair)).any()


def test_what_no_view_can_judge_stays_even_where_it_is_more_than_was_to_stay(chair, with_hidden, cameras):
    few = with_hidden.take(np.arange(len(chair) - 20, len(with_hidden)))
    assert removal.prune(few, cameras[:2], removal.Options(keep=0.1)).tolist() == list(range(20, 40))
    assert removal.order(few, cameras[:2], removal.Options(keep=0.1)).above(1e30).tolist() == list(range(20, 40))


def test_one_order_holds_the_choice_of_every_share_down_to_its_own(chair, cameras):
    whole = removal.order(chair, cameras[:3], removal.Options(keep=0.5))
    assert sorted(whole.order) == list(range(len(chair)))
    assert (whole.price[1:] >= whole.price[:-1]).all()
    for keep in (0.8, 0.7, 0.5):
        np.testing.assert_array_equal(
            whole.keeping(keep), removal.prune(chair, cameras[:3], removal.Options(keep=keep))
        )


def test_a_price_is_the_squared_change_of_the_pictures_by_that_splat(chair, cameras):
    whole = removal.order(chair, cameras[:2], removal.Options(keep=0.9))
    place = len(chair) // 20
    without = chair.take(np.delete(np.arange(len(chair)), whole.order[place]))
    change = sum(((render(without, c).color - render(chair, c).color) ** 2).sum() for c in cameras[:2])
    assert whole.price[place] == pytest.approx(change, rel=0.02)


def test_views_that_see_nothing_are_refused(chair):
    away = Camera.look_at([0, 0, 50], [0, 0, 100], width=64, height=64, fov_x_rad=0.5, name="away")
    with pytest.raises(ViewsError, match="no view sees any splat"):
        removal.prune(chair, [away], removal.Options(keep=0.5))
