"""The tab that opens scenes and says what is known of them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr

from splatzip import SplatzipError
from splatzip_viewer.facts import facts_table
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.page import EVENT, Page, problem
from splatzip_viewer.sessions import Session

SUFFIXES = [".splatz", ".ply", ".spz", ".sog", ".splat", ".ksplat", ".glb", ".gltf"]
_SAMPLE = Path(__file__).resolve().parents[3] / "datasets/samples/chair/point_cloud.ply"


class Opening:
    """Scene: two places to drop files, and a table."""

    def __init__(self) -> None:
        with gr.Row():
            self._ref = gr.File(label="Open a scene", file_types=SUFFIXES, height=132, elem_id="open-ref")
            self._test = gr.File(label="Compare it with", file_types=SUFFIXES, height=132, elem_id="open-test")
        self._sample = gr.Button("Open the sample, a chair", size="sm", visible=_SAMPLE.is_file())
        self._message = gr.HTML("", elem_id="open-message")
        self._facts = gr.HTML("", elem_id="facts")

    def register(self, page: Page) -> None:
        """What shows the session."""
        page.shows(self._facts, lambda session: facts_table(session.scenes))

    def wire(self, page: Page) -> None:
        """What happens."""

        def open_ref(file: str | None, request: gr.Request) -> list[Any]:
            return self._open(page.session(request), file, as_test=False)

        def open_test(file: str | None, request: gr.Request) -> list[Any]:
            return self._open(page.session(request), file, as_test=True)

        def open_sample(request: gr.Request) -> list[Any]:
            session = page.session(request)
            session.open_ref(OpenScene.load(_SAMPLE, "chair.ply"))
            return [None, None, ""]

        outputs = [self._ref, self._test, self._message]
        opens = [
            self._ref.upload(open_ref, self._ref, outputs, **EVENT),
            self._test.upload(open_test, self._test, outputs, **EVENT),
            self._sample.click(open_sample, None, outputs, **EVENT),
        ]
        for event in opens:
            page.refreshing(event)

    def _open(self, session: Session, file: str | None, *, as_test: bool) -> list[Any]:
        try:
            if file is not None:
                if as_test and session.ref is None:
                    raise SplatzipError("open the scene that it is to be compared with first")
                scene = _taken(session, Path(file))
                session.open_test(scene) if as_test else session.open_ref(scene)
        except (SplatzipError, OSError, MemoryError) as error:
            words = str(error) or "not enough memory for this scene"
            return [None, None, problem(words)]
        return [None, None, ""]


def _taken(session: Session, received: Path) -> OpenScene:
    """Open a file that Gradio has received; it lives with the session from then on, or goes."""
    folder = Path(tempfile.mkdtemp(prefix="in-", dir=session.folder))
    kept = folder / received.name
    shutil.move(received, kept)
    try:
        return OpenScene.load(kept)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
