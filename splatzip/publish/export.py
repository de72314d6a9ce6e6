"""A scene as one offline page, or as a folder that any web server can serve."""

from __future__ import annotations

import shutil
from pathlib import Path

from splatzip.errors import FormatError
from splatzip.formats.output import atomic_folder, atomic_write
from splatzip.progress import Progress
from splatzip.publish import bundle
from splatzip.publish.page import offline_page, site_page
from splatzip.publish.source import facts_of, splatz_bytes, title_of

# Base64 makes 4 characters of 3 bytes, and browsers take no text above half a gigabyte.
MAX_OFFLINE_BYTES = 256_000_000


def export_html(
    source: str | Path, target: str | Path, *, axes: str | None = None, progress: Progress | None = None
) -> None:
    """Write one page that contains viewer and scene: it opens from disk and contacts no other host.

    Args:
        source: a .splatz file, or a scene in another format, which is compressed without losing splats.
        target: the .html file.
        axes: where x, y and z of a scene in another format point; see `load`.
        progress: called with the share done and a word for the step.
    Raises: BackendError if the web client was not built, FormatError (a scene too large for one page, too), OSError.
    """
    bundle.folder()
    source, target = Path(source), Path(target)
    data = splatz_bytes(source, axes=axes, progress=progress)
    if len(data) > MAX_OFFLINE_BYTES:
        raise FormatError(f"{source}: {len(data):,} bytes are too many for one page; use export-web")
    page = offline_page(title_of(facts_of(data, str(source)), source.stem), {}, data)
    with atomic_write(target) as file:
        file.write(page.encode())


def export_web(
    source: str | Path, target: str | Path, *, axes: str | None = None, progress: Progress | None = None
) -> None:
    """Write a static site with viewer and scene, ready to upload.

    Args:
        source: as for `export_html`.
        target: the folder; it must not exist, or be empty.
        axes: as for `export_html`.
        progress: called with the share done and a word for the step.
    Raises: BackendError if the web client was not built, FormatError, OSError.
    """
    bundle.folder()
    source, target = Path(source), Path(target)
    data = splatz_bytes(source, axes=axes, progress=progress)
    title = title_of(facts_of(data, str(source)), source.stem)
    name = _name(source)
    with atomic_folder(target) as folder:
        for part in bundle.FILES:
            shutil.copyfile(bundle.folder() / part, folder / part)
        (folder / name).write_bytes(data)
        (folder / "index.html").write_text(site_page(title, {"src": f"./{name}"}), encoding="utf-8")


def _name(source: Path) -> str:
    """The scene's file beside the page: a plain name that needs no escape in any address."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in source.name.partition(".")[0])
    return f"{plain.strip('-') or 'scene'}.splatz"
