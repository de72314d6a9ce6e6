"""The viewer's page: title and settings filled in and, for the offline page, everything embedded.

    index.html + {title, settings}                                     a site: viewer.js, worker.js, ... are beside it
    index.html + {title, settings} + viewer, worker, decoder, scene    one file that works from file://

Binary parts are base64 in script elements that no browser runs; the client looks for them before it fetches
(viewer/web/src/parts.ts).
"""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from splatzip.publish import bundle

# Marks of viewer/web/index.html, each there once.
_TITLE = "<title>splatzip</title>"
_SETTINGS = '<script type="application/json" id="splatzip-settings">{}</script>'
_VIEWER = '<script type="module" src="./viewer.js"></script>'
_WAITS = ('<div id="splatzip-waits">', "</div>\n")  # about viewer.js, of which the offline page has no file
# One page has nobody to ask and asks nobody. Blobs are the worker; "wasm-unsafe-eval" lets it compile the decoder.
_OFFLINE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; connect-src blob: data:"
)


def site_page(title: str, settings: Mapping[str, Any]) -> str:
    """The page that lies beside the client's other files.

    Args:
        title: of the window.
        settings: of the client (viewer/web/src/config.ts); `src` is the scene's address from the page.
    """
    return _filled(title, settings)


def offline_page(title: str, settings: Mapping[str, Any], scene: bytes) -> str:
    """The page that holds the client and the scene."""
    parts = {"worker": bundle.content("worker.js"), "decoder": bundle.content("decoder.wasm"), "scene": scene}
    held = "\n".join(
        f'<script type="text/plain" id="splatzip-{name}">{b64encode(part).decode()}</script>'
        for name, part in parts.items()
    )
    # In a script element "</script" ends it, wherever it stands; "<!--" begins a state in which it does not.
    viewer = bundle.content("viewer.js").decode().replace("</script", "<\\/script").replace("<!--", "<\\!--")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_OFFLINE_POLICY}">'
    page, rest = _filled(title, settings).split(_WAITS[0])
    page += rest.split(_WAITS[1], 1)[1]
    page = _replaced(page, _VIEWER, f'{held}\n<script type="module">{viewer}</script>')
    return _replaced(page, "<head>", f"<head>\n{policy}")


def _filled(title: str, settings: Mapping[str, Any]) -> str:
    # "<" as an escape: no name can end the script element that holds the settings.
    text = json.dumps(settings, allow_nan=False).replace("<", "\\u003c")
    page = _replaced(bundle.content("index.html").decode(), _TITLE, f"<title>{html.escape(title)}</title>")
    return _replaced(page, _SETTINGS, _SETTINGS.replace("{}", text))


def _replaced(page: str, mark: str, content: str) -> str:
    before, after = page.split(mark)
    return f"{before}{content}{after}"
