"""The tab that compresses: what is chosen, the command that does the same, how far it is, and what came of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from splatzip import SplatzipError
from splatzip_viewer.facts import size_text
from splatzip_viewer.jobs import Cancelled, Job, Step
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.sessions import Session
from splatzip_viewer.settings import AS_IT_IS, PRESETS, RECIPES, TARGETS, Settings, looks, takes_degree, targets_of
from splatzip_viewer.tabs import EVENT, Page, problem, progress

_TARGETS = {"none": "none", "size": "size", "quality": "quality", "loss": "loss on photos"}
_METHODS = [*PRESETS, *((f"{recipe} (published)", recipe) for recipe in RECIPES)]
_FOREIGN = [".ply", ".spz", ".sog", ".compressed.ply", ".splat", ".glb"]


class Compressing:
    """Compress."""

    def __init__(self) -> None:
        self._method = gr.Dropdown(_METHODS, value="balanced", label="Preset or recipe", elem_id="method")
        self._target = gr.Radio(_targets(TARGETS), value="none", label="Target", elem_id="target")
        self._size = gr.Slider(10, 10_000, 1000, step=1, label="Stay within, KB", visible=False, elem_id="size")
        self._quality = gr.Slider(30, 65, 40, step=0.5, label="dB against the source", visible=False)
        self._loss = gr.Slider(0.05, 2, 0.3, step=0.05, label="dB lost on photos of the capture", visible=False)
        self._degree = gr.Radio([AS_IT_IS, "0", "1", "2", "3"], value=AS_IT_IS, label="SH degree to keep")
        self._views = gr.Checkbox(False, label="Look from the capture's cameras, too", visible=False)
        self._command = gr.Code(
            label="The same on the command line", interactive=False, lines=1, elem_id="command", wrap_lines=True,
            show_line_numbers=False, buttons=["copy"],
        )  # fmt: skip
        with gr.Row():
            self._go = gr.Button("Compress", variant="primary", elem_id="compress")
            self._stop = gr.Button("Cancel", visible=False, elem_id="cancel")
        self._progress = gr.HTML("", elem_id="progress")
        self._message = gr.HTML("", elem_id="compress-message")
        self._result = gr.HTML("", elem_id="result")
        with gr.Row(elem_classes="at-end"):
            self._format = gr.Dropdown(_FOREIGN, value=".ply", label="Another format", scale=1, min_width=120)
            self._convert = gr.Button("Convert the result", scale=1, min_width=120, elem_id="convert")

    @property
    def _choices(self) -> list[Any]:
        return [self._method, self._target, self._size, self._quality, self._loss, self._degree, self._views]

    def register(self, page: Page) -> None:
        """What shows the session."""
        page.shows(self._result, _result_of)
        page.shows(self._size, _size_slider)
        shown = [self._command, *self._choices[1:]]

        def choose(
            method: str, target: str, size: float, quality: float, loss: float, degree: str, views: bool,
            request: gr.Request,
        ) -> list[Any]:  # fmt: skip
            return _chosen(page.session(request), (method, target, size, quality, loss, degree, views))

        page.follows(choose, self._choices, shown)
        for choice in self._choices:
            choice.input(choose, self._choices, shown, **EVENT)

    def wire(self, page: Page) -> None:
        """What happens."""

        def compress(
            method: str, target: str, size: float, quality: float, loss: float, degree: str, views: bool,
            request: gr.Request,
        ) -> Iterator[list[Any]]:  # fmt: skip
            session = page.session(request)
            choices = (method, target, size, quality, loss, degree, views)
            yield from self._busy(self._compressed(session, _settings(session, choices)))

        def convert(suffix: str, request: gr.Request) -> Iterator[list[Any]]:
            yield from self._busy(self._converted(page.session(request), suffix))

        def stop(request: gr.Request) -> None:
            page.session(request).stop("make")

        busy = [self._go, self._stop, self._progress, self._message]
        page.refreshing(self._go.click(compress, self._choices, busy, **EVENT))
        page.refreshing(self._convert.click(convert, self._format, busy, **EVENT))
        self._stop.click(stop, None, None, **EVENT)

    def _busy(self, steps: Iterator[str]) -> Iterator[list[Any]]:
        """Show the steps of some work, with the buttons as they have to be meanwhile, and what went wrong."""
        words = ""
        yield [gr.update(interactive=False), gr.update(visible=True), progress(Step(0.0, "starting")), ""]
        try:
            for step in steps:
                yield [gr.skip(), gr.skip(), step, gr.skip()]
        except (SplatzipError, OSError) as error:
            words = problem(str(error))
        except Cancelled:
            words = '<p class="step">cancelled</p>'
        yield [gr.update(interactive=True), gr.update(visible=False), "", words]

    def _compressed(self, session: Session, settings: Settings) -> Iterator[str]:
        source = _source(session)
        name = _name(source.name, ".splatz")
        result = yield from _made(session, "compress", source, name, options=settings.options())
        if result is not None:
            session.open_test(OpenScene.load(session.folder / name))

    def _converted(self, session: Session, suffix: str) -> Iterator[str]:
        made = session.test or _source(session)
        name = _name(made.name, suffix)
        result = yield from _made(session, "convert", made, name)
        if result is not None:
            session.lost[name] = result["lost"]


def _made(
    session: Session, kind: str, source: OpenScene, name: str, **more: Any
) -> Generator[str, None, dict[str, Any] | None]:
    """Let a job write a file of the session; it is there whole or not at all.

    Returns: the job's result; None if the session shows something else by now.
    """
    with tempfile.TemporaryDirectory(prefix="make-", dir=session.folder, ignore_cleanup_errors=True) as folder:
        written = Path(folder) / name
        job = session.start("make", Job(kind, source=str(source.path), target=str(written), **more))
        result: dict[str, Any] | None = None
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


def _settings(session: Session, choices: tuple[Any, ...]) -> Settings:
    method, target, size, quality, loss, degree, views = choices
    path = session.views_path if (views or target == "loss" in targets_of(method)) else None
    return Settings(method, target, float(size), float(quality), float(loss), str(degree), path)


def _chosen(session: Session, choices: tuple[Any, ...]) -> list[Any]:
    """The command that does what was chosen, and the choices that are left: only what the method has a use for."""
    method, target, *_ = choices
    targets = targets_of(method, has_photos=session.capture is not None)
    aim = {} if target in targets else {"value": "none"}
    degrees = 0 if session.ref is None else session.ref.scene.sh_degree
    return [
        _command(session, choices),
        gr.update(choices=_targets(targets), visible=len(targets) > 1, **aim),
        *(gr.update(visible=target == name in targets) for name in TARGETS[1:]),
        gr.update(choices=[AS_IT_IS, *map(str, range(degrees))], visible=degrees > 0 and takes_degree(method)),
        gr.update(visible=session.capture is not None and looks(method)),
    ]


def _targets(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(_TARGETS[name], name) for name in names]


def _command(session: Session, choices: tuple[Any, ...]) -> str:
    source = "scene.ply" if session.ref is None else session.ref.name
    if session.ref is not None and session.folder not in session.ref.path.parents:
        source = str(session.ref.path)  # a path on this machine, not an upload
    return _settings(session, choices).command(source, _name(Path(source).name, ".splatz"))


def _name(source: str, suffix: str) -> str:
    return (source.partition(".")[0] or "scene") + suffix


def _size_slider(session: Session) -> Any:
    """From a thousandth to a quarter of the scene as floats; what was chosen for a scene stays."""
    if session.ref is None or not session.is_first("size"):
        return gr.skip()
    floats = session.ref.scene.float_bytes / 1000
    most = max(100, round(floats / 4))
    return gr.update(minimum=max(1, round(floats / 1000)), maximum=most, value=max(1, round(floats / 40)))


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
