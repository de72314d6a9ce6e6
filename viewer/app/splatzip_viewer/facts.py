"""Tables: facts about the open scenes and the views that they were measured from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from splatzip import Scene
from splatzip_viewer.opened import OpenScene, Outline

_INVISIBLE_LOGIT = float(np.log(1 / 254))  # opacity 1/255: no pixel shows it
_FAR = 10.0  # times the distance within which 85 % are
_LONGEST_NAME = 24
_LABELS = ("Source", "Compared")


def facts_table(scenes: Mapping[str, OpenScene]) -> str:
    """An HTML table, one column a scene."""
    if not scenes:
        return ""
    shown = list(scenes.values())
    rows = [_row("", [_LABELS[name == "test"] for name in scenes], "th")] if len(shown) > 1 else []
    columns = [_facts_of(scene) for scene in shown]
    if len(shown) > 1:
        columns[1]["Share of the source's size"] = f"{100 * shown[1].bytes / shown[0].bytes:.3g} %"
        columns[1]["Smaller than raw floats"] = f"{shown[0].known.float_bytes / shown[1].bytes:.1f} times"
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows += [_row(name, [column.get(name, "") for column in columns]) for name in names]
    return f'<table class="facts">{"".join(rows)}</table>'


def _row(name: str, cells: Sequence[str], tag: str = "td") -> str:
    return f"<tr><th>{escape(name)}</th>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _facts_of(opened: OpenScene) -> dict[str, str]:
    scene, meta = opened.known, opened.known.meta
    n = len(scene)
    facts = {
        "Name": short_name(opened.name),
        "File": f"{size_text(opened.bytes)} ({opened.bytes:,} bytes)",
        "Splats": f"{n:,}",
        "SH degree": str(scene.sh_degree),
        "Bits per splat": f"{8 * opened.bytes / n:.1f}",
        **_extent(scene),
        "Opacity below 1/255": _share(int((scene.opacity_logits < _INVISIBLE_LOGIT).sum()), n),
    }
    if opened.facts is not None:
        settings, quality = opened.facts["settings"] or {}, opened.facts["quality"] or {}
        facts["Preset"] = str(settings.get("preset", "unknown"))
        if "psnr_db" in quality:
            facts["Measured by the encoder"] = f"{quality['psnr_db']:.2f} dB"
        facts["Tiers, tiles"] = f"{opened.facts['tiers']}, {opened.facts['tiles']}"
    for label, value in (("Title", meta.title), ("Author", meta.author), ("Licence", meta.licence)):
        if value:
            facts[label] = str(value)
    if opened.not_by_gpu:
        facts["Drawn by"] = f"the CPU ({opened.not_by_gpu})"
    if (opened.facts or {}).get("source") or (isinstance(scene, Scene) and scene.source is not None):
        facts["Came quantized"] = "yes: lossless keeps its codes"
    if meta.antialiased:
        facts["Antialiased"] = "yes"
    if meta.ignored:
        facts["Ignored parts"] = ", ".join(meta.ignored)
    return facts


def _extent(scene: Scene | Outline) -> dict[str, str]:
    low, high = np.quantile(scene.positions, [0.01, 0.99], axis=0)
    away = np.linalg.norm(scene.positions - np.median(scene.positions, axis=0), axis=1)
    radius = float(np.quantile(away, 0.85))
    return {
        "Extent of 98\u00a0%": " x ".join(f"{side:.3g}" for side in high - low),
        f"Beyond {_FAR:g} radii": _share(int((away > _FAR * radius).sum()), len(scene)),
    }


def _share(count: int, of: int) -> str:
    return f"{count:,}" if count == 0 else f"{count:,}, {100 * count / of:.2g} %"


def short_name(name: str) -> str:
    """A name that fits beside a picture; of a long one the middle goes, for ends tell files apart."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:9]}\u2026{name[-12:]}"


def size_text(count: float) -> str:
    """Bytes as people read them; KB and MB are 10^3 and 10^6."""
    for unit, power in (("GB", 9), ("MB", 6), ("KB", 3)):
        if count >= 10**power:
            return f"{count / 10**power:.3g} {unit}"
    return f"{count:.0f} bytes"


def views_rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Rows of the table of views, the worst first: name, PSNR, SSIM, and dB lost on the photo if there are photos."""
    worst_first = sorted(found["views"], key=lambda view: view["psnr"])
    return [
        [view["name"], f"{view['psnr']:.2f}", f"{view['ssim']:.4f}"]
        + ([f"{view['photo']['ref_psnr'] - view['photo']['test_psnr']:.2f}"] if "photo" in view else [])
        for view in worst_first
    ]


def quality_words(found: Mapping[str, Any]) -> str:
    """One line: what was measured."""
    words = f"{found['psnr']:.2f} dB, SSIM {found['ssim']:.4f} against the source, mean over {found['seen_from']}"
    if "photo" in found:
        words += f"; {found['photo']['ref_psnr'] - found['photo']['test_psnr']:.2f} dB lost on photos"
    return words
