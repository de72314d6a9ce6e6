"""The crop box of the page, in a real browser."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from viewer_server import WAIT, wait_until

import splatzip

from .looking import LOOK, command_of, drag, unfold

pytestmark = pytest.mark.browser


def test_a_box_is_drawn_as_it_is_typed_and_crops_the_whole_scene_each_time(tab, server, small, tmp_path):
    scene = splatzip.load(small)
    middle, beyond = np.quantile(scene.positions[:, 2], [0.5, 0.9]).round(3).tolist()
    fold = tab.locator("#crop-box button").first
    assert tab.evaluate(f"{LOOK}.state.box") is None
    unfold(tab, fold)
    tab.wait_for_function(f"{LOOK}.state.box", timeout=WAIT)
    type_start(tab, beyond)
    fold.click()
    tab.wait_for_function(f"{LOOK}.state.box === null", timeout=WAIT)  # what is folded away is not drawn, either
    fold.click()
    tab.wait_for_function(f"{LOOK}.state.box", timeout=WAIT)
    drag(tab, 60, 0)
    pose = tab.evaluate(f"{LOOK}.pose.position")
    for start in (beyond, middle):
        type_start(tab, start)
        tab.locator("#crop-go").click()
        count = int((scene.positions[:, 2] >= np.float32(start)).sum())
        tab.locator("#facts").get_by_text(f"{count:,}", exact=True).wait_for(timeout=WAIT)
    assert tab.evaluate(f"{LOOK}.state.ref") == "small-cropped.ply"
    assert tab.evaluate(f"{LOOK}.pose.position") == pose
    unfold(tab, tab.get_by_role("tab", name="Compress"))
    # The page has the facts before the command, which may still be that of the box before.
    wait_until(lambda: f" {middle:.12g} " in command_of(tab), words=lambda: command_of(tab))
    assert "small-cropped.splatz" in command_of(tab)
    crop = command_of(tab).partition(" splatzip compress")[0]
    subprocess.run([Path(sys.executable).with_name("splatzip"), *shlex.split(crop)[1:]], cwd=tmp_path, check=True)
    (cropped,) = server.folder(tab.evaluate(f"{LOOK}.state.token")).glob("*/small-cropped.ply")
    assert (tmp_path / "small-cropped.ply").read_bytes() == cropped.read_bytes()

    tab.get_by_role("tab", name="Scene").click()
    type_start(tab, 100)
    tab.locator("#crop-go").click()
    problem = tab.locator("#crop-message")
    problem.get_by_text("no splat is inside the crop box").wait_for(timeout=WAIT)
    tab.locator("#crop-undo").click()
    tab.locator("#facts").get_by_text("2,000", exact=True).wait_for(timeout=WAIT)
    assert tab.evaluate(f"{LOOK}.pose.position") == pose
    problem.get_by_text("no splat").wait_for(state="detached", timeout=WAIT)


def type_start(tab: Any, value: float) -> None:
    """Where the box begins along z."""
    field = tab.locator("#crop-z-from input")
    field.wait_for(state="visible", timeout=WAIT)
    field.fill(str(value))
    tab.wait_for_function(f"{LOOK}.state.box && Math.abs({LOOK}.state.box[2] - {value}) < 1e-6", timeout=WAIT)
