"""The tab that shows the scene as any visitor's browser will: with the web client, served from here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from splatzip import SplatzipError
from splatzip_viewer.jobs import Cancelled, Job
from splatzip_viewer.page import EVENT, Page, problem, progress
from splatzip_viewer.sessions import Session


class Client:
    """As in a browser."""

    def __init__(self, tab: Any) -> None:
        self._tab = tab
        self._frame = gr.HTML("", elem_id="client")

    def register(self, page: Page) -> None:
        """What shows the session."""
        page.shows(self._frame, _frame_of)

    def wire(self, page: Page) -> None:
        """What happens."""

        def show(request: gr.Request) -> Iterator[Any]:
            yield from _ready(page.session(request))

        self._tab.select(show, None, self._frame, **EVENT)


def _ready(session: Session) -> Iterator[Any]:
    """Make the site of the scene that is compared, or of the source, once it is looked at."""
    shown = session.test or session.ref
    if shown is None:
        yield "<p>Open a scene to look at it.</p>"
        return
    if session.site is None:
        folder = session.folder / "site"
        try:
            job = session.start("site", Job("site", source=str(shown.path), folder=str(folder)))
            for step in job.steps():
                yield progress(step)
        except Cancelled:
            return
        except (SplatzipError, OSError) as error:
            yield problem(str(error))
            return
        if shown is (session.test or session.ref):
            session.site = folder
    yield _frame_of(session)


def _frame_of(session: Session) -> str:
    shown = session.test or session.ref
    if session.site is None or shown is None:
        return "<p>Drawn by your own graphics card, from a .splatz that loads piece by piece.</p>"
    address = f"splatzip/{session.token}/site/index.html?v={session.looks}"
    return f'<iframe class="client" src="{address}" title="The web client" allow="fullscreen"></iframe>'
