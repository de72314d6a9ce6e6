"""What visitors do with the page of the viewer, in a real browser."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image
from viewer_server import WAIT, wait_until

LONG_WAIT = 600_000  # for a whole scene that is compressed, beside other tests
LOOK = "document.querySelector('.look-slot').splatzipLook"


def go(page: Any, address: str) -> None:
    """Open the viewer and wait for its first full picture."""
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.wait_for_function(f"document.querySelector('.look-slot') && {LOOK}?.isFull", timeout=WAIT)


def command_of(tab: Any) -> str:
    """The command line that is shown."""
    return " ".join(tab.locator("#command .cm-content").inner_text().split())


def wait_for_command(tab: Any, end: str) -> None:
    wait_until(lambda: command_of(tab).endswith(end), words=lambda: command_of(tab))


def picture(tab: Any) -> np.ndarray:
    """(H, W, 3) what the view shows at rest."""
    tab.wait_for_function(f"{LOOK}.isFull && !{LOOK}.isBusy", timeout=WAIT)
    return np.asarray(Image.open(io.BytesIO(tab.locator(".look-stage canvas").screenshot())).convert("RGB"), float)


def drag(tab: Any, x: int, y: int) -> None:
    box = tab.locator(".look-stage").bounding_box()
    middle = box["x"] + box["width"] / 4, box["y"] + box["height"] / 3
    tab.mouse.move(*middle)
    tab.mouse.down()
    tab.mouse.move(middle[0] + x, middle[1] + y, steps=6)
    tab.mouse.up()


def unfold(tab: Any, place: Any) -> None:
    """Open a tab or what is folded; Gradio sets what is in it once more before the next picture of the page."""
    place.click()
    tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def choose(tab: Any, list_of: Any, name: str) -> None:
    list_of.click()
    tab.get_by_role("option", name=name, exact=True).click()
