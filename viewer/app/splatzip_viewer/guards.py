"""Requests refused before Gradio sees them: from other sites' pages, to URLs that our page does not use, with files.
What is let through learns of the path that a proxy has the page below.

Gradio accepts files by path or URL from anyone who talks to its queue, and a page mounted into another application
does not check them. No part of our page takes files that way (uploads have their own URL), so no such request is let
through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_OURS = "splatzip"
_PAGE = ("", "config", "theme.css", "static", "assets", "svelte", "favicon.ico", "manifest.json", "login", "logout")
_API = ("queue", "heartbeat", "app_id", "cancel", "reset", "startup-events", "user", "login_check")
_PREFIX = re.compile(r"(/[\w.~-]+)+/?", re.ASCII)
_MOST_BYTES = 200_000  # of what is posted to Gradio: choices and numbers


def guards(host: str) -> list[Middleware]:
    """In this order.

    Args:
        host: that the server listens on. On this machine alone, other names in a request mean that a page of another
            site has pointed its own name here: refused.
    """
    names = [*_LOOPBACK, "[::1]"] if host in _LOOPBACK else ["*"]
    return [Middleware(TrustedHostMiddleware, allowed_hosts=names), Middleware(GradioGuard), Middleware(Prefix)]


class GradioGuard:
    """Lets through to Gradio what our page asks of it, and nothing else."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or _is_ours(scope["path"]):
            await self._app(scope, receive, send)
        elif not _is_of_the_page(scope["path"]):
            await PlainTextResponse("there is nothing at this address", 404)(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
        else:
            body = await _body(receive)
            if body is None or _names_files(body):
                await PlainTextResponse("this value is neither a choice nor a number", 403)(scope, receive, send)
            else:
                await self._app(scope, _replayed(body, receive), send)


class Prefix:
    """Tells Gradio the path that a proxy took away: its page asks by whole addresses, ours by relative ones."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        said = Headers(scope=scope).get("x-forwarded-prefix", "") if scope["type"] == "http" else ""
        if _PREFIX.fullmatch(said):
            prefix = said.rstrip("/")
            scope = {**scope, "root_path": prefix, "path": prefix + scope["path"]}
        await self._app(scope, receive, send)


def _is_ours(path: str) -> bool:
    return path.split("/")[1:2] == [_OURS]


def _is_of_the_page(path: str) -> bool:
    first, *rest = path.removeprefix("/").split("/")
    return first in _PAGE or (first == "gradio_api" and bool(rest) and rest[0] in _API)


async def _body(receive: Receive) -> bytes | None:
    """All of it; None if it is too long."""
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
        if len(body) > _MOST_BYTES:
            return None
    return body


def _names_files(body: bytes) -> bool:
    """Whether this is JSON with anything in it that Gradio would take for a file; forms (of the login) are no JSON."""
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return body.lstrip()[:1] in (b"{", b"[")
    waiting = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "path" in value or "meta" in value:
                return True
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return False


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what comes after it."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return parts.pop() if parts else await receive()

    return replay
