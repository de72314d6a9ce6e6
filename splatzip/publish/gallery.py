"""A folder as a page: its scenes with the facts from their headers, its folders, and files to be compressed first."""

from __future__ import annotations

import html
import shlex
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from splatzip.errors import SplatzipError
from splatzip.publish.scenes import Listing
from splatzip.publish.source import facts_of, title_of
from splatzip.publish.thumbnail import HEIGHT, WIDTH
from splatzip.scene.attributes import float_bytes


def gallery_page(below: str, folder: Path, listing: Listing) -> str:
    """Make the page of one folder, to be shown at /files/BELOW/.

    Args:
        below: the folder's path below the root, without slashes around it; the heading, too.
        folder: where it is.
        listing: what it offers.
    """
    here = f"{below}/" if below else ""
    cards = [_scene_card(folder / scene, f"{here}{scene}") for scene in listing.scenes]
    folders = [f'<li><a href="{quote(one)}/">{html.escape(one)}/</a></li>' for one in listing.folders]
    foreign = [
        f"<li>{html.escape(one)}: compress it first with <code>splatzip compress {html.escape(_argument(one))} "
        f"{html.escape(_argument(one.partition('.')[0] + '.splatz'))}</code></li>"
        for one in listing.foreign
    ]
    body = "".join(
        f"<h2>{title}</h2><ul class={kind}>{''.join(items)}</ul>"
        for title, kind, items in (("Scenes", "scenes", cards), ("Folders", "folders", folders),
                                   ("Not compressed", "foreign", foreign))
        if items
    )  # fmt: skip
    page = (files("splatzip.publish") / "gallery.html").read_text("utf-8")
    before, after = page.replace("{{name}}", html.escape(below or "splatzip")).split("{{body}}")
    return f"{before}{body or '<p>There are no scenes here.</p>'}{after}"


def _argument(name: str) -> str:
    """A name as a shell reads it, in a line that is there to be copied: it may have been chosen by somebody else."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)


def viewer_link(below: str) -> str:
    """Of the viewer with the scene at a path below the root."""
    address = quote(f"../files/{below}")
    return f"/web/?src={quote(address, safe='/')}"  # quoted again: an address inside an address


def _scene_card(path: Path, below: str) -> str:
    try:
        stat = path.stat()
        facts = _facts(path, stat.st_mtime_ns, stat.st_size)
    except (SplatzipError, OSError) as error:  # of one that is taken away meanwhile the reason, not its whole path
        reason = str(error.strerror if isinstance(error, OSError) else error)
        return f"<li><b>{html.escape(path.name)}</b><p class=bad>{html.escape(reason)}</p></li>"
    size = stat.st_size / 1e6
    ratio = f"{facts['ratio']:.1f} times smaller than as floats"
    said = f"{facts['splats']:,} splats, SH degree {facts['sh_degree']}, {size:.3g} MB, {ratio}"
    picture = f'<img src="/pictures/{quote(below)}" alt="" loading="lazy" width="{WIDTH}" height="{HEIGHT}">'
    link = html.escape(viewer_link(below))
    return f'<li><a href="{link}">{picture}<b>{html.escape(facts["title"])}</b><p>{said}</p></a></li>'


@lru_cache(maxsize=1024)
def _facts(path: Path, _mtime: int, _size: int) -> dict[str, Any]:
    """Kept as long as the file stays the same."""
    facts = facts_of(path, path.name)
    return {
        "splats": facts["splats"],
        "sh_degree": facts["sh_degree"],
        "ratio": float_bytes(facts["splats"], facts["sh_degree"]) / facts["bytes"],
        "title": title_of(facts, path.name),
    }
