"""What `compare` measures: held against the judge, which shares no code, and against what is known beforehand."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outside import judge_module
from PIL import Image

from splatzip import Camera, Scene, SplatzipError, Views, ViewsError, compare, compress, load, save
from splatzip.quality import SourcePictures
from splatzip.quality import compare as compare_scenes
from splatzip.views import orbit_views

SAMPLE = Path(__file__).resolve().parents[1] / "datasets" / "samples" / "chair"


@pytest.fixture(scope="module")
def chair() -> Scene:
    return load(SAMPLE / "point_cloud.ply")


@pytest.fixture(scope="module")
def darker(chair: Scene) -> Scene:
    """The same splats, every one a little darker, the last tenth gone."""
    sh = chair.sh.copy()
    sh[:, 0] -= 0.05
    return chair.edited(sh=sh).take(np.arange(len(chair) * 9 // 10))


@pytest.fixture(scope="module")
def views() -> Views:
    """Three test views in a quarter of the size, without photos."""
    cameras = Views.load(SAMPLE).cameras[::5]
    return Views(tuple(camera.scaled(0.5) for camera in cameras))


@pytest.mark.scenes
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["chair", "snowmiku"])
def test_the_judge_measures_the_same_on_test_views_and_their_photos(name: str, scenes: Path, tmp_path: Path) -> None:
    judge, source = judge_module(scenes), scenes / "scenes" / name
    (tmp_path / "test.splatz").write_bytes(compress(source / "point_cloud.ply", preset="fast", quality=40))
    save(load(tmp_path / "test.splatz"), tmp_path / "test.ply")
    (found,) = compare(source / "point_cloud.ply", tmp_path / "test.splatz", views=source)
    cameras, photos = judge.json_cams(str(source / "transforms.json"))
    ref, test = judge.read_ply(source / "point_cloud.ply"), judge.read_ply(tmp_path / "test.ply")
    some = range(0, len(cameras), 4)
    pixels = [np.asarray(Image.open(photos[i]).convert("RGB"), np.float32) / 255 for i in some]
    rows = judge.judge(ref, test, [cameras[i] for i in some], pixels)[0]
    ours = replace(found, views=tuple(found.views[i] for i in some))
    assert len(found.views) == len(cameras)
    assert ours.psnr == pytest.approx(rows["psnr"], abs=0.01)
    assert ours.ssim == pytest.approx(rows["ssim"], abs=1e-4)
    assert ours.photo is not None
    assert ours.photo.ref_psnr == pytest.approx(rows["gt_ref"], abs=0.01)
    assert ours.photo.test_psnr == pytest.approx(rows["gt_test"], abs=0.01)


@pytest.mark.scenes
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_views_the_judge_measures_the_same_from_its_orbits(scenes: Path, tmp_path: Path) -> None:
    judge, source = judge_module(scenes), scenes / "scenes" / "chair" / "point_cloud.ply"
    (tmp_path / "test.splatz").write_bytes(compress(source, preset="fast", quality=38))
    save(load(tmp_path / "test.splatz"), tmp_path / "test.ply")
    (found,) = compare(source, tmp_path / "test.splatz")
    assert found.seen_from == "12 orbit views"
    ref, test = judge.read_ply(source), judge.read_ply(tmp_path / "test.ply")
    rows = judge.judge(ref, test, judge.orbit_cams(ref)[::3])[0]
    ours = replace(found, views=found.views[::3])
    assert (ours.psnr, ours.ssim) == pytest.approx((rows["psnr"], rows["ssim"]), abs=0.01)


def test_a_scene_compared_with_itself_has_lost_nothing(chair: Scene, views: Views) -> None:
    found = compare_scenes(chair, chair, views)
    assert (found.psnr, found.ssim) == (100, 1)
    assert found.photo is None


def test_each_file_gets_its_own_bytes_splats_and_ratio(chair: Scene, darker: Scene, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("ref.ply", "a.splatz", "b.sog")]
    save(chair, paths[0])
    save(darker, paths[1])
    save(chair, paths[2])
    a, b = compare(*paths, views=SAMPLE, split="test")
    assert (a.name, b.name) == (str(paths[1]), str(paths[2]))
    assert (a.splats, b.splats) == (len(darker), len(chair))
    assert a.bytes == paths[1].stat().st_size
    assert a.ratio == pytest.approx(236 * len(chair) / paths[1].stat().st_size)  # of the source's splats, not its own
    assert a.psnr < b.psnr
    assert a.photo is not None
    assert b.photo is not None
    assert a.photo.ref_psnr == b.photo.ref_psnr
    assert a.photo.test_psnr < b.photo.test_psnr
    assert json.loads(json.dumps(a.to_json()))["views"][0].keys() == {"name", "psnr", "ssim", "photo"}


def test_a_scene_of_several_files_counts_them_all_and_nothing_beside(chair: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "sog"
    folder.mkdir()
    save(chair, tmp_path / "ref.ply")
    save(chair, folder)
    size = sum(file.stat().st_size for file in folder.iterdir())
    (folder / "notes.txt").write_text("beside")
    camera = tmp_path / "camera.json"
    camera.write_text('{"position": [0, 0, -4], "target": [0, 0, 0], "fov_y_degrees": 40, "width": 64, "height": 48}')
    (found,) = compare(tmp_path / "ref.ply", folder, views=camera, split="all")
    assert found.bytes == size


def test_the_numbers_do_not_depend_on_threads(chair: Scene, darker: Scene, views: Views) -> None:
    one, two = (compare_scenes(chair, darker, views, threads=threads) for threads in (1, 2))
    assert one == two
    assert 20 < one.psnr < 50


def test_pictures_are_compared_as_a_screen_shows_them() -> None:
    """What is brighter than white is white."""
    wall = Scene([[0, 0, 0]], np.full((1, 3), 3.0), [[1, 0, 0, 0]], [9.0], np.full((1, 1, 3), 20.0))
    camera = Camera.look_at((0, 0, -9), (0, 0, 0), width=32, height=24, fov_x_rad=0.2)
    assert compare_scenes(wall, wall.edited(sh=2 * wall.sh), Views((camera,))).psnr == 100


def test_a_scene_is_measured_against_photos_on_its_background(chair: Scene, tmp_path: Path) -> None:
    """Photos that are not opaque stand on the background that the scene stands on."""
    shutil.copy(SAMPLE / "transforms.json", tmp_path)
    frames = json.loads((tmp_path / "transforms.json").read_text())
    frames["frames"] = frames["frames"][:1]
    (tmp_path / "transforms.json").write_text(json.dumps(frames))
    (tmp_path / "images").mkdir()
    see_through = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    see_through.save(tmp_path / frames["frames"][0]["file_path"], format="PNG")
    views = Views.load(tmp_path, split="all")
    invisible = chair.edited(opacity_logits=np.full(len(chair), -4.0))
    white = compare_scenes(invisible, invisible, views, background=(1, 1, 1))
    black = compare_scenes(invisible, invisible, views)
    assert white.photo is not None
    assert black.photo is not None
    assert white.photo.ref_psnr > 15
    assert black.photo.ref_psnr > 15


def test_metrics_that_were_asked_for_are_there_and_no_others(chair: Scene, darker: Scene, views: Views) -> None:
    found = compare_scenes(chair, darker, views, extra=("flip", "ms_ssim"))
    assert set(found.extra) == {"flip", "ms_ssim"}
    assert 0 < found.extra["flip"] < 0.2 < 0.8 < found.extra["ms_ssim"] < 1
    assert compare_scenes(chair, darker, views).extra == {}


def test_a_metric_that_does_not_exist_is_refused(chair: Scene, views: Views) -> None:
    with pytest.raises(SplatzipError, match="no metric 'vmaf'; choose ms_ssim, flip, lpips"):
        compare_scenes(chair, chair, views, extra=["vmaf"])


def test_a_camera_that_sees_nothing_of_the_source_is_named(chair: Scene, views: Views) -> None:
    away = Camera.look_at((0, 0, -4), (0, 0, -8), width=64, height=48, fov_x_rad=0.7, name="wall")
    blind = Views((*views.cameras, away))
    with pytest.raises(ViewsError, match=r"frame wall: no splat is visible"):
        compare_scenes(chair, chair, blind)


def test_a_scene_that_is_too_small_for_given_cameras_is_told_to_grow(chair: Scene) -> None:
    tiny = chair.edited(positions=0.004 * chair.positions, log_scales=chair.log_scales + np.log(0.004))
    around = orbit_views(tiny)
    assert compare_scenes(tiny, tiny, around).psnr == 100
    given = Views(tuple(replace(camera, near=0.05) for camera in around.cameras))
    with pytest.raises(ViewsError, match=r"enlarge a scene that is less than 0.1 units across \(transform --scale\)"):
        compare_scenes(tiny, tiny, given)


def test_kept_pictures_leave_out_a_camera_that_sees_nothing(chair: Scene, darker: Scene, views: Views) -> None:
    away = Camera.look_at((0, 0, -4), (0, 0, -8), width=64, height=48, fov_x_rad=0.7, name="wall")
    assert SourcePictures(chair, Views((*views.cameras, away))).psnr(darker) == SourcePictures(chair, views).psnr(
        darker
    )


def test_what_a_test_scene_lacks_counts_and_is_no_error(chair: Scene, views: Views) -> None:
    invisible = chair.edited(opacity_logits=np.full(len(chair), -np.inf))
    assert compare_scenes(chair, invisible, views).psnr < 30


def test_kept_pictures_measure_what_compare_measures(chair: Scene, darker: Scene, views: Views) -> None:
    assert SourcePictures(chair, views).psnr(darker) == compare_scenes(chair, darker, views).psnr


def test_progress_rises_and_names_the_view(chair: Scene, views: Views) -> None:
    told: list[tuple[float, str]] = []
    compare_scenes(chair, chair, views, progress=lambda share, step: told.append((share, step)))
    assert [step for _, step in told] == [camera.name for camera in views.cameras]
    assert [share for share, _ in told] == sorted(share for share, _ in told)


def test_scenes_and_bytes_are_compared_as_their_files_are(
    chair: Scene, darker: Scene, views: Views, tmp_path: Path
) -> None:
    save(darker, tmp_path / "darker.ply")
    (tmp_path / "coded.splatz").write_bytes(coded := compress(darker, preset="fast"))
    files = compare(SAMPLE / "point_cloud.ply", tmp_path / "darker.ply", tmp_path / "coded.splatz", views=views)
    steps: list[str] = []
    of_scene, of_bytes = compare(chair, darker, coded, views=views, progress=lambda _, step: steps.append(step))
    assert of_scene == replace(files[0], name="", bytes=None)
    assert of_bytes == replace(files[1], name="")
    assert of_bytes.bytes == len(coded)
    assert {step.split(",")[0] for step in steps} == {"scene 1", "scene 2"}
    with pytest.raises(SplatzipError, match="axes are those of a file"):
        compare(chair, darker, views=views, axes=["RDF", None])


def test_one_further_metric_needs_no_list(chair: Scene, views: Views) -> None:
    some = Views(views.cameras[:1])
    assert compare_scenes(chair, chair, some, extra="ms_ssim").extra == {"ms_ssim": 1.0}
