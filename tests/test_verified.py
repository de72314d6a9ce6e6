"""`--verify`: what a file says of its quality is what it has, and a quality that is asked for is met."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from splatzip import Profile, Scene, SplatzipError, compress, decompress, info, load
from splatzip.encode import encode_verified
from splatzip.optimize import closed_loop
from splatzip.quality import SourcePictures, measuring_views

CHAIR = Path(__file__).resolve().parents[1] / "datasets" / "samples" / "chair" / "point_cloud.ply"


@pytest.fixture(scope="module")
def chair() -> Scene:
    scene = load(CHAIR)
    return scene.take(np.arange(0, len(scene), 3))


@pytest.fixture(scope="module")
def measured(chair: Scene) -> SourcePictures:
    return SourcePictures(chair, measuring_views(chair)[0])


@pytest.mark.parametrize("target", [33, 45, 60])
def test_a_quality_is_met_from_above_and_the_file_says_so(chair: Scene, measured: SourcePictures, target: int) -> None:
    file = compress(chair, preset="fast", quality=target, verify=True)
    reached = measured.psnr(decompress(file))
    assert target <= reached <= target + 0.05
    said = info(file)
    assert said["quality"]["psnr_db"] == pytest.approx(reached, abs=0.006)
    of_views = measured.of_views(decompress(file))
    assert said["quality"]["worst_view_db"] == pytest.approx(min(of_views), abs=0.006)
    assert len(of_views) == 12
    assert said["quality"]["views"].startswith("12 pseudo-views of the source, seed ")
    assert said["settings"] == {"preset": "fast", "target_quality_db": str(target)}


def test_verify_without_a_quality_measures_the_preset_and_changes_nothing(
    chair: Scene, measured: SourcePictures
) -> None:
    plain, verified = (compress(chair, preset="near-lossless", verify=verify) for verify in (False, True))
    a, b = decompress(plain), decompress(verified)
    assert all(np.array_equal(x, b.arrays()[name]) for name, x in a.arrays().items())
    assert info(plain)["quality"] == {}
    assert info(plain)["settings"] == info(verified)["settings"]
    assert info(verified)["quality"]["psnr_db"] == pytest.approx(measured.psnr(a), abs=0.006)


def test_a_lossless_file_has_lost_nothing(chair: Scene) -> None:
    """Its splats come in another order, which is how splats at the same depth are drawn."""
    assert info(compress(chair, preset="lossless", verify=True))["quality"]["psnr_db"] > 90


def test_a_scene_of_one_splat_is_verified(chair: Scene) -> None:
    one = chair.take(np.array([int(chair.opacity_logits.argmax())]))
    assert info(compress(one, preset="fast", quality=40, verify=True))["quality"]["psnr_db"] >= 40


def test_a_scene_that_nobody_sees_has_nothing_to_lose(chair: Scene) -> None:
    invisible = chair.take(np.arange(50)).edited(opacity_logits=np.full(50, -np.inf))
    assert info(compress(invisible, preset="fast", quality=40, verify=True))["quality"]["psnr_db"] == 100


def test_the_file_does_not_depend_on_threads(chair: Scene) -> None:
    one, two = (compress(chair, preset="fast", quality=38, verify=True, threads=threads) for threads in (1, 2))
    assert one == two


def test_a_quality_out_of_reach_names_what_can_be_reached(chair: Scene) -> None:
    coarse = closed_loop.Options(finest=-1.0)
    profile = replace(Profile.preset_named("fast", quality=60, verify=True), closed_loop=coarse)
    with pytest.raises(SplatzipError, match=r"60 dB cannot be reached: the finest setting gives [34]\d\.\d\d dB"):
        encode_verified(chair, profile)
    assert 30 < info(encode_verified(chair, replace(profile, best_effort=True)))["quality"]["psnr_db"] < 60


def test_progress_names_each_measurement(chair: Scene) -> None:
    steps: list[tuple[float, str]] = []
    file = compress(
        chair, preset="fast", quality=45, verify=True, progress=lambda share, step: steps.append((share, step))
    )
    assert steps[-2][1] == f"measured {info(file)['quality']['psnr_db']:.2f} dB"
    assert [share for share, _ in steps] == sorted(share for share, _ in steps)
    assert steps[-2][0] < 1
    assert steps[-1] == (1.0, "done")
