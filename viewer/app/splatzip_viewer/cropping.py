"""Crops the scene to a box, like `splatzip transform --crop`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from splatzip import SplatzipError, save, transform
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.sessions import Session
from splatzip_viewer.tabs import EVENT, Page, look_state, problem

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
            self._message = gr.HTML("")
            with gr.Row():
                self._show = gr.Button("Show the box", size="sm", min_width=80)
                self._crop = gr.Button("Crop the scene", size="sm", min_width=80, elem_id="crop-go")

    def register(self, page: Page) -> None:
        """What shows the session."""
        for number, corner in enumerate(self._corners):
            page.shows(corner, partial(_bound, number=number))

    def wire(self, page: Page) -> None:
        """What happens."""

        def show(given: dict[Any, Any], request: gr.Request) -> list[Any]:
            return [look_state(page.session(request), box=self._box(given)), ""]

        def crop(given: dict[Any, Any], request: gr.Request) -> list[Any]:
            session = page.session(request)
            try:
                box = self._box(given)
                if session.ref is None or box is None:
                    raise SplatzipError("open a scene and give two corners")
                session.open_ref(_cropped(session, session.ref, box), session.capture)
            except (SplatzipError, OSError) as error:
                return [gr.skip(), problem(str(error))]
            return [look_state(session), ""]

        def hide(request: gr.Request) -> dict[str, Any]:
            return look_state(page.session(request))

        outputs = [page.look, self._message]
        self._accordion.collapse(hide, None, page.look, **EVENT)
        self._show.click(show, set(self._corners), outputs, **EVENT)
        page.refreshing(self._crop.click(crop, set(self._corners), outputs, **EVENT))

    def _box(self, given: Mapping[Any, Any]) -> list[float] | None:
        """Two opposite corners, of what was typed; None if a number is missing."""
        corners = [given[corner] for corner in self._corners]
        return None if any(value is None for value in corners) else [float(value) for value in corners]


def _bound(session: Session, number: int) -> Any:
    """The bounds of a scene that was opened just now; what was typed for it stays."""
    if session.ref is None or not session.is_first(f"bound {number}"):
        return gr.skip()
    positions = session.ref.known.positions[:, number % 3]
    end = positions.min() if number < 3 else positions.max()
    outward = np.floor if number < 3 else np.ceil
    return float(outward(1000 * (float(end) + session.ref.known.origin[number % 3])) / 1000)


def _cropped(session: Session, source: OpenScene, box: list[float]) -> OpenScene:
    """What is inside, as a float PLY of the session.

    Raises: SceneError if nothing is.
    """
    inside = transform(source.scene, crop=box)
    folder = Path(tempfile.mkdtemp(prefix="in-", dir=session.folder))
    path = folder / f"{source.path.name.partition('.')[0]}-cropped.ply"
    save(inside, path)
    return OpenScene.load(path, device=session.device)
