"""A small web server for one scene or a folder of them, reachable only from this machine unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from splatzip.errors import BackendError, FormatError
from splatzip.formats.output import atomic_write
from splatzip.io import SUFFIX, is_splatz
from splatzip.progress import Progress
from splatzip.publish.listener import Listener
from splatzip.publish.scenes import Shelf, is_text
from splatzip.publish.source import facts_of, splatz_bytes

PORT = 8000


def serve(
    path: str | Path,
    *,
    axes: str | None = None,
    host: str = "127.0.0.1",
    port: int = PORT,
    ready: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> None:
    """Serve a scene, or a folder with a gallery of its scenes, until interrupted.

    Args:
        path: a .splatz file; a folder; or a scene in another format, which is compressed to a temporary file.
        axes: where x, y and z of a scene in another format point; see `load`.
        host: address to listen on; "0.0.0.0" lets other machines in.
        port: 0 takes any that is free.
        ready: called with the address once connections are accepted.
        progress: of compressing, called with the share done and a word for the step.
    Raises: BackendError without the packages of splatzip[serve], without the web client or if the port is taken;
        FormatError, OSError.
    """
    try:
        import uvicorn  # noqa: F401

        from splatzip.publish.site import application
    except ImportError as error:
        raise BackendError("serving needs Starlette and uvicorn; pip install 'splatzip[serve]'") from error
    with _shelf(Path(path), axes, progress) as shelf, Listener(host, port) as listener:
        listener.serve(application(shelf), ready=ready)


@contextmanager
def _shelf(path: Path, axes: str | None, progress: Progress | None) -> Iterator[Shelf]:
    """What is served; what was made for it goes when the server does."""
    if path.is_dir() and not (path / "meta.json").is_file():  # that would be a SOG
        if axes is not None:
            raise FormatError(f"{path}: axes are those of one scene, not of a folder")
        yield Shelf(path.resolve())
        return
    whole = path.resolve()
    as_it_is = axes is None and is_text(whole.name) and is_splatz(whole)
    if as_it_is and Shelf(whole.parent, only=whole.name).find(whole.name):
        facts_of(whole, str(path))  # a damaged file is refused here, not in the browser
        yield Shelf(whole.parent, only=whole.name)
        return
    data = splatz_bytes(path, axes=axes, progress=progress)
    with TemporaryDirectory(prefix="splatzip-") as folder:
        name = path.name.encode(errors="ignore").decode().strip(".").partition(".")[0] or "scene"
        made = Path(folder).resolve() / f"{name}{SUFFIX}"
        with atomic_write(made) as file:
            file.write(data)
        yield Shelf(made.parent, only=made.name)
