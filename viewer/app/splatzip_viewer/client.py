"""The tab that shows the scene as in any visitor's browser: with the web client, served from here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from splatzip import SplatzipError
from splatzip_viewer.jobs import Cancelled, Job
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.sessions import Session
from splatzip_viewer.tabs import EVENT, Page, problem, progress
from splatzip_viewer.worker import words_of


class Client:
    """As in a browser."""

    def __init__(self, tab: Any) -> None:
        self._tab = tab
        self._frame = gr.HTML("", elem_id="client")
        self._load = gr.Button("Load the scene", elem_id="client-load")
        self._stop = gr.Button("Cancel", visible=False, elem_id="client-cancel")

    def register(self, page: Page) -> None:
        """What shows the session."""
        page.shows(self._frame, _frame_of)
        page.shows(self._load, lambda session: gr.update(visible=session.site is None))
        page.shows(self._stop, lambda session: gr.update(visible=session.is_busy("site")))

    def wire(self, page: Page) -> None:
        """What happens."""

        def show(request: gr.Request) -> Iterator[list[Any]]:
            session = page.session(request)
            for content in _ready(session):
                is_busy = session.is_busy("site")
                yield [content, gr.update(visible=session.site is None and not is_busy), gr.update(visible=is_busy)]

        def stop(request: gr.Request) -> None:
            page.session(request).stop("site")

        for event in (self._tab.select, self._load.click):
            event(show, None, [self._frame, self._load, self._stop], **EVENT)
        self._stop.click(stop, None, None, **EVENT)


def _ready(session: Session) -> Iterator[Any]:
    """Make the site of the scene that is compared, or of the source, once it is looked at."""
    shown = session.test or session.ref
    if shown is None:
        yield "<p>Open a scene to look at it.</p>"
        return
    if session.site is None:
        folder = session.folder / "site"
        job = session.start("site", Job("site", source=str(shown.path), axes=shown.axes, folder=str(folder)))
        try:
            for step in job.steps():
                yield progress(step)
        except Cancelled:
            if shown is (session.test or session.ref):
                yield _frame_of(session)
            return
        except (SplatzipError, OSError) as error:
            yield problem(words_of(error))
            return
        if shown is (session.test or session.ref):
            session.site, session.sites = folder, session.sites + 1
    yield _frame_of(session)


def _frame_of(session: Session) -> str:
    shown = session.test or session.ref
    if session.site is None or shown is None:
        return "<p>Rendered by your own graphics card, from a .splatz that loads progressively.</p>"
    address = f"splatzip/{session.token}/site/index.html?background=%23000&v={session.sites}{_camera(session, shown)}"
    return f'<iframe class="client" src="{address}" title="The web client" allow="fullscreen"></iframe>'


def _camera(session: Session, shown: OpenScene) -> str:
    """Where the client looks from first, as its addresses have it (docs/WEB.md): like the view beside it."""
    if session.home is None:
        return ""
    pose, origin = session.home, shown.known.origin
    numbers = [*(np.asarray(pose.position) - origin), *(np.asarray(pose.target) - origin), *pose.up]
    return "#camera=" + ",".join(f"{number:.6g}" for number in (*numbers, pose.fov_y_degrees))
