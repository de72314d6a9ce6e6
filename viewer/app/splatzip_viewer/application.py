"""Gradio's page and our own URLs, in one application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI

from splatzip import Views
from splatzip_viewer.addresses import routes
from splatzip_viewer.guards import guards
from splatzip_viewer.opened import Device, OpenScene
from splatzip_viewer.page import page
from splatzip_viewer.sessions import Session, Sessions

_LOOK = Path(__file__).parent / "look"
# Fonts of the visitor's own system: a name that Gradio knows would be asked for at another host.
_SANS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
_MONO = ["ui-monospace", "Consolas", "monospace"]


def application(
    folder: Path, opened: dict[str, OpenScene], capture: tuple[Views, Path] | None, *, host: str, port: int,
    auth: tuple[str, str] | None, max_upload_bytes: int, device: Device,
) -> FastAPI:  # fmt: skip
    """Build it.

    Args:
        folder: for everything temporary.
        opened: "ref" and "test" that every page begins with, as far as given.
        capture: cameras that go with them.
        host, port: that the server listens on.
        auth: a name and a password.
        max_upload_bytes: of one upload.
        device: what draws.
    """

    home = opened["ref"].pose(None if capture is None else capture[0]) if opened else None

    def begin(session: Session) -> None:
        if "ref" in opened:
            session.open_ref(opened["ref"], capture, home=home)
            session.open_test(opened.get("test"))

    sessions = Sessions(folder / "sessions", device=device, begin=begin)

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        yield
        sessions.close()  # their work is ended before their folders go

    app = FastAPI(
        lifespan=living, docs_url=None, redoc_url=None, openapi_url=None, middleware=guards(host),
        routes=routes(sessions, max_upload_bytes),
    )  # fmt: skip
    theme = gr.themes.Default(primary_hue="teal", font=_SANS, font_mono=_MONO).set(
        color_accent="*primary_600",  # dark enough for white words on it
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_600",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_border_width="1px",
        button_secondary_background_fill="*background_fill_primary",
        button_secondary_background_fill_dark="*background_fill_primary",
        button_secondary_background_fill_hover="*background_fill_secondary",
        button_secondary_background_fill_hover_dark="*background_fill_secondary",
        button_secondary_border_color="*border_color_primary",
        button_secondary_border_color_dark="*border_color_primary",
    )
    settings: dict[str, Any] = {
        "auth": auth, "theme": theme, "footer_links": [], "run_history": False,
        "ssr_mode": False, "pwa": False, "mcp_server": False, "enable_monitoring": False,
        "css_paths": sorted(_LOOK.glob("*.css")),
    }  # fmt: skip
    blocks = page(sessions)
    gr.mount_gradio_app(app, blocks, path="/", server_name=host, server_port=port, **settings)
    blocks.has_launched = True  # or Gradio would check no path that it is given (`guards` lets none through)
    return app
