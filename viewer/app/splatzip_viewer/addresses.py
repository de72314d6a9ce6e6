"""URLs beside Gradio's own: pictures, files of a session, and the scripts of the view.

    POST /splatzip/TOKEN/picture           what `drawing` makes of a request
    PUT  /splatzip/TOKEN/upload/NAME       a scene, opened at once; ?as=test compares it with the open one
    GET  /splatzip/TOKEN/files/NAME        results to download, sent in ranges
    GET  /splatzip/TOKEN/site/PATH         the web client with the compared scene (`splatzip.export_web`)
    GET  /splatzip/look/NAME               scripts and style of the view

A token names one session and cannot be guessed; names are looked up among existing files, never joined into paths.
"""

from __future__ import annotations

import json
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from splatzip import SplatzipError
from splatzip_viewer import drawing
from splatzip_viewer.facts import size_text
from splatzip_viewer.receiving import receive
from splatzip_viewer.sessions import Session, Sessions

_LOOK = Path(__file__).parent / "look"
_MOST_REQUEST_BYTES = 10_000
_TYPES = {
    ".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8", ".wasm": "application/wasm"
}  # fmt: skip
_FRESH = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}


def routes(sessions: Sessions, most_bytes: int) -> list[BaseRoute]:
    """The addresses, for an application.

    Args:
        most_bytes: of one upload; all files of all sessions may be four times that.
    """

    async def picture(request: Request) -> Response:
        raw = b""
        async for piece in request.stream():
            raw += piece
            if len(raw) > _MOST_REQUEST_BYTES:
                return PlainTextResponse("a request for a picture must not exceed 10 KB", 413)
        try:
            session = sessions.of_token(request.path_params["token"])
            asked = drawing.Request.from_json(json.loads(raw))
            if not session.waiting.acquire(blocking=False):
                return PlainTextResponse("too many pictures at once", 429)
            try:
                answer = await run_in_threadpool(_drawn, session, asked)
            finally:
                session.waiting.release()
        except (SplatzipError, OSError) as error:  # a style of drawing may read the file again
            return PlainTextResponse(str(error), 422)
        except ValueError:
            return PlainTextResponse("a request for a picture must be JSON", 400)
        facts: dict[str, float] = {"width": answer.width, "height": answer.height}
        if answer.psnr is not None:
            facts["psnr"] = round(answer.psnr, 2)
        return Response(
            answer.jpeg, media_type="image/jpeg", headers={"x-splatzip": json.dumps(facts), "cache-control": "no-store"}
        )

    async def upload(request: Request) -> Response:
        said = request.headers.get("content-length", "")
        try:
            session = sessions.of_token(request.path_params["token"])
            if not said.isdigit():
                return PlainTextResponse("an upload must state its length", 411)
            if int(said) > most_bytes:
                return PlainTextResponse(
                    f"at most {size_text(most_bytes)} can be uploaded; open larger scenes with splatzip view FILE", 413
                )
            if sessions.stored_bytes() + int(said) > 4 * most_bytes:
                return PlainTextResponse("too many scenes are open on this server; try again later", 507)
            await receive(
                session, request.stream(), request.path_params["name"], as_test=request.query_params.get("as") == "test"
            )
        except SplatzipError as error:
            return PlainTextResponse(str(error), 422)
        except MemoryError:
            return PlainTextResponse("not enough memory for this scene", 422)
        except OSError as error:
            return PlainTextResponse(f"the server cannot keep this file: {error.strerror}", 507)
        return PlainTextResponse("")

    def file(request: Request) -> Response:
        session, name = _session(request), request.path_params["name"]
        path = None if session is None else session.file(name)
        if path is None:
            return PlainTextResponse("there is no such file any more", 404)
        return FileResponse(path, media_type="application/octet-stream", filename=name, headers=_FRESH)

    def site(request: Request) -> Response:
        session, below = _session(request), request.path_params["path"] or "index.html"
        root = None if session is None else session.site
        known = {} if root is None else {entry.name: entry for entry in root.iterdir() if entry.is_file()}
        if below not in known:
            return PlainTextResponse("there is no such file any more", 404)
        kind = _TYPES.get(known[below].suffix, "application/octet-stream")
        return FileResponse(known[below], media_type=kind, headers=_FRESH)

    def look(request: Request) -> Response:
        known = {entry.name: entry for entry in _LOOK.iterdir() if entry.suffix in _TYPES}
        path = known.get(request.path_params["name"])
        if path is None:
            return PlainTextResponse("there is no such script", 404)
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=_FRESH)

    def _session(request: Request) -> Session | None:
        try:
            return sessions.of_token(request.path_params["token"])
        except SplatzipError:
            return None

    return [
        Route("/splatzip/look/{name}", look),
        Route("/splatzip/{token}/picture", picture, methods=["POST"]),
        Route("/splatzip/{token}/upload/{name}", upload, methods=["PUT"]),
        Route("/splatzip/{token}/files/{name}", file),
        Route("/splatzip/{token}/site/{path:path}", site),
    ]


def _drawn(session: Session, asked: drawing.Request) -> drawing.Answer:
    with session.drawing:  # one picture of a session at a time: two would only wait for the same cores
        return drawing.draw(session.scenes, asked)
