"""Global significance: hits x opacity x transmittance x a power of the clipped volume."""

import numpy as np
import pytest

from splatzip import Camera, Scene, ViewsError
from splatzip.prune import significance
from splatzip.raster import score

FRONT = Camera.look_at([0, 0, -4], [0, 0, 0], width=64, height=64, fov_x_rad=0.8, name="front")


def ball(position: tuple[float, float, float], *, scale: float = 0.1, logit: float = 0.0) -> dict[str, object]:
    return {"positions": position, "log_scales": [np.log(scale)] * 3, "opacity_logits": logit}


def scene_of(*balls: dict[str, object]) -> Scene:
    columns = {name: np.array([each[name] for each in balls], np.float32) for name in balls[0]}
    return Scene(rotations=np.tile([1.0, 0, 0, 0], (len(balls), 1)), sh=np.ones((len(balls), 1, 3)), **columns)


def significances(scene: Scene, **options: float) -> list[float]:
    removal = significance.order(scene, [FRONT], significance.Options(**options))
    return removal.price[np.argsort(removal.order)].tolist()


def test_a_splat_behind_another_is_less_significant_by_what_the_other_lets_through():
    apart = significances(scene_of(ball((-0.5, 0, 1)), ball((0.5, 0, 1))))
    behind = significances(scene_of(ball((-0.5, 0, 1)), ball((0.5, 0, 1)), ball((0.4, 0, -0.2), scale=0.2, logit=2)))
    assert apart[1] == pytest.approx(apart[0], rel=0.01)
    assert behind[1] < 0.5 * behind[0]


def test_the_score_is_hits_times_opacity_where_nothing_hides_and_every_volume_is_the_same():
    scene = scene_of(ball((-0.5, 0, 0), logit=2), ball((0.5, 0, 0), logit=-1))
    hits = score(scene, [FRONT], what={"transmittance"}).transmittance
    expected = hits / (1 + np.exp([-2, 1]))
    assert significances(scene) == pytest.approx(expected.tolist(), rel=1e-5)


def test_size_counts_by_its_power_up_to_the_percentile():
    scene = scene_of(*(ball((0.3 * k, 0, 0), scale=scale) for k, scale in enumerate((0.05, 0.1, 0.15))))
    plain, powered = (np.array(significances(scene, volume_power=p, volume_percentile=50.0)) for p in (0.0, 0.1))
    np.testing.assert_allclose(powered / plain, [0.5**0.3, 1, 1], rtol=1e-5)


def test_the_published_share_stays(chair, cameras):
    rows = significance.prune(chair, cameras[:3], significance.Options(keep_unseen=False))
    assert len(rows) == round(0.34 * len(chair))
    assert (np.diff(rows) > 0).all()


def test_infinite_opacity_is_one_and_minus_infinite_goes_first():
    scene = scene_of(ball((-0.5, 0, 0), logit=np.inf), ball((0.5, 0, 0), logit=-np.inf))
    assert significance.prune(scene, [FRONT], significance.Options(keep=0.5)).tolist() == [0]


def test_views_that_see_nothing_are_refused():
    away = Camera.look_at([0, 0, 50], [0, 0, 100], width=64, height=64, fov_x_rad=0.5, name="away")
    with pytest.raises(ViewsError, match="no view sees any splat"):
        significance.prune(scene_of(ball((0, 0, 0))), [away])
