"""Paths in, paths out: which format a name asks for, and which version of it."""

from __future__ import annotations

import errno
import gzip
import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import splatzip
from splatzip import (
    BackendError,
    Camera,
    FormatError,
    Scene,
    SceneError,
    SplatzipError,
    Views,
    ViewsError,
    compress,
    decompress,
    load,
    save,
)
from splatzip.container import Kind, open_file
from splatzip.quantize import stepped
from splatzip.raster import score
from splatzip.views.given import fitted_and_measured

CHAIR = Path(__file__).resolve().parents[1] / "datasets/samples/chair/point_cloud.ply"


@pytest.fixture(scope="module")
def chair() -> Scene:
    return load(CHAIR).take(np.arange(1000))


def test_the_version_of_spz_can_be_chosen(chair, tmp_path):
    save(chair, tmp_path / "newest.spz")
    save(chair, tmp_path / "older.spz", version=3)
    assert (tmp_path / "newest.spz").read_bytes()[:8] == b"NGSP\4\0\0\0"
    assert gzip.decompress((tmp_path / "older.spz").read_bytes())[:8] == b"NGSP\3\0\0\0"
    assert np.array_equal(load(tmp_path / "newest.spz").sh, load(tmp_path / "older.spz").sh)


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [
        ("out.spz", 1, "choose 2, 3 or 4"),
        ("out.ply", 1, "there is no choice"),
        ("out.splatz", 1, "no version to choose"),
    ],
)
def test_a_version_that_cannot_be_written_is_refused(chair, tmp_path, name, version, says):
    with pytest.raises(FormatError, match=says):
        save(chair, tmp_path / name, version=version)
    assert list(tmp_path.iterdir()) == []


def test_a_splatz_is_saved_with_every_splat(chair, tmp_path):
    assert save(chair, tmp_path / "scene.splatz") == []
    again = load(tmp_path / "scene.splatz")
    assert len(again) == len(chair)
    assert (tmp_path / "scene.splatz").stat().st_size < chair.float_bytes / 10


def test_a_quantized_scene_stays_itself_in_a_splatz(chair, tmp_path):
    save(chair, tmp_path / "scene.spz")
    spz = load(tmp_path / "scene.spz")
    save(spz, tmp_path / "scene.splatz")
    codes, again = (scene.source.codes for scene in (spz, load(tmp_path / "scene.splatz")))
    assert np.array_equal(*(np.unique(np.hstack(list(source.values())), axis=0) for source in (codes, again)))


@pytest.mark.parametrize(
    "name", ["n" * 250 + ".ply", "景" * 82 + ".splatz", "n" * 251 + ".sog"], ids=["ply", "splatz", "sog"]
)
def test_a_name_as_long_as_names_may_be_is_a_name(chair, tmp_path, name):
    save(chair, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_read_only_disk_is_said_of_the_target(chair, tmp_path, monkeypatch):
    def refuse(part, *_, **options):
        raise OSError(errno.EROFS, "Read-only file system", str(part))

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OSError, match="Read-only") as refusal:
        save(chair, tmp_path / "a.ply")
    assert refusal.value.filename == str(tmp_path / "a.ply")


def test_an_existing_folder_becomes_sog(chair, tmp_path):
    save(chair, tmp_path)
    assert (tmp_path / "meta.json").is_file()
    assert load(tmp_path).source.format == "sog"


@pytest.mark.parametrize("name", ["scene.spz", "scene.splatz"])
def test_values_are_not_changed_apart_from_the_codes_that_are_saved(chair, tmp_path, name):
    save(chair, tmp_path / "scene.spz")
    save(load(tmp_path / "scene.spz"), tmp_path / name)
    scene = load(tmp_path / name)
    for array in (*scene.arrays().values(), *pickle.loads(pickle.dumps(scene)).arrays().values()):
        with pytest.raises(ValueError, match="read-only"):
            array += 1
    moved = scene.edited(positions=scene.positions + 1)
    moved.positions[0] = 7  # no codes
    save(moved, tmp_path / name)
    np.testing.assert_allclose(load(tmp_path / name).positions.max(), 7, atol=0.01)


def test_a_name_without_a_known_extension_is_refused(chair, tmp_path):
    with pytest.raises(FormatError, match=r"no format has this extension.*\.glb.*meta\.json"):
        save(chair, tmp_path / "scene.xyz")


def test_a_format_that_is_only_read_is_refused(chair, tmp_path):
    with pytest.raises(FormatError, match="can be read but not written"):
        save(chair, tmp_path / "scene.ksplat")


def test_bytes_of_a_file_are_no_scene_to_save(chair, tmp_path):
    with pytest.raises(TypeError, match="save takes a Scene, not bytes"):
        splatzip.save(splatzip.compress(chair, preset="fast"), tmp_path / "scene.splatz")
    assert not list(tmp_path.iterdir())


def test_a_device_that_does_not_decode_is_refused(chair):
    coded = compress(chair, preset="fast")
    for device in ("auto", "gpu"):
        with pytest.raises(BackendError, match=f"device '{device}' decodes nothing; choose cpu or cuda"):
            decompress(coded, device=device)


def test_whatever_names_a_file_is_a_path(chair, tmp_path):
    class Named:
        def __fspath__(self) -> str:
            return str(tmp_path / "scene.splatz")

    save(chair, Named())
    for read in (load, decompress, splatzip.verify, splatzip.info, splatzip.stored_bytes):
        assert read(Named())


@pytest.mark.parametrize("name", ["positions", "log_scales", "rotations", "opacity_logits", "sh"])
def test_values_that_became_nan_since_the_scene_was_made_are_refused_and_not_written(chair, tmp_path, name):
    scene = chair.edited(**{name: chair.arrays()[name].copy()})
    scene.arrays()[name][7] = np.nan
    for preset in ("fast", "near-lossless", "lossless"):
        with pytest.raises(SceneError, match=f"row 7: NaN in {name}"):
            compress(scene, preset=preset)
    with pytest.raises(SceneError, match=f"row 7: NaN in {name}"):
        save(scene, tmp_path / "scene.ply")
    assert not list(tmp_path.iterdir())


def test_nan_never_reaches_the_native_encoder(chair):
    scales = chair.log_scales.copy()
    scales[7] = np.nan
    scene = Scene.of_checked({**chair.arrays(), "log_scales": scales})
    with pytest.raises(SceneError, match="row 7: log_scales holds nan"):
        stepped.encode(scene, stepped.Options(fineness=3.0))


def test_a_size_that_is_no_number_is_refused(chair):
    with pytest.raises(SplatzipError, match="a file of nan bytes is impossible"):
        compress(chair, size=float("nan"))


def test_a_scene_says_in_a_line_what_it_is(chair):
    assert repr(chair) == "Scene(1,000 splats, SH degree 3)"


def test_info_says_what_each_tier_takes(chair):
    file = splatzip.compress(splatzip.load(CHAIR), preset="fast", degree=1)
    facts = splatzip.info(file)
    parts = facts["parts"]
    named = {(part["tier"], part["layer"]) for part in parts}
    assert named == {(tier, layer) for tier in range(facts["tiers"]) for layer in (0, 1)}
    for layer in (0, 1):
        assert sum(part["splats"] for part in parts if part["layer"] == layer) == facts["splats"]
    attributes = sum(row["bytes"] for row in facts["attributes"].values())
    assert attributes <= sum(part["bytes"] for part in parts) <= facts["bytes"]


def test_info_counts_a_palette_as_what_it_colours():
    file = splatzip.compress(Path(__file__).parent / "fixtures" / "sog" / "v2.sog", preset="lossless")
    palette = next(entry.size for entry in open_file(file).shared if entry.kind == Kind.PALETTE)
    assert splatzip.info(file)["attributes"]["sh"]["bytes"] > palette


@pytest.mark.parametrize(("fixture", "source"), [("sog/v2.sog", "sog"), ("spz/v3_sh2.spz", "spz")])
def test_info_says_of_which_format_codes_are_kept(fixture, source):
    file = splatzip.compress(Path(__file__).parent / "fixtures" / fixture, preset="lossless")
    assert splatzip.info(file)["source"] == source


def test_info_says_that_floats_did_not_come_quantized(chair):
    assert splatzip.info(splatzip.compress(chair, preset="lossless"))["source"] is None
    assert splatzip.info(splatzip.compress(chair, preset="fast"))["source"] is None


@pytest.mark.parametrize(
    ("option", "value", "what"),
    [
        ("size", "4MB", "a number"),
        ("quality", "40", "a number"),
        ("max_loss", [0.3], "a number"),
        ("prune", "none", "a number"),
        ("degree", 1.0, "a whole number"),
    ],
)
def test_an_option_of_another_type_is_named_before_the_work(chair, option, value, what):
    with pytest.raises(TypeError, match=f"{option} is {re.escape(repr(value))}, not {what}"):
        compress(chair, preset="fast", **{option: value})


def test_a_size_may_be_a_float_and_of_numpy():
    assert splatzip.Profile.preset_named("balanced", size=1.5e5).target_size == 150_000
    assert type(splatzip.Profile.preset_named("balanced", size=np.int64(150_000)).target_size) is int
    with pytest.raises(SplatzipError, match="a file of inf bytes is impossible; ask for less"):
        splatzip.Profile.preset_named("balanced", size=float("inf"))


def test_views_may_be_a_folder_or_what_was_loaded_from_it(chair):
    of_folder = compress(chair, preset="fast", views=CHAIR.parent)
    for split in ("train", "all"):  # nobody fits to test views
        assert compress(chair, preset="fast", views=Views.load(CHAIR.parent, split=split, photos=False)) == of_folder
    assert of_folder != compress(chair, preset="fast")


def test_views_parted_for_balanced_are_those_of_the_folder():
    of_folder = fitted_and_measured(CHAIR.parent, learn=False, measure=False)
    given = fitted_and_measured(Views.load(CHAIR.parent, split="all", photos=False), learn=False, measure=False)
    for ours, theirs in zip(given, of_folder, strict=True):
        assert [camera.name for camera in ours] == [camera.name for camera in theirs]


def test_cameras_of_ones_own_are_views_to_fit_to():
    cameras = [Camera.look_at((0, 0, -3 - n), (0, 0, 0), width=64, height=48, fov_x_rad=0.8) for n in range(9)]
    fitted, held_back = fitted_and_measured(Views(cameras), learn=False, measure=False)
    assert list(fitted) == cameras[1:8]
    assert held_back.cameras == (cameras[0], cameras[8])


def test_what_a_profile_says_of_given_views_counts_unless_an_option_says_otherwise(chair, monkeypatch):
    profile = splatzip.Profile.preset_named("balanced")
    profile = replace(profile, balance=replace(profile.balance, given_weight=3.0, views_beside=5))
    seen: list[Any] = []

    def encode_balanced(scene: Scene, profile: splatzip.Profile, **_: Any) -> bytes:
        seen.append((profile.balance.given_weight, profile.balance.views_beside))
        return b""

    monkeypatch.setattr("splatzip.targets.encode_balanced", encode_balanced)
    compress(chair, profile=profile, views=CHAIR.parent)
    compress(chair, profile=profile, views=CHAIR.parent, view_weight=2.0, only_views=True)
    assert seen == [(3.0, 5), (2.0, 0)]


def test_test_views_are_not_fitted_to(chair):
    with pytest.raises(ViewsError, match=r'nothing is fitted to test views; take Views\.load\(\.\.\., split="train"\)'):
        compress(chair, preset="fast", views=Views.load(CHAIR.parent))


def test_what_a_notebook_shows_is_a_line():
    scene = load(CHAIR).take(slice(100))
    views = splatzip.orbit_views(scene)
    fixture = load(next((CHAIR.parents[3] / "tests/fixtures/spz").glob("*.spz")))
    (compared,) = splatzip.compare(scene, scene, views=Views(views.cameras[:1]))
    shown = [
        views,
        views.cameras[0],
        splatzip.render(scene, views.cameras[0]),
        fixture.source,
        compared,
        score(scene, views),
    ]
    for one in shown:
        assert repr(one).startswith(type(one).__name__ + "(")
        assert len(repr(one)) < 140, repr(one)
        assert "\n" not in repr(one)
    assert repr(views) == "Views(12 cameras, without photos)"


def test_rows_may_be_a_list_a_mask_or_a_slice(chair):
    for rows in ([0, 1, 2], slice(3), [True] * 3 + [False] * 997, range(3)):
        assert chair.take(rows).positions.tobytes() == chair.positions[:3].tobytes()


@pytest.mark.parametrize("options", [{"preset": "fast"}, {"preset": "lossless"}, {"quality": 40, "preset": "fast"}])
def test_progress_comes_to_its_end(options: dict[str, Any]) -> None:
    shares: list[float] = []
    compress(load(CHAIR), progress=lambda share, _: shares.append(share), **options)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
