"""Mouse, fingers and keyboard, and the address that follows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import splatzip
from splatzip import SceneMeta

pytestmark = pytest.mark.browser

POSE = "(() => document.querySelector('splat-zip').viewer.controls.pose)()"


@pytest.fixture
def viewer(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz", width=800, height=500)
    page.wait("state.phase === 'complete'")
    return page


def position(viewer) -> np.ndarray:
    return np.array(viewer.tab.evaluate(POSE)["position"])


def target(viewer) -> np.ndarray:
    return np.array(viewer.tab.evaluate(POSE)["target"])


def drag(viewer, dx: int, dy: int, **options: str) -> None:
    mouse = viewer.tab.mouse
    mouse.move(400, 250)
    mouse.down(**options)
    mouse.move(400 + dx, 250 + dy, steps=4)
    mouse.up(**options)


def test_the_scene_is_framed(viewer, scene):
    middle = np.median(scene.positions, axis=0)
    away = np.linalg.norm(position(viewer) - middle)
    assert np.linalg.norm(target(viewer) - middle) < 0.5
    assert 1 < away < 6


def test_dragging_turns_and_keeps_the_distance(viewer):
    before = position(viewer)
    drag(viewer, 120, 0)
    after = position(viewer)
    turned = (before - target(viewer)) @ (after - target(viewer))
    assert np.linalg.norm(after - target(viewer)) == pytest.approx(np.linalg.norm(before - target(viewer)))
    assert turned < 0.9 * np.sum((before - target(viewer)) ** 2)


def test_what_is_dragged_with_the_right_button_follows_the_pointer(viewer):
    before = target(viewer)
    drag(viewer, 100, 0, button="right")
    assert np.linalg.norm(target(viewer) - before) > 0.1


def test_the_wheel_comes_nearer(viewer):
    before = np.linalg.norm(position(viewer) - target(viewer))
    viewer.tab.mouse.move(400, 250)
    viewer.tab.mouse.wheel(0, -200)
    viewer.until(lambda: np.linalg.norm(position(viewer) - target(viewer)) < 0.9 * before)


def test_flying_turns_the_look_and_walks_where_it_leads(viewer):
    viewer.tab.get_by_role("button", name="Orbit or fly (F)").click()
    place, aim = position(viewer), target(viewer)
    drag(viewer, 120, 30)
    np.testing.assert_allclose(position(viewer), place, atol=1e-6)
    ahead = target(viewer) - place
    assert np.linalg.norm(target(viewer) - aim) > 0.2
    viewer.tab.keyboard.press("w")
    walked = position(viewer)
    moved = walked - place
    assert moved @ ahead == pytest.approx(np.linalg.norm(moved) * np.linalg.norm(ahead))
    viewer.tab.mouse.wheel(0, -200)
    viewer.until(lambda: (position(viewer) - walked) @ ahead > 0.1 * ahead @ ahead)


def test_the_button_leads_back_to_the_start_wherever_the_camera_went(viewer):
    before = viewer.still_picture()
    start = position(viewer)
    drag(viewer, 150, 40)
    assert viewer.tab.evaluate(
        "document.querySelector('splat-zip').shadowRoot.activeElement.matches(':not(:focus-visible)')"
    )
    drag(viewer, 60, 60, button="right")
    near = np.linalg.norm(position(viewer) - target(viewer))
    viewer.tab.mouse.wheel(0, 300)
    viewer.until(lambda: np.linalg.norm(position(viewer) - target(viewer)) > 1.1 * near)
    assert np.linalg.norm(position(viewer) - start) > 0.1
    viewer.tab.get_by_role("button", name="Reset the view (R)").click()
    np.testing.assert_allclose(position(viewer), start)
    assert np.abs(viewer.still_picture() - before).mean() < 0.01


def test_the_first_look_is_that_of_the_files_opening_camera_and_of_whoever_knows_better(server, opened, scene):
    camera = {"position": [0.5, -1, -3], "target": [0.1, 0.2, 0], "up": [0, -1, 0.2], "fov_y_degrees": 35}
    server.files["said.splatz"] = splatzip.compress(replace(scene, meta=SceneMeta(camera=camera)), preset="fast")
    page = opened(f"{server.address}/?src=said.splatz")
    page.wait("state.phase === 'complete'")
    np.testing.assert_allclose(position(page), camera["position"], atol=1e-6)
    np.testing.assert_allclose(target(page), camera["target"], atol=1e-6)
    assert page.tab.evaluate(POSE)["fovDegrees"] == 35
    upright = opened(f"{server.address}/?src=said.splatz&up=z")
    upright.wait("state.phase === 'complete'")
    assert upright.tab.evaluate(POSE)["up"] == [0, 0, 1]


def test_a_scene_on_its_side_can_be_turned_upright(viewer):
    ups = [viewer.tab.evaluate(POSE)["up"]]
    viewer.tab.keyboard.press("Tab")
    viewer.tab.keyboard.press("u")
    ups.append(viewer.tab.evaluate(POSE)["up"])
    assert ups == [[0, -1, 0], [0, 0, 1]]
    turned = position(viewer)
    assert turned[2] > target(viewer)[2]
    viewer.tab.keyboard.press("ArrowLeft")
    viewer.tab.keyboard.press("r")
    np.testing.assert_allclose(position(viewer), turned, atol=1e-6)


def test_everything_can_be_done_from_the_keyboard(viewer):
    tab = viewer.tab
    start = position(viewer)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.querySelector('splat-zip').shadowRoot.activeElement.tagName") == "CANVAS"
    for key in ("ArrowLeft", "Equal", "KeyW", "KeyE"):
        before = position(viewer)
        tab.keyboard.press(key)
        assert np.linalg.norm(position(viewer) - before) > 1e-3, key
    tab.keyboard.press("f")
    assert viewer.state()["mode"] == "fly"
    tab.keyboard.press("r")
    assert position(viewer) == pytest.approx(start)


def test_the_address_leads_back_to_the_view(viewer, server, opened):
    drag(viewer, 90, 40)
    viewer.tab.wait_for_function("location.href === document.querySelector('splat-zip').viewer.link")
    again = opened(viewer.tab.evaluate("location.href"), width=800, height=500)
    again.wait("state.phase === 'complete'")
    np.testing.assert_allclose(position(again), position(viewer), rtol=1e-3, atol=1e-3)
    assert np.abs(again.still_picture() - viewer.still_picture()).mean() < 0.01


def test_links_in_their_own_page_and_its_history_are_followed_and_the_start_leaves_no_camera_there(viewer):
    def reaches(*place: float) -> None:
        viewer.until(lambda: position(viewer) == pytest.approx(place), words=lambda: str(position(viewer)))

    viewer.tab.evaluate("location.hash = 'camera=1,-2,-6,0,0.5,0,0,-1,0,40'")
    reaches(1, -2, -6)
    viewer.tab.evaluate("location.hash = 'camera=2,-1,-6,0,0.5,0,0,-1,0,40'")
    reaches(2, -1, -6)
    viewer.tab.go_back()
    reaches(1, -2, -6)
    viewer.tab.go_forward()
    reaches(2, -1, -6)
    viewer.tab.keyboard.press("Tab")
    viewer.tab.keyboard.press("r")
    viewer.until(lambda: "camera" not in viewer.tab.evaluate("location.href"))  # `url` is what Playwright heard last


@pytest.fixture
def touched(server, opened):
    page = opened(f"{server.address}/?src=scene.splatz", has_touch=True)
    page.wait("state.phase === 'complete'")
    return page


def touch(viewer, *moments: list[tuple[int, int]]) -> None:
    """Fingers at these places, one moment after the other, and away."""
    session = viewer.tab.context.new_cdp_session(viewer.tab)
    kinds = ["touchStart", *["touchMove"] * (len(moments) - 1), "touchEnd"]
    for kind, places in zip(kinds, [*moments, []], strict=True):
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_one_finger_turns(touched):
    before, aim = position(touched), target(touched)
    touch(touched, [(200, 150)], [(230, 150)], [(280, 160)])
    np.testing.assert_allclose(target(touched), aim)
    assert np.linalg.norm(position(touched) - before) > 0.3


def test_two_fingers_pinch(touched):
    before = np.linalg.norm(position(touched) - target(touched))
    touch(touched, *([(200 - spread, 150), (200 + spread, 150)] for spread in (30, 50, 90)))
    assert np.linalg.norm(position(touched) - target(touched)) < 0.6 * before


def test_two_fingers_shift_what_follows_them(touched):
    before, away = target(touched), position(touched) - target(touched)
    touch(touched, *([(150 + x, 150), (220 + x, 150)] for x in (0, 20, 50)))
    assert np.linalg.norm(target(touched) - before) > 0.1
    np.testing.assert_allclose(position(touched) - target(touched), away, rtol=0.1)


def test_a_hidden_page_draws_nothing(viewer):
    tab = viewer.tab
    tab.evaluate(
        """() => {
            window.frames_drawn = 0;
            const { viewer } = document.querySelector('splat-zip');
            viewer.onComplete = () => window.frames_drawn++;
            Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
            document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    before = settled_count(viewer)
    tab.evaluate("document.querySelector('splat-zip').viewer.controls.reset()")
    drag(viewer, 50, 0)
    assert settled_count(viewer) == before


def settled_count(viewer) -> int:
    """Pictures drawn, once half a second has passed without another: what was asked for before still comes."""
    seen = [-1]

    def rests() -> bool:
        viewer.tab.wait_for_timeout(500)
        seen.append(viewer.tab.evaluate("frames_drawn"))
        return seen[-1] == seen[-2]

    viewer.until(rests, words=lambda: f"pictures never stop: {seen}")
    return seen[-1]
