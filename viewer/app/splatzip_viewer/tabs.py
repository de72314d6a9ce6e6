"""What the tabs of the page share: the requesting session, the components that show it, and the view.

A tab is a class: constructing it places it on the page; `register` declares which components show the session and
what follows a change; `wire` attaches the click handlers. After any change of the session, `Page.refreshing` updates
them all.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from splatzip_viewer.facts import short_name
from splatzip_viewer.jobs import Step
from splatzip_viewer.sessions import Session, Sessions

# Of every event: nothing of it is an API, the page says itself how far work is, and nobody waits for other pages.
EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
_MOUNT = """import(new URL('splatzip/look/look.js', document.baseURI)).then((look) =>
    look.mount(element.querySelector('.look-slot'), () => props.value, (changed) => watch('value', changed)));"""


class Page:
    """What the tabs share."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self._shown: list[tuple[Any, Callable[[Session], Any]]] = []
        self._followers: list[tuple[Callable[..., Any], Any, Any, dict[str, Any]]] = []
        self.look = gr.HTML(
            {},
            html_template='<div class="look-slot"></div>',
            js_on_load=_MOUNT,
            elem_id="look",
            apply_default_css=False,
        )
        self.shows(self.look, look_state)

    def shows(self, component: Any, of: Callable[[Session], Any]) -> None:
        """Let a component show something of the session."""
        self._shown.append((component, of))

    def follows(self, what: Callable[..., Any], inputs: Any, outputs: Any, **options: Any) -> None:
        """Let something happen whenever the session has changed and the page shows it."""
        self._followers.append((what, inputs, outputs, options))

    def session(self, request: gr.Request) -> Session:
        """Whose page asks."""
        return self.sessions.of_page(str(request.session_hash))

    def refresh(self, request: gr.Request) -> list[Any]:
        """Everything that shows the session, as it is now."""
        session = self.session(request)
        return [of(session) for _, of in self._shown]

    def refreshing(self, event: Any) -> None:
        """After an event, bring everything up to date."""
        event = event.then(self.refresh, None, [component for component, _ in self._shown], **EVENT)
        for what, inputs, outputs, options in self._followers:
            event = event.then(what, inputs, outputs, **options, **EVENT)


def look_state(session: Session, go: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the view in the browser needs to know; `go` is a pose to look from now."""
    session.looks += 1
    return {
        "token": session.token,
        "opened": session.opened,
        "ref": short_name(session.ref.name) if session.ref else None,
        "test": short_name(session.test.name) if session.test else None,
        "pose": session.home.to_json() if session.home else None,
        "homes": session.homes,
        "go": go,
        "goes": session.looks,
        "box": session.box,
    }


def problem(words: str) -> str:
    """Words about what went wrong."""
    return f'<p class="problem" role="alert">{escape(words)}</p>' if words else ""


def progress(step: Step | None) -> str:
    """A bar with words."""
    if step is None:
        return ""
    return (
        f'<div class="progress" role="progressbar" aria-valuenow="{100 * step.share:.0f}">'
        f'<div style="width:{100 * step.share:.1f}%"></div></div><p class="step">{escape(step.words)}</p>'
    )
