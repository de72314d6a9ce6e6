"""The tab that opens scenes and lists the facts about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from splatzip_viewer.facts import facts_table
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.tabs import EVENT, Page, look_state

SUFFIXES = (
    *(".splatz", ".ply", ".spz", ".sog", ".splat", ".ksplat", ".glb", ".gltf"),
    *(".usdz", ".usd", ".usda", ".usdc"),
)
_SAMPLE = Path(__file__).resolve().parents[3] / "datasets/samples/chair/point_cloud.ply"  # in a clone, not in a wheel
_MOUNT = """import(new URL('splatzip/look/drop.js', document.baseURI)).then(({ drop }) =>
    drop(element.querySelector('.drop-slot'), () => props.value, (changed) => watch('value', changed),
        () => trigger('arrived')));"""


class Opening:
    """Scene: two places to drop files, and a table."""

    def __init__(self) -> None:
        with gr.Row():
            self._ref = _place("ref", "Open a scene")
            self._test = _place("test", "Compare it with")
        self._sample = gr.Button("Open the sample, a chair", size="sm", visible=_SAMPLE.is_file())
        self._facts = gr.HTML("", elem_id="facts")

    def register(self, page: Page) -> None:
        """What shows the session."""
        page.shows(self._facts, lambda session: facts_table(session.scenes))
        for place in (self._ref, self._test):
            page.shows(place, look_state)

    def wire(self, page: Page) -> None:
        """What happens."""

        def open_sample(request: gr.Request) -> None:
            session = page.session(request)
            session.open_ref(OpenScene.load(_SAMPLE, "chair.ply", device=session.device))

        for event in (self._ref.arrived, self._test.arrived):  # the server has opened it already
            page.refreshing(event(lambda: None, None, None, **EVENT))
        page.refreshing(self._sample.click(open_sample, None, None, **EVENT))


def _place(what: str, label: str) -> Any:
    slot = f'<div class="drop-slot" data-what="{what}" data-label="{label}" data-suffixes="{",".join(SUFFIXES)}"></div>'
    return gr.HTML({}, html_template=slot, js_on_load=_MOUNT, elem_id=f"open-{what}", min_width=130)
