"""The server: it answers at once with a first picture, and with the page as soon as Gradio is loaded.

    scenes -> listen -> [starting page] -> Gradio is imported, the page is built -> [page]

Gradio takes seconds to import; meanwhile the visitor sees the scene.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from splatzip import BackendError, Listener, SplatzipError, Views, ViewsError, chosen_device
from splatzip_viewer.opened import Device, OpenScene

PORT = 7860
MOST_UPLOAD_BYTES = 1_000_000_000
_NEEDED = ("gradio", "uvicorn", "starlette")


def view(
    scene: str | Path | None = None,
    *,
    ref: str | Path | None = None,
    axes: str | None = None,
    views: str | Path | None = None,
    host: str = "127.0.0.1",
    port: int = PORT,
    auth: tuple[str, str] | None = None,
    max_upload_bytes: int = MOST_UPLOAD_BYTES,
    device: Device = "auto",
    ready: Callable[[str], None] | None = None,
) -> None:
    """Show a scene, what compression does to it and where its bytes go, in a browser; until interrupted.

    Args:
        scene: any format; None: the page asks for one.
        ref: what `scene` is compared with: the source it was made of.
        axes: where x, y and z point, in those of the two that are no .splatz; see `splatzip.load`.
        views: cameras (and photos) of the capture; None: what lies beside the source, if it is of that scene.
        host: address to listen on; "0.0.0.0" lets other machines in: give `auth` then.
        port: 0 takes any that is free.
        auth: a name and a password that the page asks for.
        max_upload_bytes: of one upload.
        device: what draws: "cpu", "cuda" (a GPU), or "auto": a GPU where there is one.
        ready: called with the address once connections are accepted.
    Raises: BackendError without Gradio or the device, or if the port is taken; ViewsError, FormatError, SceneError,
        OSError.
    """
    for package in _NEEDED:
        if find_spec(package) is None:
            raise BackendError(f"the viewer needs {package}; pip install 'splatzip[viewer]'")
    if scene is None and (ref is not None or views is not None):
        what = "cameras" if ref is None else "a source to compare with"
        raise SplatzipError(f"{what}, but no scene; give both")
    chosen_device(device)
    from splatzip_viewer.starting import Switch, first_picture

    with Listener(host, port) as listener, TemporaryDirectory(prefix="splatzip-view-") as folder:
        opened = {
            name: OpenScene.load(Path(path), axes=axes, device=device)
            for name, path in (("ref", ref or scene), ("test", ref and scene))
            if path
        }
        cameras = capture_views(Path(ref or scene or "."), views) if opened else None
        first = None if auth or not opened else first_picture(opened, cameras)

        def build() -> Any:
            # Before the first import of Gradio, which reads these then.
            uploads = Path(folder) / "uploads"
            os.environ.update(
                GRADIO_TEMP_DIR=str(uploads), GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1"
            )
            from splatzip_viewer.application import application

            return application(
                Path(folder), opened, cameras, host=host, port=listener.port, auth=auth,
                max_upload_bytes=max_upload_bytes, device=device,
            )  # fmt: skip

        switch = Switch(build, first, failed=listener.stop)
        listener.serve(switch, ready=ready)
        if switch.failure is not None:
            raise switch.failure


def capture_views(source: Path, views: str | Path | None) -> tuple[Views, Path] | None:
    """The cameras that go with a source: those that are named, else what lies beside it.

    Returns: the views and where they are from; None if nothing is there.
    Raises: ViewsError for named ones that cannot be used.
    """
    if views is not None:
        return Views.load(views), Path(views)
    beside = source if source.is_dir() else source.parent
    for name in ("transforms.json", "cameras.json", "sparse"):
        if (beside / name).exists():
            try:
                return Views.load(beside), beside
            except ViewsError:  # nobody asked for them
                return None
    return None
