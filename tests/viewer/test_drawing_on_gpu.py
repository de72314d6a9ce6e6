"""`splatzip view --device cuda`: from the file's bytes to the picture without the host's scene."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from emulated_gpu import use_emulation
from PIL import Image

import splatzip
from splatzip.errors import BackendError
from splatzip_viewer import drawing, opened
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.pose import opening_pose

CHAIR = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair" / "point_cloud.ply"


def opened_chair(folder: Path) -> OpenScene:
    part = splatzip.load(CHAIR).take(np.arange(0, 43_000, 14))
    path = folder / "chair.splatz"
    path.write_bytes(splatzip.compress(part, preset="fast"))
    return OpenScene.load(path)


def request_of(scene: OpenScene, mode: str) -> drawing.Request:
    return drawing.Request(opening_pose(scene.scene, None), 96, 72, (("ref", mode),))


@pytest.mark.cuda
def test_a_picture_comes_from_the_file_by_way_of_the_gpu_alone(tmp_path, monkeypatch):
    scene = opened_chair(tmp_path)
    asked = request_of(scene, "color")
    wanted = np.asarray(Image.open(io.BytesIO(drawing.draw({"ref": scene}, asked).jpeg)), int)
    use_emulation(monkeypatch)
    monkeypatch.setattr(opened, "chosen_device", lambda choice: choice)
    monkeypatch.setattr(opened, "_styled", lambda *_: pytest.fail("the host's scene was drawn"))
    answer = drawing.draw({"ref": scene}, asked, device="cuda")
    assert np.abs(np.asarray(Image.open(io.BytesIO(answer.jpeg)), int) - wanted).mean() < 1
    depth = drawing.draw({"ref": scene}, request_of(scene, "depth"), device="cuda")
    assert Image.open(io.BytesIO(depth.jpeg)).size == (96, 72)


@pytest.mark.cuda
def test_where_it_does_not_fit_auto_draws_on_the_cpu_and_cuda_says_so(tmp_path, monkeypatch):
    scene = opened_chair(tmp_path)
    use_emulation(monkeypatch, memory=1 << 16)
    monkeypatch.setattr(opened, "chosen_device", lambda choice: "cuda")
    asked = request_of(scene, "color")
    with pytest.raises(BackendError, match=r"MB of video memory are needed, 0 MB are free; use device cpu$"):
        drawing.draw({"ref": scene}, asked, device="cuda")
    assert drawing.draw({"ref": scene}, asked, device="auto").jpeg == drawing.draw({"ref": scene}, asked).jpeg


@pytest.mark.skipif(bool(splatzip.chosen_device("auto") == "cuda"), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_in_words_before_anything_listens():
    command = [sys.executable, "-I", "-c", "from splatzip.cli import main; main()", "view", str(CHAIR)]
    child = subprocess.run([*command, "--device", "cuda"], capture_output=True, text=True, timeout=60)
    assert (child.returncode, child.stdout) == (2, "")
    assert "device cuda: " in child.stderr
    assert child.stderr.rstrip().endswith("use device cpu")
