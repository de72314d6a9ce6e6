"""What is refused before anybody looks at it: other sites' pages, and uploads that are too much."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def guards(host: str, uploads: Path, most_bytes: int) -> list[Middleware]:
    """In this order.

    Args:
        host: that the server listens on. On this machine alone, other names in a request mean that a page of another
            site has pointed its own name here: refused.
        uploads: where Gradio puts them.
        most_bytes: of one upload; all that wait to be opened may be twice that.
    """
    names = [*_LOOPBACK, "[::1]"] if host in _LOOPBACK else ["*"]
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=names),
        Middleware(UploadGuard, uploads=uploads, most_bytes=most_bytes),
    ]


class UploadGuard:
    """Refuses uploads by what they say of their size, before a byte of them is written."""

    def __init__(self, app: Application, uploads: Path, most_bytes: int) -> None:
        self._app, self._uploads, self._most = app, uploads, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["path"].rstrip("/").endswith("/upload"):
            said = dict(scope["headers"]).get(b"content-length", b"").decode("latin-1")
            words = ""
            if not said.isdigit():
                words = "an upload says how long it is"
            elif int(said) > self._most + 10_000:  # what a form adds
                words = f"at most {_size(self._most)} can be uploaded; open larger scenes with splatzip view FILE"
            elif self._waiting_bytes() + int(said) > 2 * self._most:
                words = "too many uploads at a time; try again in a minute"
            if words:
                await PlainTextResponse(words, 413)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _waiting_bytes(self) -> int:
        return sum(entry.stat().st_size for entry in self._uploads.rglob("*") if entry.is_file())


def _size(count: int) -> str:
    return f"{count / 1e9:g} GB" if count >= 1e9 else f"{count / 1e6:g} MB"
