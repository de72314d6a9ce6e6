"""The web application behind `serve`: four kinds of URLs, and the headers that progressive loading needs.

    /               redirects to the viewer with the one scene, or to the gallery of the folder
    /web/...        the client
    /files/...      scenes as bytes (ranges, ETag, If-Range: Starlette's FileResponse); folders as galleries
    /pictures/...   scenes as small pictures, for galleries

Any page may read the scenes (CORS), since the viewer may be embedded in pages of other sites; only GET and HEAD are
answered. Responses are not compressed: a .splatz has nothing to gain, and byte ranges would not survive compression.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from splatzip.errors import SplatzipError
from splatzip.publish import bundle
from splatzip.publish.gallery import gallery_page, viewer_link
from splatzip.publish.scenes import Shelf
from splatzip.publish.thumbnail import thumbnail

_EXPOSED = ("Content-Range", "Accept-Ranges", "Content-Length", "ETag")
_SENT_BY_CLIENTS = ("Range", "If-Range", "If-None-Match")
_KEPT_AS_IT_IS = {"cache-control": "no-cache, no-transform", "x-content-type-options": "nosniff"}
_MEDIA_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm"}


def application(shelf: Shelf) -> Starlette:
    """The application that serves a shelf.

    Raises: BackendError if the web client was not built.
    """

    def home(request: Request) -> Response:
        return RedirectResponse("/files/" if shelf.only is None else viewer_link(shelf.only))

    def files(request: Request) -> Response:
        below = request.path_params["below"]
        found = shelf.find(below)
        if found is None or (found.is_dir() and shelf.only is not None):
            raise HTTPException(404, f"nothing to see at /files/{below}")
        if found.is_dir():
            if below and not below.endswith("/"):
                return RedirectResponse(f"/files/{quote(below)}/")
            page = gallery_page(below.strip("/"), found, shelf.listing(found))
            return HTMLResponse(page, headers={"cache-control": "no-cache"})
        return _scene(found, request)

    def pictures(request: Request) -> Response:
        below = request.path_params["below"]
        found = shelf.find(below)
        if found is None or found.is_dir():
            raise HTTPException(404, f"nothing to see at /pictures/{below}")
        try:
            return Response(thumbnail(found), media_type="image/jpeg", headers={"cache-control": "no-cache"})
        except (SplatzipError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise HTTPException(404, f"no picture: {reason}") from error

    return Starlette(
        routes=[
            Route("/", home),
            Mount("/web", _Client(directory=bundle.folder(), html=True)),
            Route("/files/{below:path}", files),
            Route("/pictures/{below:path}", pictures),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "HEAD"],
                allow_headers=_SENT_BY_CLIENTS,
                expose_headers=_EXPOSED,
            )
        ],
        exception_handlers={HTTPException: _in_words},
    )


class _Client(StaticFiles):
    """The client's files, with the types that browsers insist on, whatever the machine's own table says."""

    def file_response(self, full_path: Any, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(full_path, *args, **kwargs)
        response.headers.update(_KEPT_AS_IT_IS)
        response.headers["content-type"] = _MEDIA_TYPES.get(os.path.splitext(full_path)[1], "application/octet-stream")
        return response


def _scene(path: Path, request: Request) -> Response:
    response = FileResponse(
        path, media_type="application/octet-stream", stat_result=path.stat(), headers=dict(_KEPT_AS_IT_IS)
    )
    known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
    if response.headers["etag"] in known:
        kept = {name: response.headers[name] for name in ("etag", "cache-control")}
        return Response(status_code=304, headers=kept)
    return response


def _in_words(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.status_code}: {error.detail}\n", error.status_code, headers=error.headers)
