"""The tab that explains: quality per view, bytes, attributes, and rate-distortion curves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from splatzip import SplatzipError
from splatzip_viewer.charts import bytes_chart, curve_chart, histogram_charts
from splatzip_viewer.facts import quality_words, views_rows
from splatzip_viewer.jobs import Cancelled, Job
from splatzip_viewer.pose import pose_of
from splatzip_viewer.sessions import Session
from splatzip_viewer.tabs import EVENT, Page, look_state, problem, progress
from splatzip_viewer.worker import words_of

_HEADERS = ["View", "PSNR, dB", "SSIM", "Lost on the photo, dB"]
_VIEWS = "Views, worst first; click one to look from it"
_QUICK = [{"preset": "fast", "quality": float(quality), "label": f"fast {quality} dB"} for quality in (34, 40, 46, 52)]
_FINER = [
    *({"preset": "balanced", "quality": float(quality), "label": f"balanced {quality} dB"} for quality in (36, 42)),
    *({"preset": "fast", "quality": float(quality), "label": f"fast {quality} dB"} for quality in (37, 43, 49)),
    {"preset": "balanced", "quality": 39.0, "label": "balanced 39 dB"},
]


class Understanding:
    """Understand."""

    def __init__(self) -> None:
        self._quality = gr.HTML("", elem_id="quality")
        self._cancel = gr.Button("Cancel", size="sm", visible=False, elem_id="measure-cancel")
        self._views = gr.Dataframe(
            headers=_HEADERS, interactive=False, max_height=260, elem_id="views", visible=False, label=_VIEWS
        )
        self._bytes = gr.HTML("", elem_id="bytes")
        with gr.Row():
            self._trace = gr.Button("Rate-distortion curve", size="sm", elem_id="curve-go")
            self._stop = gr.Button("Stop", size="sm", visible=False)
        self._said = gr.HTML("")
        self._curve = gr.HTML("", elem_id="curve")
        with gr.Accordion("Attributes before and after", open=False) as self._attributes:
            self._histograms = gr.HTML("", elem_id="histograms")

    def register(self, page: Page) -> None:
        """What shows the session."""
        page.shows(self._quality, _quality_of)
        page.shows(self._views, _views_of)
        page.shows(self._cancel, lambda session: gr.update(visible=session.is_busy("measure")))
        page.shows(self._bytes, _bytes_of)
        page.shows(self._said, lambda session: "" if session.is_first("curve") else gr.skip())
        page.shows(self._curve, lambda session: curve_chart(session.points))
        page.shows(self._histograms, lambda session: "")
        page.shows(self._attributes, lambda session: gr.update(open=False))

        def measure(request: gr.Request) -> Iterator[list[Any]]:
            yield from self._measured(page.session(request))

        page.follows(measure, None, [self._quality, self._views, self._cancel])

    def wire(self, page: Page) -> None:
        """What happens."""

        def go(event: gr.SelectData, request: gr.Request) -> Any:
            return _look_from(page.session(request), event.row_value[0])  # of the row as it is sorted on the page

        def attributes(request: gr.Request) -> str:
            scenes = page.session(request).scenes.values()
            try:
                return histogram_charts([(opened.name, opened.scene) for opened in scenes]) if scenes else ""
            except (SplatzipError, OSError) as error:
                return problem(words_of(error))

        def trace(request: gr.Request) -> Iterator[list[Any]]:
            yield from self._traced(page.session(request))

        def stop(request: gr.Request) -> None:
            page.session(request).stop("curve")

        def cancel(request: gr.Request) -> None:
            page.session(request).stop("measure")

        self._cancel.click(cancel, None, None, **EVENT)
        self._views.select(go, None, page.look, **EVENT)
        self._attributes.expand(attributes, None, self._histograms, **EVENT)
        self._trace.click(trace, None, [self._trace, self._stop, self._said, self._curve], **EVENT)
        self._stop.click(stop, None, None, **EVENT)

    def _measured(self, session: Session) -> Iterator[list[Any]]:
        """Measure the scene that is compared, unless that was done or is being done."""
        yield [gr.skip(), gr.skip(), gr.skip()]  # Gradio empties what a generator that yields nothing was to fill
        ref, test = session.ref, session.test
        if ref is None or test is None or session.measured is not None or session.measuring is test:
            return
        session.measuring = test
        views = None if session.views_path is None else str(session.views_path)
        axes = [ref.axes, test.axes]
        job = session.start("measure", Job("compare", ref=str(ref.path), test=str(test.path), axes=axes, views=views))
        done = gr.update(visible=False)
        try:
            for step in job.steps():
                yield [progress(step), gr.skip(), gr.update(visible=True)]
                if step.result is not None and session.test is test:
                    session.measured = step.result
        except (SplatzipError, OSError) as error:
            yield [problem(words_of(error)), gr.skip(), done]
            return
        except Cancelled:
            if session.test is test:  # else for another scene, which says its own
                yield ["<p>Not measured: cancelled.</p>", gr.skip(), done]
            return
        yield [_quality_of(session), _views_of(session), done]

    def _traced(self, session: Session) -> Iterator[list[Any]]:
        """A few quick points first, then finer ones, as long as nobody stops it."""
        idle = [gr.update(interactive=True), gr.update(visible=False)]
        ref = session.ref
        if ref is None:
            yield [*idle, problem("open a scene first"), gr.skip()]
            return
        known = {point["label"] for point in session.points}
        rungs = [rung for rung in (*_QUICK, *_FINER) if rung["label"] not in known]
        views = None if session.views_path is None else str(session.views_path)
        task = {"source": str(ref.path), "axes": ref.axes, "views": views, "rungs": rungs}
        words = ""
        try:
            with session.work_folder("curve-") as folder:
                job = session.start("curve", Job("curve", **task, folder=str(folder)))
                yield [gr.update(interactive=False), gr.update(visible=True), "", gr.skip()]
                for step in job.steps():
                    if step.part is not None and session.ref is ref:
                        session.points.append(step.part)
                        yield [gr.skip(), gr.skip(), progress(step), curve_chart(session.points)]
                    else:
                        yield [gr.skip(), gr.skip(), progress(step), gr.skip()]
        except (SplatzipError, OSError) as error:
            words = problem(words_of(error))
        except Cancelled:
            pass
        yield [*idle, words, gr.skip()]


def _quality_of(session: Session) -> Any:
    if session.measured is not None:
        return f"<p>{quality_words(session.measured)}</p>"
    if session.test is None:
        return "<p>Compress the scene, or open another file to compare it with, to see its views measured here.</p>"
    return gr.skip()  # a bar, until it is measured


def _views_of(session: Session) -> Any:
    rows = [] if session.measured is None else views_rows(session.measured)
    columns = max(map(len, rows), default=0)
    return gr.update(value={"headers": _HEADERS[:columns], "data": rows}, visible=bool(rows))


def _bytes_of(session: Session) -> str:
    shown = session.test or session.ref
    if shown is None or shown.facts is None:
        return ""
    return bytes_chart(shown.facts)


def _look_from(session: Session, name: str) -> Any:
    """The view, moved to where a view of the table was measured from."""
    if session.home is None or session.ref is None:
        return gr.skip()
    cameras = {camera.name: camera for camera in session.views().cameras}
    if name not in cameras:
        return gr.skip()
    target = np.asarray(session.home.target)
    distance = float(np.linalg.norm(cameras[name].position - target)) or 1.0
    return look_state(session, pose_of(cameras[name], distance).to_json())
