"""Preset balanced on a part of the chair sample, with short stages: targets, views, odd scenes."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splatzip import Profile, Scene, SplatzipError, Views, compress, decompress, info, load, targets
from splatzip import balance as stages
from splatzip.container import open_file
from splatzip.optimize import closed_loop, repair, settle
from splatzip.quality import SourcePictures
from splatzip.raster import render
from splatzip.scene.attributes import INVISIBLE_LOGIT
from splatzip.stream.compensation import Compensation, closed_form
from splatzip.views import orbit_views

SAMPLE = Path(__file__).resolve().parents[1] / "datasets" / "samples" / "chair"
SHORT = stages.Options(
    views=30,
    views_beside=15,
    scoring_views=10,
    repair=repair.Options(steps=30),
    settle=settle.Options(replace(settle.Options().rates, steps=10)),
)


@pytest.fixture(scope="module")
def chair() -> Scene:
    whole = load(SAMPLE / "point_cloud.ply")
    return whole.take(np.arange(0, len(whole), 5))


def short(**targets: object) -> Profile:
    profile = Profile.preset_named("balanced", **targets)  # type: ignore[arg-type]
    assert profile.balance is not None
    return replace(profile, balance=replace(SHORT, degree=profile.balance.degree, prune=profile.balance.prune))


@pytest.fixture(scope="module")
def own_point(chair: Scene) -> bytes:
    return compress(chair, profile=short())


def test_splats_go_and_the_file_says_what_that_cost(chair: Scene, own_point: bytes) -> None:
    facts = info(own_point)
    assert facts["settings"]["preset"] == "balanced"
    assert 0.2 * len(chair) < facts["splats"] < 0.95 * len(chair)
    assert facts["quality"]["psnr_db"] > 33
    assert facts["quality"]["worst_view_db"] <= facts["quality"]["psnr_db"]
    assert "12 pseudo-views of the source" in facts["quality"]["views"]


def test_small_splats_are_looked_at_in_larger_pictures_of_16_bits_which_do_not_show_it(chair: Scene) -> None:
    fine = chair.edited(log_scales=chair.log_scales - 2.5)
    prepared = stages.prepare(fine, replace(SHORT, views=3, prune=0.0))
    assert stages.prepare(chair, replace(SHORT, views=3, prune=0.0)).targets[0].dtype == np.float32
    for camera, target in zip(prepared.cameras, prepared.targets, strict=True):
        assert camera.width == 800
        assert target.dtype == np.float16
        wanted = render(prepared.scene, camera).color
        assert -10 * np.log10(np.square(target - wanted).mean()) > 75


def test_the_coarser_the_steps_the_fewer_splats_stay_and_never_next_to_none(chair: Scene) -> None:
    profile = short()
    assert profile.balance is not None
    assert profile.stepped is not None
    prepared, steps = stages.prepare(chair, profile.balance), profile.stepped
    left = [len(prepared.kept(replace(steps, fineness=value))) for value in (0.0, -1.0, -2.0, -3.0, -4.0)]
    assert all(6 * fewer > more > fewer for more, fewer in pairwise(left))


def test_any_number_of_threads_writes_the_same_bytes(chair: Scene, own_point: bytes) -> None:
    assert compress(chair, profile=short(), threads=1) == own_point


def test_a_size_is_never_exceeded_and_nearly_used_and_more_bytes_are_no_worse(
    chair: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten sizes, from an eighth to eight times the preset's own; what is dear is done a few times."""
    repaired = 0
    adam = repair.repair

    def counted(*arguments: object, **options: object) -> Scene:
        nonlocal repaired
        repaired += 1
        return adam(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(repair, "repair", counted)
    some = chair.take(np.arange(0, len(chair), 3))
    own_point, finest = (compress(some, profile=short(**target)) for target in ({}, {"size": 10**9}))
    reached = []
    for share in np.geomspace(1 / 8, 8, 10):
        size, repaired = int(share * len(own_point)), 0
        file = compress(some, profile=short(size=size))
        assert len(file) <= size
        assert len(file) >= 0.98 * size or info(file)["attributes"] == info(finest)["attributes"]
        assert repaired <= 8  # splats chosen and repaired, values settled: three to five as a rule
        assert info(file)["settings"]["target_size_bytes"] == str(size)
        reached.append(info(file)["quality"]["psnr_db"])
    assert reached == sorted(reached)


def test_a_size_beyond_the_finest_setting_takes_the_finest(chair: Scene) -> None:
    few = chair.take(np.arange(0, len(chair), 10))
    file = compress(few, profile=short(size=10**9))
    assert info(file)["quality"]["psnr_db"] > 45


def test_a_size_that_cannot_be_is_refused_unless_the_smallest_will_do(chair: Scene) -> None:
    with pytest.raises(SplatzipError, match=r"300 bytes cannot be reached: the smallest is \d+ at [\d.]+ dB"):
        compress(chair, profile=short(size=300))
    assert len(compress(chair, profile=short(size=300, best_effort=True))) > 300


@pytest.mark.parametrize("quality", [34, 40])
def test_a_quality_is_met_from_above(chair: Scene, quality: float) -> None:
    assert quality <= info(compress(chair, profile=short(quality=quality)))["quality"]["psnr_db"] <= quality + 0.2


def test_splats_that_went_and_are_missed_come_back_for_a_quality(chair: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the search starts so coarse that no steps make up for what was pruned."""
    monkeypatch.setattr(targets, "_QUALITY_AT", (-4.0, 44.0))
    some = chair.take(np.arange(0, len(chair), 3))
    at_first = info(compress(some, profile=replace(short(), stepped=replace(short().stepped, fineness=-4.0))))
    met = info(compress(some, profile=short(quality=44)))
    assert 44 <= met["quality"]["psnr_db"] <= 44.3
    assert met["splats"] > at_first["splats"]


def test_a_quality_beyond_the_finest_setting_is_refused_unless_that_will_do(
    chair: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "_FINENESS", (-5.0, -1.0))
    few, coarse = chair.take(np.arange(0, len(chair), 30)), closed_loop.Options(finest=-1.0)
    with pytest.raises(SplatzipError, match=r"65 dB cannot be reached: the finest setting gives [\d.]+ dB"):
        compress(few, profile=replace(short(quality=65), closed_loop=coarse))
    nearest = compress(few, profile=replace(short(quality=65, best_effort=True), closed_loop=coarse))
    assert 35 < info(nearest)["quality"]["psnr_db"] < 65


def test_fine_steps_show(chair: Scene) -> None:
    """Neither what was pruned nor the optimizer's own steps are in the way of a high quality."""
    few = chair.take(np.arange(0, len(chair), 5))
    file = compress(few, profile=replace(short(), stepped=replace(short().stepped, fineness=2.5)))
    assert info(file)["quality"]["psnr_db"] > 55


def test_a_degree_is_kept_at_most(chair: Scene) -> None:
    assert decompress(compress(chair, profile=short(degree=1))).sh_degree == 1


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_as_many_splats_go_as_were_asked_for(chair: Scene, own_point: bytes, share: float) -> None:
    file = compress(chair, profile=short(prune=share))
    assert info(file)["settings"]["pruned_share"] == f"{share:g}"
    left = info(file)["splats"]
    assert left == round((1 - share) * len(chair))
    more = left > info(own_point)["splats"]
    assert (info(file)["quality"]["psnr_db"] > info(own_point)["quality"]["psnr_db"]) == more


def capture_of(frames: int, folder: Path) -> Path:
    """A camera file like the sample's with more frames, each a little aside."""
    capture = json.loads((SAMPLE / "transforms.json").read_text())
    taken = [json.loads(json.dumps(capture["frames"][n % len(capture["frames"])])) for n in range(frames)]
    for number, frame in enumerate(taken):
        frame["file_path"] = f"frame_{number:03}.png"
        frame["transform_matrix"][0][3] += 0.01 * number
    folder.mkdir()
    (folder / "transforms.json").write_text(json.dumps({**capture, "frames": taken}))
    return folder


def test_the_more_given_views_weigh_the_better_they_look(chair: Scene, tmp_path: Path) -> None:
    given = capture_of(12, tmp_path / "given")
    there = SourcePictures(chair, Views.load(given, split="train", photos=False))
    profile = short(prune=0.6)  # as many splats stay whoever is heard
    made = [compress(chair, profile=profile, views=given, view_weight=weight) for weight in (0.05, None, 20.0)]
    from_there = [there.psnr(decompress(file)) for file in made]
    assert from_there == sorted(from_there)
    assert from_there[-1] > from_there[0] + 0.3
    assert made[1] == compress(chair, profile=profile, views=given, view_weight=1.0)


def test_a_weight_needs_views_and_is_above_0(chair: Scene) -> None:
    for options, says in (
        ({"view_weight": 2.0}, "add --views"),
        ({"view_weight": 0.0, "views": SAMPLE}, "above 0"),
        ({"view_weight": float("nan"), "views": SAMPLE}, "above 0"),
    ):
        with pytest.raises(SplatzipError, match=says):
            compress(chair, **options)  # type: ignore[arg-type]


def test_given_views_count_and_those_for_testing_are_not_looked_at(
    chair: Scene, own_point: bytes, tmp_path: Path
) -> None:
    capture = json.loads((SAMPLE / "transforms.json").read_text())
    given, blanked = tmp_path / "given", tmp_path / "blanked"
    for folder in (given, blanked):
        folder.mkdir()
        frames = []
        for number in range(24):  # the sample has a few frames: more of them, a little aside
            frame = json.loads(json.dumps(capture["frames"][number % len(capture["frames"])]))
            frame["file_path"] = f"frame_{number:03}.png"
            frame["transform_matrix"][0][3] += 0.01 * number
            if folder == blanked and number % 8 == 0:  # without split.json every 8th is for testing
                frame["transform_matrix"] = np.eye(4).tolist()
            frames.append(frame)
        (folder / "transforms.json").write_text(json.dumps({**capture, "frames": frames}))
    one, two = (compress(chair, profile=short(), views=folder) for folder in (given, blanked))
    assert one == two
    assert one != own_point
    assert "3 given views, held back" in info(one)["quality"]["views"]
    opening = decompress(one).meta
    assert opening.up == pytest.approx((0, 0, 1), abs=0.01)
    assert opening.camera is not None
    assert decompress(own_point).meta.camera is None


def test_without_pseudo_views_the_given_ones_decide_alone(chair: Scene) -> None:
    with pytest.raises(SplatzipError, match="add --views"):
        compress(chair, profile=short(), only_views=True)
    with pytest.raises(SplatzipError, match="fast does not optimize for views"):
        compress(chair, preset="fast", views=SAMPLE, only_views=True)


@pytest.mark.parametrize("preset", ["fast", "near-lossless", "lossless"])
def test_presets_that_draw_nothing_take_from_views_where_to_look_from(chair: Scene, preset: str) -> None:
    plain, told = (compress(chair, preset=preset, views=views) for views in (None, SAMPLE))
    opening = decompress(told).meta
    assert opening.up == pytest.approx((0, 0, 1), abs=0.01)
    assert opening.camera is not None
    assert decompress(plain).meta.camera is None
    for name, values in decompress(plain).arrays().items():
        assert values.tobytes() == decompress(told).arrays()[name].tobytes()


def test_what_no_view_sees_stays_unless_told_otherwise(chair: Scene, tmp_path: Path) -> None:
    """A copy of the chair far above, where no camera looks."""
    above = chair.edited(positions=chair.positions + np.float32([0, 0, 500]))
    both = Scene(**{name: np.concatenate([part.arrays()[name] for part in (chair, above)]) for name in chair.arrays()})
    cameras = capture_of(6, tmp_path / "given")
    kept, dropped = (
        decompress(compress(both, profile=short(), views=cameras, only_views=True, drop_unseen=drop))
        for drop in (False, True)
    )
    assert (kept.positions[:, 2] > 250).sum() >= 0.9 * (above.opacity_logits > INVISIBLE_LOGIT).sum()
    assert not (dropped.positions[:, 2] > 250).any()
    with pytest.raises(SplatzipError, match="fast keeps every splat"):
        compress(chair, preset="fast", drop_unseen=True)


def test_a_loss_on_photos_is_kept_to(chair: Scene, tmp_path: Path) -> None:
    """Photos that the scene itself gave, with noise: what is lost is what coding adds to the noise."""
    with pytest.raises(SplatzipError, match="add --views"):
        compress(chair, profile=short(max_loss=1))
    capture = json.loads((SAMPLE / "transforms.json").read_text())
    (tmp_path / "images").mkdir()
    frames = []
    for number in range(20):
        frame = json.loads(json.dumps(capture["frames"][number % len(capture["frames"])]))
        frame["file_path"] = f"images/{number:03}.png"
        frame["transform_matrix"][0][3] += 0.05 * number
        frames.append(frame)
    (tmp_path / "transforms.json").write_text(json.dumps({**capture, "frames": frames}))
    random = np.random.default_rng(0)
    cameras = Views.load(tmp_path, split="all", photos=False).cameras
    for camera in cameras:
        noisy = render(chair, camera).color + random.normal(0, 0.03, (camera.height, camera.width, 3))
        Image.fromarray((255 * noisy.clip(0, 1)).round().astype(np.uint8)).save(tmp_path / "images" / camera.name)
    lost, shares = {}, list[float]()
    for target in (0.3, 1.0):
        shares.clear()
        file = compress(
            chair, profile=short(max_loss=target), views=tmp_path, progress=lambda share, _: shares.append(share)
        )
        assert all(later >= share - 1e-9 for share, later in pairwise(shares)), "a bar does not go back"
        again = decompress(file)
        held_back = Views.load(tmp_path, split="train")
        held_back = Views(held_back.cameras[::8], (held_back.photos or ())[::8])
        lost[target] = SourcePictures(chair, held_back).lost(again)
    assert 0.8 * 0.3 < lost[0.3] <= 0.3
    assert 0.8 * 1.0 < lost[1.0] <= 1.0
    with pytest.raises(
        SplatzipError, match=r"a loss of 1e-09 dB cannot be reached: the least is [\d.]+ dB in \d+ bytes"
    ):
        compress(chair, profile=short(max_loss=1e-9), views=tmp_path)
    said = info(compress(chair, profile=short(max_loss=1e-9, best_effort=True), views=tmp_path))["quality"]
    assert said["psnr_db"] > 45


def test_what_balanced_does_not_take_is_refused() -> None:
    for name, options, says in (
        ("fast", {"size": 1000}, "choose balanced"),
        ("balanced", {"size": 1000, "quality": 40}, "keep one"),
        ("balanced", {"size": 0}, "0 bytes"),
        ("balanced", {"quality": 70}, "out of range"),
        ("balanced", {"prune": 1.0}, "cannot be removed"),
        ("fast", {"prune": 0.5}, "choose balanced"),
        ("balanced", {"sh_coding": "residual_vq"}, "choose fast"),
    ):
        with pytest.raises(SplatzipError, match=says):
            Profile.preset_named(name, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("odd", ["one", "equal", "flat colours", "outliers"])
def test_odd_scenes_come_back(chair: Scene, odd: str) -> None:
    scene = chair.take(np.arange(60))
    if odd == "one":
        scene = chair.take(np.array([int(chair.opacity_logits.argmax())]))
    elif odd == "equal":
        scene = scene.edited(**{name: np.repeat(values[:1], 60, axis=0) for name, values in scene.arrays().items()})
    elif odd == "flat colours":
        scene = scene.edited(sh=scene.sh[:, :1])
    else:
        scene = scene.edited(positions=scene.positions * np.float32(1e6))
    again = decompress(compress(scene, profile=short()))
    assert 1 <= len(again) <= len(scene)
    assert again.sh_degree == scene.sh_degree


def test_a_loss_without_enough_photos_is_refused_before_anything_is_rendered(chair: Scene, tmp_path: Path) -> None:
    capture = json.loads((SAMPLE / "transforms.json").read_text())
    capture["frames"] = [{**frame, "file_path": f"{n}.png"} for n, frame in enumerate(capture["frames"][:5])]
    (tmp_path / "transforms.json").write_text(json.dumps(capture))
    steps: list[str] = []
    with pytest.raises(SplatzipError, match="more than 8 training frames"):
        compress(chair, profile=short(max_loss=1), views=tmp_path, progress=lambda share, step: steps.append(step))
    assert not steps


def test_values_settle_in_tiers_and_the_splats_of_a_prefix_stand_in_as_fitted(chair: Scene, monkeypatch) -> None:
    monkeypatch.setattr("splatzip.stream.tiers.LEAST", 40)
    file = compress(chair, profile=short())
    opened = open_file(file)
    assert opened.root.tiers == 3
    counts = np.array([sum(c.splats for c in run.chunks) for run in opened.runs if run.entry.layer == 0])
    fitted = Compensation.of(opened)
    assert fitted != closed_form(np.repeat(np.arange(3, dtype=np.uint8), counts), decompress(file).log_scales)
    assert info(file)["quality"]["psnr_db"] > 33
    pictures = SourcePictures(decompress(file), Views(orbit_views(chair).cameras[::4]))
    ends = [run.entry.offset + run.entry.size for run in opened.runs[:2]]
    first, second = (pictures.psnr(decompress(file[:end], strict=False)) for end in ends)
    assert 10 < first < second
