"""The installed web client: splatzip/web, written by `scripts/build-web` from viewer/web and native/.

index.html     the page around the viewer; `page` fills its marks
viewer.js      client and engine, one module without imports
worker.js      the decoder's worker, a classic script, so that it also starts from a Blob
decoder.wasm   the decoder
"""

from __future__ import annotations

from pathlib import Path

from splatzip.errors import BackendError

FOLDER = Path(__file__).parents[1] / "web"
FILES = ("index.html", "viewer.js", "worker.js", "decoder.wasm")


def folder() -> Path:
    """Where the client is.

    Raises: BackendError if it was not built.
    """
    for name in FILES:
        if not (FOLDER / name).is_file():
            raise BackendError(f"the web client lacks {name}; run scripts/build-web or install a released wheel")
    return FOLDER


def content(name: str) -> bytes:
    """The bytes of one of `FILES`."""
    return (folder() / name).read_bytes()
