"""The server's first seconds: a picture of the scene and a waiting page, until the application is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from splatzip_viewer import drawing
from splatzip_viewer.guards import Receive, Scope, Send
from splatzip_viewer.opened import OpenScene

_SIZE = (960, 720)
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>splatzip view</title>
<link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>body {{ margin: 0; font: 15px system-ui, sans-serif; display: grid; place-content: center; min-height: 100vh;
gap: 12px; text-align: center }} img {{ max-width: 94vw; max-height: 80vh; border-radius: 10px; background: #000 }}
</style></head><body>{picture}<p role="status">The viewer is starting ...</p>
<script>(async function wait() {{
  try {{ if ((await (await fetch('splatzip/ready')).text()) === 'yes') return location.reload(); }} catch {{}}
  setTimeout(wait, 150);
}})();</script></body></html>"""


def first_picture(scenes: Mapping[str, OpenScene], views: Any = None) -> bytes:
    """A JPEG of what was opened, from where the page will look first."""
    name = "test" if "test" in scenes else "ref"
    pose = scenes[name].pose(None if views is None else views[0])
    return drawing.draw(scenes, drawing.Request(pose, *_SIZE, ((name, "color"),))).jpeg


class Switch:
    """An ASGI application that becomes another one once that is built.

    Attributes:
        failure: what building it raised.
    """

    def __init__(self, build: Callable[[], Any], first: bytes | None, *, failed: Callable[[], None]) -> None:
        """
        Args:
            build: makes the application, in a thread; may take long.
            first: a JPEG for the starting page.
            failed: called if it cannot be built, to end the server.
        """
        self._build, self._first, self._failed = build, first, failed
        self._application: Any = None
        self.failure: BaseException | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and scope["path"] == "/splatzip/ready":
            words = "no" if self._application is None else "yes"
            await PlainTextResponse(words, headers={"cache-control": "no-store"})(scope, receive, send)
        elif self._application is not None:
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            await self._start(Request(scope, receive))(scope, receive, send)

    def _start(self, request: Request) -> Response:
        if request.url.path == "/":
            picture = '<img src="splatzip/first.jpg" alt="The scene">' if self._first else ""
            return HTMLResponse(_PAGE.format(picture=picture), headers={"cache-control": "no-store"})
        if request.url.path == "/splatzip/first.jpg" and self._first:
            return Response(self._first, media_type="image/jpeg")
        return PlainTextResponse("the viewer is starting", 503, headers={"retry-after": "1"})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        ends = asyncio.Event()
        living = asyncio.create_task(self._serve(ends))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        ends.set()
        await living
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, ends: asyncio.Event) -> None:
        try:
            built = await asyncio.to_thread(self._build)
            async with built.router.lifespan_context(built):
                self._application = built
                await ends.wait()
        except Exception as error:
            self.failure = error
            self._failed()
