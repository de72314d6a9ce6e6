"""Turns an upload into the scene of a session, or leaves nothing of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from splatzip import SplatzipError
from splatzip_viewer.opened import OpenScene
from splatzip_viewer.sessions import Session

_MOST_NAME = 80


async def receive(session: Session, pieces: AsyncIterable[bytes], name: str, *, as_test: bool) -> None:
    """Write an upload to the session's folder and open it.

    Args:
        name: as the visitor's machine has it; the format is recognised by the content.
        as_test: compare it with the source that is open.
    Raises: SplatzipError, in words for the visitor; what was open stays.
    """
    if as_test and session.ref is None:
        raise SplatzipError("first open the scene to compare it with")
    if not session.receiving.acquire(blocking=False):
        raise SplatzipError("another upload is in progress")
    try:
        with session.work_folder("in-") as folder:
            path = folder / plain_name(name)
            with path.open("wb") as file:
                async for piece in pieces:
                    file.write(piece)
            await run_in_threadpool(_open, session, path, as_test)
    finally:
        session.receiving.release()


def plain_name(name: str) -> str:
    """A name that is a file in a folder, whatever it was: never hidden, never a path."""
    plain = re.sub(r"[^\w.()+ -]", "_", name).strip(" .")
    stem, dot, suffix = plain.rpartition(".")
    return f"{stem[:_MOST_NAME]}{dot}{suffix[:16]}" if stem else plain[:_MOST_NAME] or "scene"


def _open(session: Session, path: Path, as_test: bool) -> None:
    scene = OpenScene.load(path, device=session.device)
    if session.is_closed:
        raise SplatzipError("this page was closed on the server; load it again")
    session.open_test(scene) if as_test else session.open_ref(scene)
