"""`splatzip view --device cuda`: from the file's bytes to the picture without the host's scene."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from emulated_gpu import use_emulation
from numpy.typing import NDArray
from PIL import Image

import splatzip
from splatzip.errors import BackendError, FormatError
from splatzip.kernels.cuda_decode import GpuDecoder
from splatzip_viewer import drawing, opened
from splatzip_viewer.facts import facts_table
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.sessions import Sessions

CHAIR = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "chair" / "point_cloud.ply"
SOG = Path(__file__).resolve().parents[1] / "fixtures" / "sog" / "v2.sog"


@pytest.fixture
def chair(tmp_path: Path) -> Path:
    part = splatzip.load(CHAIR).take(np.arange(0, 43_000, 14))
    path = tmp_path / "chair.splatz"
    path.write_bytes(splatzip.compress(part, preset="fast"))
    return path


def request_of(scene: OpenScene, mode: str) -> drawing.Request:
    return drawing.Request(scene.pose(), 96, 72, (("ref", mode),))


def pixels_of(answer: drawing.Answer) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(answer.jpeg)), int)


@pytest.mark.cuda
def test_opening_looking_and_facts_take_no_scene_of_the_host(chair, tmp_path, monkeypatch):
    beside = OpenScene.load(chair)
    use_emulation(monkeypatch)
    monkeypatch.setattr(opened, "chosen_device", lambda choice: choice)
    monkeypatch.setattr(opened, "load", lambda path: pytest.fail("the host's scene was loaded"))
    session = Sessions(tmp_path / "sessions", device="cuda").of_page("one")
    session.open_ref(OpenScene.load(chair, device=session.device))
    assert session.home == beside.pose()
    asked = request_of(session.ref, "color")
    assert (
        np.abs(pixels_of(drawing.draw(session.scenes, asked)) - pixels_of(drawing.draw({"ref": beside}, asked))).mean()
        < 1
    )
    assert pixels_of(drawing.draw(session.scenes, request_of(session.ref, "depth"))).shape[:2] == (72, 96)
    assert facts_table(session.scenes) == facts_table({"ref": beside})
    assert len(session.views().cameras) == len(splatzip.orbit_views(beside.scene).cameras)


@pytest.mark.cuda
def test_what_asks_for_splats_loads_them_once(chair, monkeypatch):
    use_emulation(monkeypatch)
    monkeypatch.setattr(opened, "chosen_device", lambda choice: choice)
    scene = OpenScene.load(chair, device="cuda")
    assert scene.scene is scene.scene is scene.known
    assert np.array_equal(scene.scene.sh, splatzip.load(chair).sh)


@pytest.mark.cuda
def test_a_file_that_became_another_one_is_not_taken_for_what_is_drawn(chair, monkeypatch):
    use_emulation(monkeypatch)
    monkeypatch.setattr(opened, "chosen_device", lambda choice: choice)
    scene = OpenScene.load(chair, "mine", device="cuda")
    chair.write_bytes(splatzip.compress(splatzip.load(chair).take(np.arange(100)), preset="fast"))
    with pytest.raises(FormatError, match=r"^mine: the file has changed since it was opened; open it again$"):
        scene.picture(scene.pose().camera(96, 72), "centres")
    chair.write_bytes(b"no scene")
    with pytest.raises(FormatError, match=r"^mine: "):
        scene.picture(scene.pose().camera(96, 72), "centres")
    assert scene.picture(scene.pose().camera(96, 72)).alpha.any()


@pytest.mark.cuda
def test_a_file_that_keeps_the_codes_of_its_source_says_so_as_soon_as_it_is_open(tmp_path, monkeypatch):
    path = tmp_path / "sog.splatz"
    path.write_bytes(splatzip.compress(SOG, preset="lossless"))
    beside = facts_table({"ref": OpenScene.load(path)})
    assert "Came quantized" in beside
    use_emulation(monkeypatch)
    monkeypatch.setattr(opened, "chosen_device", lambda choice: choice)
    monkeypatch.setattr(opened, "load", lambda path: pytest.fail("the host's scene was loaded"))
    assert facts_table({"ref": OpenScene.load(path, device="cuda")}) == beside


@pytest.fixture
def with_a_gpu(monkeypatch):
    """A choice of device means what it does where there is a GPU."""
    monkeypatch.setattr(opened, "chosen_device", lambda choice: "cpu" if choice == "cpu" else "cuda")


@pytest.mark.cuda
@pytest.mark.parametrize("suffix", [".splatz", ".ply"])
def test_where_it_does_not_fit_auto_draws_on_the_cpu_and_says_why_and_cuda_refuses(
    chair, suffix, with_a_gpu, monkeypatch
):
    path = chair.with_suffix(suffix)
    if suffix == ".ply":
        splatzip.save(splatzip.load(chair), path)
    beside = OpenScene.load(path)
    use_emulation(monkeypatch, memory=1 << 16)
    lack = r"device cuda: [\d.]+ MB of video memory are needed, 0 MB are free; use device cpu"
    with pytest.raises(BackendError, match=f"^{path.name}: {lack}$"):
        OpenScene.load(path, device="cuda")
    shown = OpenScene.load(path, device="auto")
    assert re.search(rf"<th>Drawn by</th><td>the CPU \({lack}\)</td>", facts_table({"ref": shown}))
    asked = request_of(beside, "color")
    assert drawing.draw({"ref": shown}, asked).jpeg == drawing.draw({"ref": beside}, asked).jpeg
    assert shown.picture(shown.pose().camera(96, 72), "centres").alpha.any()


@pytest.mark.cuda
def test_a_file_that_the_gpu_refuses_is_not_said_to_be_a_lack_of_memory(chair, with_a_gpu, monkeypatch):
    use_emulation(monkeypatch)
    monkeypatch.setattr(GpuDecoder, "stepped", lambda *arguments: None)
    refused = "device cuda: the GPU refused a file that is whole; use device cpu, and please report it"
    with pytest.raises(BackendError, match=f"^{chair.name}: {refused}$"):
        OpenScene.load(chair, device="cuda")
    shown = OpenScene.load(chair, device="auto")
    assert f"the CPU ({refused})" in facts_table({"ref": shown})
    assert shown.picture(shown.pose().camera(96, 72)).alpha.any()


@pytest.mark.cuda
def test_what_the_gpu_draws_and_what_the_cpu_was_asked_to_draw_takes_no_words(chair, with_a_gpu, monkeypatch):
    use_emulation(monkeypatch)
    for device in ("auto", "cuda", "cpu"):
        assert "Drawn by" not in facts_table({"ref": OpenScene.load(chair, device=device)})


@pytest.mark.skipif(bool(splatzip.chosen_device("auto") == "cuda"), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_in_words_before_anything_listens():
    command = [sys.executable, "-I", "-c", "from splatzip.cli import main; main()", "view", str(CHAIR)]
    child = subprocess.run([*command, "--device", "cuda"], capture_output=True, text=True, timeout=60)
    assert (child.returncode, child.stdout) == (2, "")
    assert "device cuda: " in child.stderr
    assert child.stderr.rstrip().endswith("use device cpu")
