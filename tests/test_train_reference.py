"""`scripts/train_reference` up to where it needs a GPU: views, photos, points, and the parts that torch does alone."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
CHAIR = ROOT / "datasets" / "samples" / "chair"


@pytest.fixture(autouse=True)
def scripts_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """The sample's photos, the first for testing and the others to train on: it has those of its test views alone."""
    folder = tmp_path / "chair"
    shutil.copytree(CHAIR / "images", folder / "images")
    shutil.copy(CHAIR / "transforms.json", folder)
    names = sorted(photo.name for photo in (folder / "images").iterdir())
    (folder / "split.json").write_text(json.dumps({"test": names[:1], "train": names[1:]}))
    return folder


def test_a_dry_run_reads_every_photo_and_says_what_would_be_trained(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.__main__ import main

    out = tmp_path / "out.ply"
    assert main([str(capture), str(out), "--dry-run", "--scale", "0.25", "--random-points", "5000"]) == 0
    said = capsys.readouterr().out
    photos = len(list((capture / "images").iterdir()))
    assert f"train  {photos - 1} views of " in said
    assert "5000 points, random" in said
    assert "30000, SH degree 3, gsplat's default strategy" in said
    assert "measured at 7000, 30000" in said
    assert "every photo is there and whole" in said
    assert not out.exists()


def test_a_damaged_photo_is_found_before_anything_is_trained(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.__main__ import main

    photo = sorted((capture / "images").iterdir())[-1]
    photo.write_bytes(photo.read_bytes()[:-2000])
    assert main([str(capture), str(tmp_path / "out.ply"), "--dry-run"]) == 2
    assert photo.name in capsys.readouterr().err


def test_points_of_colmap_are_where_training_begins(tmp_path: Path) -> None:
    from training.points import colmap_points

    rows = [(k, 0.5 * k, -1.0 * k, 2.0, 255, 0, k, 0.1, 2) for k in range(5)]
    data = struct.pack("<Q", len(rows))
    for row in rows:
        data += struct.pack("<Q3d3BdQ", *row) + struct.pack("<4I", 1, 2, 3, 4)
    (tmp_path / "sparse" / "0").mkdir(parents=True)
    (tmp_path / "sparse" / "0" / "points3D.bin").write_bytes(data)
    text = tmp_path / "points3D.txt"
    text.write_text("# a comment\n" + "".join(" ".join(map(str, row[:8])) + " 1 2 3 4\n" for row in rows))
    for found in (colmap_points(tmp_path / "sparse" / "0", asked=True), colmap_points(text, asked=True)):
        assert found is not None
        assert found.positions[:, :2].tolist() == [[0.5 * k, -1.0 * k] for k in range(5)]
        assert found.colors[4].tolist() == [1, 0, 4 / 255]


def test_points_that_are_cut_short_or_not_there_are_refused(tmp_path: Path) -> None:
    from training.points import colmap_points

    from splatzip.errors import ViewsError

    file = tmp_path / "points3D.bin"
    file.write_bytes(struct.pack("<Q", 9) + bytes(50))
    with pytest.raises(ViewsError, match="cut short after 0 points"):
        colmap_points(file, asked=True)
    with pytest.raises(ViewsError, match="no points3D"):
        colmap_points(tmp_path / "elsewhere", asked=True)
    assert colmap_points(CHAIR, asked=False) is None


def test_the_loss_is_zero_for_equal_pictures_and_ssim_is_that_of_a_plain_loop() -> None:
    import torch
    from training.loss import loss, ssim

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    a, b = (torch.tensor(rng.uniform(size=(21, 17, 3))) for _ in range(2))
    assert float(loss(a, a, ssim_share=0.2)) == pytest.approx(0, abs=1e-12)
    line = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    window = np.outer(line, line) / line.sum() ** 2
    padded_a, padded_b = (np.pad(x.numpy(), ((5, 5), (5, 5), (0, 0))) for x in (a, b))
    values = []
    for y, x, c in np.ndindex(a.shape):
        p, q = padded_a[y : y + 11, x : x + 11, c], padded_b[y : y + 11, x : x + 11, c]
        mp, mq = (window * p).sum(), (window * q).sum()
        vp, vq = (window * p * p).sum() - mp**2, (window * q * q).sum() - mq**2
        cov = (window * p * q).sum() - mp * mq
        top = (2 * mp * mq + 1e-4) * (2 * cov + 9e-4)
        values.append(top / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4)))
    assert float(ssim(a, b)) == pytest.approx(np.mean(values), rel=1e-9)


def test_splats_begin_as_points_with_sizes_of_their_neighbourhood() -> None:
    import torch
    from training.points import Points
    from training.recipe import Recipe
    from training.train import scene_of, start

    torch.set_num_threads(1)
    positions = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [9, 9, 9]], float)
    splats = start(Points(positions, np.full((5, 3), 0.75), "made"), Recipe(), torch.device("cpu"))
    scene = scene_of(splats)
    assert scene.sh_degree == 3
    assert np.exp(scene.log_scales[0]) == pytest.approx(np.ones(3), rel=1e-5)
    assert np.exp(scene.log_scales[4, 0]) > 10
    assert 1 / (1 + np.exp(-scene.opacity_logits)) == pytest.approx(np.full(5, 0.1), rel=1e-5)
    assert scene.sh[:, 0] * 0.28209479177387814 + 0.5 == pytest.approx(np.full((5, 3), 0.75), rel=1e-5)


def test_cameras_without_photos_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from training.__main__ import main

    shutil.copy(CHAIR / "transforms.json", tmp_path)
    assert main([str(tmp_path), str(tmp_path / "out.ply")]) == 2
    assert "these cameras have no photos; training needs them" in capsys.readouterr().err
