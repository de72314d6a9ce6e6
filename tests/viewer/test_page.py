"""The whole viewer in a real browser: open, drag, compress to a size, compare, download; two at once, fifty scenes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from proxy import below_a_path
from viewer_server import WAIT, Server, wait_until

import splatzip
from splatzip_viewer.pose import Pose

from .conftest import CHAIR
from .looking import LONG_WAIT, LOOK, choose, command_of, drag, go, picture, unfold, wait_for_command

pytestmark = pytest.mark.browser


def test_a_real_scene_is_turned_compressed_compared_and_downloaded(tab, server, tmp_path):
    tab.locator("#open-ref input[type=file]").set_input_files(CHAIR)
    tab.wait_for_function(f"{LOOK}.state.opened === 2 && {LOOK}.isFull", timeout=WAIT)
    before = picture(tab)
    assert before.max() > 200
    tab.locator("#facts").get_by_text("43,874", exact=True).wait_for(timeout=WAIT)
    drag(tab, 160, 0)
    turned = picture(tab)
    assert np.abs(turned - before).mean() > 3

    unfold(tab, tab.get_by_role("tab", name="Compress"))
    choose(tab, tab.locator("#method input"), "fast")
    wait_for_command(tab, "--preset fast")
    tab.locator("#target").get_by_text("quality", exact=True).click()
    type_in(tab, tab.get_by_label("number input for PSNR against the source, dB"), "34")
    wait_for_command(tab, "--preset fast --quality 34")
    with server.held():
        tab.locator("#compress").click()
        tab.locator(".progress").wait_for(state="visible", timeout=WAIT)
    tab.wait_for_function(f"{LOOK}.state.test === 'point_cloud.splatz'", timeout=LONG_WAIT)

    both = picture(tab)  # turned as before: the original on the left, what is left of it on the right
    width = both.shape[1]
    left, right = slice(0, width // 2 - 30), slice(width // 2 + 30, width)
    clear = slice(60, both.shape[0] - 60)  # of the names
    assert np.abs(both - turned)[clear, left].mean() < 0.1
    assert np.abs(both - turned)[clear, right].mean() > 0.3
    tab.keyboard.press("Tab")
    tab.locator(".look-handle").focus()
    for _ in range(30):
        tab.keyboard.press("ArrowLeft")
    moved = picture(tab)
    assert np.abs(moved - turned)[clear, left].mean() > 0.3  # the compressed scene fills it now
    tab.get_by_role("radio", name="Error", exact=True).click()
    assert np.abs(picture(tab) - moved).mean() > 3

    with tab.expect_download(timeout=WAIT) as started:
        tab.get_by_role("link", name="point_cloud.splatz").click()
    started.value.save_as(tmp_path / "result.splatz")
    facts = splatzip.info(tmp_path / "result.splatz")
    assert facts["settings"]["preset"] == "fast"
    assert facts["bytes"] < 400_000
    tab.locator("#convert").click()
    with tab.expect_download(timeout=WAIT) as started:
        tab.get_by_role("link", name="point_cloud-converted.ply").click()
    started.value.save_as(tmp_path / "again.ply")
    assert len(splatzip.load(tmp_path / "again.ply")) == facts["splats"]

    unfold(tab, tab.get_by_role("tab", name="Understand"))
    tab.locator("#views").wait_for(state="visible", timeout=WAIT)
    tab.locator("#quality").get_by_text("12 orbit views").wait_for(timeout=WAIT)
    pose = tab.evaluate(f"{LOOK}.pose.position")
    tab.locator("#views").get_by_text(re.compile(r"orbit \d+")).locator("visible=true").first.click()
    tab.wait_for_function(f"{LOOK}.pose.position[0] !== {pose[0]}", timeout=WAIT)
    tab.get_by_text("Attributes before and after").click()
    tab.locator("#histograms svg").first.wait_for(state="visible", timeout=WAIT)
    assert tab.locator("#bytes table").count() == 2
    stop = tab.get_by_role("button", name="Stop", exact=True)
    with server.held():
        tab.locator("#curve-go").click()
        stop.wait_for(state="visible", timeout=WAIT)
    tab.locator("#curve circle").first.wait_for(state="attached", timeout=WAIT)
    stop.evaluate_all("(there) => there.forEach((button) => button.click())")  # so few splats may be done by then
    tab.wait_for_function("!document.querySelector('#curve-go').disabled", timeout=WAIT)
    tab.get_by_role("tab", name="As in a browser").click()
    client = tab.frame_locator("#client iframe").locator("splat-zip")
    client.wait_for(state="attached", timeout=WAIT)
    client.evaluate("() => { window.isTheSame = true; }")
    tab.get_by_role("tab", name="Compress").click()
    seen = tab.evaluate(f"{LOOK}.state.goes")
    tab.locator("#convert").click()
    tab.wait_for_function(f"{LOOK}.state.goes > {seen}", timeout=WAIT)
    tab.get_by_role("tab", name="As in a browser").click()
    client.locator("visible=true").wait_for(timeout=WAIT)
    assert client.evaluate("() => window.isTheSame")  # not loaded again: the camera stays where it was


def test_choices_are_what_the_method_can_do_and_the_command_says_them(tab, small):
    unfold(tab, tab.get_by_role("tab", name="Compress"))
    wait_for_command(tab, "small.splatz --preset balanced")
    target = tab.locator("#target")
    target.get_by_text("quality", exact=True).click()
    quality = tab.get_by_label("number input for PSNR against the source, dB")
    quality.click()
    tab.keyboard.press("Control+a")
    tab.keyboard.type("4")  # less than the least, and no reason to complain
    wait_for_command(tab, "--preset balanced --quality 30")
    tab.keyboard.type("1.5")
    tab.keyboard.press("Tab")
    wait_for_command(tab, "--preset balanced --quality 41.5")
    tab.get_by_label("take the closest result").click()
    wait_for_command(tab, "--preset balanced --quality 41.5 --best-effort")
    target.get_by_text("loss on photos", exact=True).click()
    wait_for_command(tab, f"--preset balanced --views {small.parent} --best-effort --max-loss 0.3")
    tab.get_by_label("take the closest result").click()
    loss = tab.get_by_role("slider", name="range slider for Most PSNR to lose on the capture's photos, dB")
    loss.focus()
    tab.keyboard.press("ArrowLeft")
    wait_for_command(tab, f"--views {small.parent} --max-loss 0.25")
    target.get_by_text("none", exact=True).click()
    wait_for_command(tab, "--preset balanced")
    tab.get_by_label("Also use the capture's cameras").click()
    wait_for_command(tab, f"--preset balanced --views {small.parent}")
    tab.get_by_label("Also learn from its photos").click()
    wait_for_command(tab, f"--preset balanced --views {small.parent} --photos")
    tab.get_by_label("Also learn from its photos").click()
    tab.get_by_label("Use no other cameras").click()
    wait_for_command(tab, f"--views {small.parent} --no-pseudo-views")
    tab.get_by_role("radio", name="1", exact=True).click()
    wait_for_command(tab, f"--preset balanced --views {small.parent} --degree 1 --no-pseudo-views")
    unfold(tab, tab.locator("#pruning button").first)
    choose(tab, tab.get_by_label("Splats to remove"), "60 %")
    tab.get_by_label("Also remove splats that no view sees").check()
    wait_for_command(tab, "--degree 1 --prune 0.6 --no-pseudo-views --drop-unseen")

    method = tab.locator("#method input")
    choose(tab, method, "fast")
    wait_for_command(tab, f"--preset fast --views {small.parent} --degree 1")
    wait_until(lambda: target.get_by_role("radio").count() == 2)
    target.get_by_text("quality", exact=True).click()
    tab.get_by_label("Verify by rendering").click()
    wait_for_command(tab, f"--preset fast --views {small.parent} --quality 41.5 --degree 1 --verify")
    choose(tab, method, "omg (published)")
    wait_for_command(tab, f"--recipe omg --views {small.parent}")
    target.wait_for(state="hidden", timeout=WAIT)
    choose(tab, method, "lossless")
    wait_for_command(tab, f"--preset lossless --views {small.parent}")


def test_a_size_and_a_loss_on_photos_are_met_and_the_command_writes_the_same(tab, server, small, tmp_path):
    made = server.folder(tab.evaluate(f"{LOOK}.state.token")) / "small.splatz"
    unfold(tab, tab.get_by_role("tab", name="Compress"))
    tab.locator("#target").get_by_text("size", exact=True).click()
    type_in(tab, tab.locator("#size input[type=number]"), "15")
    wait_for_command(tab, "--size 15KB")
    compressed(tab, server)
    assert 14_000 < splatzip.info(made)["bytes"] <= 15_000
    tab.locator("#facts").get_by_text("Measured by the encoder").wait_for(state="attached", timeout=WAIT)

    tab.locator("#target").get_by_text("loss on photos", exact=True).click()
    wait_for_command(tab, "--max-loss 0.3")
    compressed(tab, server)
    assert splatzip.info(made)["settings"]["target_loss_db"] == "0.3"
    words = shlex.split(command_of(tab))
    subprocess.run([Path(sys.executable).with_name("splatzip"), *words[1:]], cwd=tmp_path, check=True)
    assert (tmp_path / "small.splatz").read_bytes() == made.read_bytes()


def type_in(tab: Any, field: Any, text: str) -> None:
    field.wait_for(state="visible")
    field.fill(text)
    field.press("Tab")


def compressed(tab: Any, server: Server) -> None:
    """Compress as it is chosen, and wait until the result is shown."""
    seen = tab.evaluate(f"{LOOK}.state.goes")
    with server.held():
        tab.locator("#compress").click()
        tab.locator(".progress").wait_for(state="visible", timeout=WAIT)
    tab.wait_for_function(f"{LOOK}.state.goes > {seen} && {LOOK}.state.test === 'small.splatz'", timeout=LONG_WAIT)


def test_a_folder_of_sog_files_can_be_dropped(tab, small, tmp_path):
    splatzip.save(splatzip.load(small), tmp_path / "small.sog")
    with zipfile.ZipFile(tmp_path / "small.sog") as packed:
        packed.extractall(tmp_path / "pieces")
    box = tab.locator("#open-ref .drop").bounding_box()
    data = {"items": [], "files": [str(tmp_path / "pieces")], "dragOperationsMask": 1}
    hand = tab.context.new_cdp_session(tab)
    for kind in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": kind, "x": box["x"] + 20, "y": box["y"] + 20, "data": data})
    tab.wait_for_function(f"{LOOK}.state.ref === 'pieces.sog'", timeout=WAIT)
    tab.locator("#open-ref input[type=file]").set_input_files([small, CHAIR])
    tab.locator("#open-ref").get_by_text("There are several scenes here").wait_for(timeout=WAIT)
    tab.locator("#open-ref input[type=file]").set_input_files(sorted((tmp_path / "pieces").iterdir()))
    tab.wait_for_function(f"{LOOK}.state.ref === 'scene.sog'", timeout=WAIT)


def test_memory_stays_bounded_while_fifty_scenes_are_opened_and_closed(tab, server, small):
    sizes = []
    for opened in range(2, 52):
        tab.locator("#open-ref input[type=file]").set_input_files(small)
        tab.wait_for_function(f"{LOOK}.state.opened === {opened} && {LOOK}.isFull", timeout=WAIT)
        sizes.append(server.resident_bytes())
    assert len(list(server.folder(tab.evaluate(f"{LOOK}.state.token")).iterdir())) == 1
    peaks = np.maximum.accumulate(sizes)  # allocators take some at once; a scene that stays takes it every time
    assert np.count_nonzero(np.diff(peaks) > small.stat().st_size / 2) < 25


def test_nothing_of_it_needs_torch_or_open3d_and_what_does_says_so(server):
    """The server of these tests has neither, and its pages are told of everything else in them."""
    environment = {**os.environ, "PYTHONPATH": str(server.temporary / "alone"), "SPLATZIP_TEST_OUTSIDE": "/dev/full"}
    code = (
        "import splatzip, numpy as np\n"
        "scene = splatzip.Scene(positions=np.zeros((1, 3)), log_scales=np.zeros((1, 3)), rotations=np.ones((1, 4)),\n"
        "                       opacity_logits=np.zeros(1), sh=np.zeros((1, 1, 3)))\n"
        "for use in (splatzip.to_open3d, lambda one: splatzip.render(one, None, backend='gsplat')):\n"
        "    try: use(scene)\n"
        "    except splatzip.BackendError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=server.temporary, capture_output=True, text=True, check=True
    )  # not where sources lie: what is installed is asked
    of_open3d, of_torch = said.stdout.splitlines()
    assert "pip install 'splatzip[open3d]'" in of_open3d
    assert "torch is not installed; pip install 'splatzip[gsplat]'" in of_torch


def test_below_a_path_of_a_proxy_the_page_finds_everything(chromium, server, small):
    tab = chromium.new_context(viewport={"width": 1200, "height": 800}).new_page()
    asked, complaints = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    with below_a_path(server.address) as address:
        go(tab, address)
        tab.locator("#open-ref input[type=file]").set_input_files(small)
        tab.wait_for_function(f"{LOOK}.state.opened === 2 && {LOOK}.isFull", timeout=WAIT)
        unfold(tab, tab.get_by_role("tab", name="Compress"))
        choose(tab, tab.locator("#method input"), "fast")
        wait_for_command(tab, "--preset fast")
        compressed(tab, server)
        with tab.expect_download(timeout=WAIT) as started:
            tab.get_by_role("link", name="small.splatz").click()
        assert splatzip.info(started.value.path())["splats"] == 2000
        tab.get_by_role("tab", name="As in a browser").click()
        client = tab.frame_locator("#client iframe").locator("splat-zip")
        client.wait_for(state="attached", timeout=WAIT)
        assert client.evaluate("(element) => element.tagName") == "SPLAT-ZIP"
        tab.context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((address, "blob:", "data:"))] == []


def test_keys_reach_the_controls_in_the_view_and_are_let_go_with_the_focus(tab, small):
    tab.locator("#open-test input[type=file]").set_input_files(small)
    tab.wait_for_function(f"{LOOK}.state.test && {LOOK}.isFull", timeout=WAIT)
    stage = tab.locator(".look-stage")
    assert tab.get_by_role("slider", name="Where the original ends").get_attribute("aria-valuenow") == "50"
    pose = tab.evaluate(f"{LOOK}.pose.position")
    tab.get_by_role("radio", name="Error", exact=True).click()
    assert tab.get_by_role("radio", name="Depth").is_disabled()  # it is of the colour, and nothing jumps
    tab.get_by_label("Error of the lightest colour").press("ArrowUp")
    assert tab.evaluate(f"[{LOOK}.levels, {LOOK}.pose.position]") == [8, pose]
    tab.get_by_role("radio", name="Flip", exact=True).click()
    original = tab.get_by_role("button", name="Hold to see the original")
    for element, key in ((stage, "f"), (original, "f"), (original, "Space"), (original, "Enter")):
        element.focus()
        tab.keyboard.down(key)
        assert tab.evaluate(f"{LOOK}.flipped"), key
        tab.get_by_role("button", name="Reset view").focus()
        tab.keyboard.up(key)
        assert not tab.evaluate(f"{LOOK}.flipped"), key


def test_the_choice_of_up_is_what_the_view_has(tab, small):
    up = tab.get_by_role("combobox", name="Up")
    for leave in (
        lambda: tab.locator(".look-stage").press("r"),
        lambda: tab.locator("#open-ref input[type=file]").set_input_files(small),
    ):
        up.select_option("x")
        assert tab.evaluate(f"{LOOK}.pose.up") == [1, 0, 0]
        leave()
        tab.wait_for_function(f"{LOOK}.pose?.up[0] !== 1", timeout=WAIT)
        assert up.input_value() == ""


def test_paths_and_addresses_given_to_gradio_are_refused(tab, address, small):
    asked = tab.request
    for below in (f"gradio_api/file={small}", "gradio_api/file=/etc/passwd", "splatzip/x/files/..%2f..%2fetc%2fpasswd"):
        assert asked.get(f"{address}{below}").status in (400, 403, 404)
    assert asked.post(f"{address}gradio_api/upload", multipart={"files": str(small)}).status == 404
    for path in (str(small), "/etc/passwd", "http://127.0.0.1:1/x.ply"):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        for fn_index in range(3):
            body = {"fn_index": fn_index, "data": [file], "session_hash": "mine"}
            assert asked.post(f"{address}gradio_api/queue/join", data=body).status == 403
    assert asked.post(f"{address}gradio_api/run/predict", data={"fn_index": 0, "data": []}).status == 404


def test_a_password_is_asked_for_and_nothing_shown_without(small):
    environment = {**os.environ, "SPLATZIP_AUTH": "me:secret"}
    command = [Path(sys.executable).with_name("splatzip"), "view", small, "--host", "0.0.0.0", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server, ExitStack() as at_end:
        at_end.callback(server.terminate)
        assert server.stdout is not None
        address = re.search(r"http://\S+", server.stdout.readline())[0]

        port = address.rstrip("/").rpartition(":")[2]
        address = f"http://127.0.0.1:{port}/"

        def status(below: str) -> int:
            asked = urllib.request.Request(address + below, headers={"host": f"my-server.example:{port}"})
            try:
                with urllib.request.urlopen(asked, timeout=60) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                return error.code

        assert status("splatzip/first.jpg") in (404, 503)
        deadline = time.monotonic() + 120
        while urllib.request.urlopen(f"{address}splatzip/ready").read() != b"yes":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert status("config") == 401
        form = urllib.parse.urlencode({"username": "me", "password": "wrong"}).encode()
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(f"{address}login", form)
        form = urllib.parse.urlencode({"username": "me", "password": "secret"}).encode()
        assert urllib.request.urlopen(f"{address}login", form).status == 200


def test_hands_move_the_camera_that_the_server_draws_from(tab):
    pose = Pose((1.0, -2.0, -5.0), (0.2, 0.1, 0.3), (0.0, -1.0, 0.0), 50.0)
    points = np.array([[0.2, 0.1, 0.3], [1.0, 0.5, 0.0], [-0.5, -1.0, 2.0]])
    moved = tab.evaluate(
        """async ([pose, points]) => {
            const look = await import(new URL('splatzip/look/pose.js', document.baseURI));
            const changed = { none: pose, orbited: look.orbited(pose, 0.4, 0.2), panned: look.panned(pose, 0.25, 0),
                              zoomed: look.zoomed(pose, 0.5, 1), flown: look.flown(pose, 0, 0, 0.5) };
            return Object.fromEntries(Object.entries(changed).map(
                ([name, one]) => [name, [one, look.projected(one, points, 640 / 480)]]));
        }""",
        [pose.to_json(), points.tolist()],
    )
    distance = {}
    for name, (values, projected) in moved.items():
        camera = Pose.from_json(values).camera(640, 480)
        seen = points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
        pixels = seen[:, :2] / seen[:, 2:] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
        np.testing.assert_allclose(np.array(projected) * [640, 480], pixels, atol=1e-6)
        distance[name] = np.linalg.norm(np.subtract(values["position"], values["target"]))
    target = {name: projected[0] for name, (_, projected) in moved.items()}
    assert target["none"] == target["orbited"] == target["zoomed"] == pytest.approx([0.5, 0.5])
    assert target["panned"] == pytest.approx([0.5 + 0.25 * 480 / 640, 0.5])  # what was dragged is where the hand is
    assert distance["orbited"] == pytest.approx(distance["none"])
    assert distance["zoomed"] == pytest.approx(distance["none"] / 2)
    assert distance["flown"] == pytest.approx(distance["none"])
