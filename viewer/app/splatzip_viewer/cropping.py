"""Crops the scene to a box, like `splatzip transform --crop`.

The box is always one of the whole scene: cropping again may bring back what cropping took away.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr

from splatzip import SplatzipError, load, save, transform
from splatzip_viewer.choosing import made_name
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.sessions import Session, Whole
from splatzip_viewer.tabs import EVENT, Page, look_state, problem
from splatzip_viewer.worker import words_of

_AXES = "xyz"


class Cropping:
    """Crop box."""

    def __init__(self) -> None:
        with gr.Accordion("Crop box", open=False, elem_id="crop-box") as self._accordion:
            self._corners = []
            for end in ("from", "to"):
                with gr.Row():
                    self._corners += [
                        gr.Number(None, label=f"{axis} {end}", precision=4, min_width=60, elem_id=f"crop-{axis}-{end}")
                        for axis in _AXES
                    ]
            self._message = gr.HTML("", elem_id="crop-message")
            with gr.Row():
                self._crop = gr.Button("Crop the scene", size="sm", min_width=80, elem_id="crop-go")
                self._uncrop = gr.Button("Whole scene", size="sm", min_width=80, visible=False, elem_id="crop-undo")

    def register(self, page: Page) -> None:
        """What shows the session."""
        for number, corner in enumerate(self._corners):
            page.shows(corner, partial(_bound, number=number))
        page.shows(self._message, lambda session: "" if session.is_first("crop") else gr.skip())
        page.shows(self._uncrop, lambda session: gr.update(visible=session.whole is not None))

    def wire(self, page: Page) -> None:
        """What happens."""

        def show(given: dict[Any, Any], request: gr.Request) -> dict[str, Any]:
            session = page.session(request)
            session.box = self._box(given)
            return look_state(session)

        def hide(request: gr.Request) -> dict[str, Any]:
            session = page.session(request)
            session.box = None
            return look_state(session)

        def crop(given: dict[Any, Any], request: gr.Request) -> str:
            return _said(_crop, page.session(request), self._box(given))

        def uncrop(request: gr.Request) -> str:
            return _said(_uncrop, page.session(request))

        corners = set(self._corners)
        self._accordion.expand(show, corners, page.look, **EVENT)
        self._accordion.collapse(hide, None, page.look, **EVENT)
        typed = [corner.input for corner in self._corners]
        gr.on(typed, show, corners, page.look, trigger_mode="always_last", **EVENT)
        page.refreshing(self._crop.click(crop, corners, self._message, **EVENT))
        page.refreshing(self._uncrop.click(uncrop, None, self._message, **EVENT))

    def _box(self, given: Mapping[Any, Any]) -> list[float] | None:
        """Two opposite corners, of what was typed; None if a number is missing."""
        corners = [given[corner] for corner in self._corners]
        return None if any(value is None for value in corners) else [float(value) for value in corners]


def _bound(session: Session, number: int) -> Any:
    """The bounds of a scene that was opened just now; what was typed for it stays, also when it is cropped."""
    if session.ref is None or not session.is_first(f"bound {number}", of=session.homes):
        return gr.skip()
    return session.ref.bounds[number]


def _said(what: Any, *given: Any) -> str:
    """Do it, and say what went wrong."""
    try:
        what(*given)
    except (SplatzipError, OSError) as error:
        return problem(words_of(error))
    return ""


def _crop(session: Session, box: list[float] | None) -> None:
    """Open what is inside, as a float PLY of the session.

    Raises: SceneError if nothing is; SplatzipError, OSError.
    """
    source, whole = session.ref, session.whole
    if source is None:
        raise SplatzipError("open a scene first")
    if box is None:
        raise SplatzipError("fill in all six numbers")
    scene = source.scene if whole is None else load(whole.path, axes=whole.axes)
    uncropped = whole or source
    with session.work_folder("in-") as folder:
        path = folder / made_name(uncropped.path.name, "-cropped.ply")
        save(transform(scene, crop=box), path)
        part = OpenScene.load(path, device=session.device)
        of = Whole(uncropped.path, uncropped.name, uncropped.axes, tuple(box))
        session.open_ref(part, session.capture, home=session.home, whole=of)


def _uncrop(session: Session) -> None:
    whole = session.whole
    if whole is None:
        return
    scene = OpenScene.load(whole.path, whole.name, axes=whole.axes, device=session.device)
    session.open_ref(scene, session.capture, home=session.home)
