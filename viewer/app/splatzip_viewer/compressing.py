"""The tab that compresses: the choices, the command that does the same, the progress and the result."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from html import escape
from typing import Any
from urllib.parse import quote

import gradio as gr

from splatzip import SplatzipError
from splatzip_viewer.choosing import Choosing, made_name
from splatzip_viewer.facts import short_name, size_text
from splatzip_viewer.jobs import Cancelled, Job, Step
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.sessions import Session
from splatzip_viewer.settings import Settings
from splatzip_viewer.tabs import EVENT, Page, problem, progress
from splatzip_viewer.worker import words_of

_FOREIGN = [".ply", ".spz", ".sog", ".compressed.ply", ".splat", ".glb", ".usdz"]


class Compressing:
    """Compress."""

    def __init__(self) -> None:
        self._choosing = Choosing()
        with gr.Row():
            self._go = gr.Button("Compress", variant="primary", elem_id="compress")
            self._stop = gr.Button("Cancel", visible=False, elem_id="cancel")
        self._progress = gr.HTML("", elem_id="progress")
        self._message = gr.HTML("", elem_id="compress-message")
        self._result = gr.HTML("", elem_id="result")
        with gr.Row(elem_classes="at-end"):
            self._format = gr.Dropdown(_FOREIGN, value=".ply", label="Convert to", scale=1, min_width=120)
            self._convert = gr.Button("Convert", scale=1, min_width=120, elem_id="convert")

    def register(self, page: Page) -> None:
        """What shows the session."""
        page.shows(self._result, _result_of)
        page.shows(self._format, _conversion_of)
        page.shows(self._message, lambda session: "" if session.is_first("compress") else gr.skip())
        self._choosing.register(page)

    def wire(self, page: Page) -> None:
        """What happens."""

        def compress(chosen: dict[Any, Any], request: gr.Request) -> Iterator[list[Any]]:
            session = page.session(request)
            yield from self._busy(session, self._compressed(session, self._choosing.settings(session, chosen)))

        def convert(suffix: str, request: gr.Request) -> Iterator[list[Any]]:
            session = page.session(request)
            yield from self._busy(session, self._converted(session, suffix))

        def stop(request: gr.Request) -> None:
            page.session(request).stop("make")

        busy = [self._go, self._convert, self._stop, self._progress, self._message]
        page.refreshing(self._go.click(compress, self._choosing.inputs, busy, **EVENT))
        page.refreshing(self._convert.click(convert, self._format, busy, **EVENT))
        self._stop.click(stop, None, None, **EVENT)

    def _busy(self, session: Session, steps: Iterator[str]) -> Iterator[list[Any]]:
        """Show the steps of some work, with the buttons as they have to be meanwhile, and what went wrong."""
        words, opened = "", session.opened
        idle, at_work = gr.update(interactive=True), gr.update(interactive=False)
        buttons = [at_work, at_work, gr.update(visible=True)]
        try:
            for step in steps:
                yield [*buttons, step, ""]
                buttons = [gr.skip()] * len(buttons)
        except (SplatzipError, OSError) as error:
            words = problem(words_of(error))
        except Cancelled:
            if session.opened == opened:  # else another scene was opened, and nobody need be told
                words = '<p class="step">cancelled</p>'
        yield [idle, idle, gr.update(visible=False), "", words]

    def _compressed(self, session: Session, settings: Settings) -> Iterator[str]:
        source = _source(session)
        name = made_name(source.name, ".splatz")
        result = yield from _made(session, "compress", source, name, options=settings.options())
        if result is not None:
            session.open_test(OpenScene.load(session.folder / name, device=session.device))

    def _converted(self, session: Session, suffix: str) -> Iterator[str]:
        source = _source(session)
        made = session.test or source
        name = made_name(made.name, suffix)
        if name == source.name:  # which lies where the visitor keeps it
            name = made_name(made.name, f"-converted{suffix}")
        result = yield from _made(session, "convert", made, name)
        if result is not None:
            session.lost[name] = result["lost"]


def _made(
    session: Session, kind: str, source: OpenScene, name: str, **more: Any
) -> Generator[str, None, dict[str, Any] | None]:
    """Let a job write a file of the session; it is there whole or not at all.

    Returns: the job's result; None if the session shows something else by now.
    """
    with session.work_folder("make-") as folder:
        written = folder / name
        job = session.start("make", Job(kind, source=str(source.path), target=str(written), axes=source.axes, **more))
        result: dict[str, Any] | None = None
        yield progress(Step(0.0, "starting"))  # what is shown can be cancelled: the job is there
        for step in job.steps():
            yield progress(step)
            result = step.result
        if result is None or source not in session.scenes.values():
            return None
        os.replace(written, session.folder / name)
        return result


def _source(session: Session) -> OpenScene:
    if session.ref is None:
        raise SplatzipError("open a scene first")
    return session.ref


def _conversion_of(session: Session) -> Any:
    made = session.test or session.ref
    return gr.update(label=f"Convert {'' if made is None else short_name(made.name)} to")


def _result_of(session: Session) -> str:
    """Links to what was made, and what it is."""
    if not session.folder.is_dir():
        return ""
    rows = []
    for entry in sorted(session.folder.iterdir()):
        if not entry.is_file():
            continue
        lost = "".join(f"<br><small>{escape(words)}</small>" for words in session.lost.get(entry.name, ()))
        size = entry.stat().st_size
        quotient = "" if session.ref is None else f", {100 * size / session.ref.bytes:.3g} % of the source's bytes"
        name, link = escape(entry.name), f"splatzip/{session.token}/files/{quote(entry.name)}"
        rows.append(f'<li><a href="{link}" download="{name}">{name}</a> {size_text(size)}{quotient}{lost}</li>')
    return f'<ul class="results">{"".join(rows)}</ul>' if rows else ""
