"""The compression options: only those that the method uses, and the command line that does the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from splatzip_viewer.sessions import Session
from splatzip_viewer.settings import (
    AS_IT_IS,
    PRESETS,
    RECIPES,
    TARGETS,
    WHAT_PAYS,
    Settings,
    crop_command,
    takes,
    targets_of,
)
from splatzip_viewer.tabs import EVENT, Page

_TARGETS = {"none": "none", "size": "size", "quality": "quality", "loss": "loss on photos"}
_SLIDERS = {"size": "size_kb", "quality": "quality_db", "loss": "loss_db"}
_METHODS = [*PRESETS, *((f"{recipe} (published)", recipe) for recipe in RECIPES)]
_PRUNED = [
    ("those not worth their bits", WHAT_PAYS),
    ("none", "0"),
    *((f"{share} %", f"0.{share}") for share in (30, 60, 90)),
]
# How names of scenes end.
_END = re.compile(r"(\.compressed)?\.(splatz|ply|spz|sog|splat|ksplat|glb|gltf|usd[acz]?)$", re.IGNORECASE)
_ANY_SIZE = 10, 10_000  # KB, until a scene is open
_ALWAYS_OFFERED = {"method", "prune", "drop_unseen"}  # the last two within what is hidden as a whole
# What cameras of the capture are good for.
_VIEWS_OF_BALANCED = "Also use the capture's cameras"
_VIEWS_OF_A_RECIPE = "Use the capture's cameras instead of cameras around the scene"
_VIEWS_OF_OTHERS = "Store an opening view and the up direction from the capture's cameras"


class Choosing:
    """The choices, by the fields of `Settings`, and the command."""

    def __init__(self) -> None:
        self._by_name: dict[str, Any] = {
            "method": gr.Dropdown(_METHODS, value="balanced", label="Preset or recipe", elem_id="method"),
            "target": gr.Radio(_targets(TARGETS), value="none", label="Target", elem_id="target"),
            "size_kb": gr.Slider(*_ANY_SIZE, 1000, step=1, label="Largest file, KB", visible=False, elem_id="size"),
            "quality_db": gr.Slider(30, 65, 40, step=0.5, label="PSNR against the source, dB", visible=False),
            "loss_db": gr.Slider(
                0.05, 2, 0.3, step=0.05, label="Most PSNR to lose on the capture's photos, dB", visible=False
            ),
            "verify": gr.Checkbox(
                False, label="Verify by rendering, and adjust until the quality is met", visible=False
            ),
            "best_effort": gr.Checkbox(False, label="If out of reach, take the closest result", visible=False),
            "degree": gr.Radio([AS_IT_IS, "0", "1", "2", "3"], value=AS_IT_IS, label="SH degree to keep"),
            "views": gr.Checkbox(False, label=_VIEWS_OF_BALANCED, visible=False),
            "photos": gr.Checkbox(False, label="Also learn from its photos", visible=False),
            "only_views": gr.Checkbox(False, label="Use no other cameras", visible=False),
        }
        with gr.Accordion("Removing splats", open=False, elem_id="pruning") as self._pruning:
            self._by_name |= {
                "prune": gr.Dropdown(_PRUNED, value=WHAT_PAYS, label="Splats to remove"),
                "drop_unseen": gr.Checkbox(False, label="Also remove splats that no view sees"),
            }
        self._command = gr.Code(
            label="The same as a command line", interactive=False, lines=1, elem_id="command", wrap_lines=True,
            show_line_numbers=False, buttons=["copy"],
        )  # fmt: skip

    @property
    def inputs(self) -> set[Any]:
        """What a handler of the page takes to know what was chosen: {component: value}."""
        return set(self._by_name.values())

    def settings(self, session: Session, chosen: Mapping[Any, Any]) -> Settings:
        """What was chosen, for the scene of a session."""
        values = {name: chosen[component] for name, component in self._by_name.items()}
        for name in _SLIDERS.values():
            values[name] = self._nearest(session, name, values[name])
        needs_views = values["target"] == "loss" in targets_of(values["method"])
        values["views"] = session.views_path if values["views"] or needs_views else None
        values["photos"] = values["photos"] and session.has_training_photos
        return Settings(**values)

    def _nearest(self, session: Session, name: str, typed: float | None) -> float:
        """The value of a slider that is nearest to what is in its field, perhaps only half typed, or nothing."""
        slider = self._by_name[name]
        low, high = (slider.minimum, slider.maximum) if name != "size_kb" else _size_bounds(session)
        return low if typed is None else min(max(typed, low), high)

    def register(self, page: Page) -> None:
        """What shows the session."""
        page.shows(self._by_name["size_kb"], _size_slider)

        def choose(chosen: dict[Any, Any], request: gr.Request) -> dict[Any, Any]:
            session = page.session(request)
            return self._offered(session, self.settings(session, chosen))

        # Nothing that answers leave alone: whoever clicks there meanwhile shall find it as it was left.
        offered = [component for name, component in self._by_name.items() if name not in _ALWAYS_OFFERED]
        outputs = [self._command, self._pruning, *offered]
        as_sent = {"preprocess": False}  # else Gradio complains about a number that is being typed
        page.follows(choose, self.inputs, outputs, **as_sent)
        # One event for all: what is chosen while an answer is on its way is asked for after it, and no answer is late.
        changes = [component.input for component in self._by_name.values()]
        gr.on(changes, choose, self.inputs, outputs, trigger_mode="always_last", **as_sent, **EVENT)

    def _offered(self, session: Session, settings: Settings) -> dict[Any, Any]:
        """The command that does what was chosen, and the choices that are left."""
        by_name, method = self._by_name, settings.method
        cameras = None if session.capture is None else session.capture[0]
        has_photos = session.has_training_photos
        targets = targets_of(method, has_photos=has_photos)
        aim = {} if settings.target in targets else {"value": "none"}
        degrees = 0 if session.ref is None else session.ref.known.sh_degree
        changes = {
            self._command: _command(session, settings),
            self._pruning: gr.update(visible=takes(method, "prune")),
            by_name["target"]: gr.update(choices=_targets(targets), visible=len(targets) > 1, **aim),
            by_name["degree"]: gr.update(
                choices=[AS_IT_IS, *map(str, range(degrees))], visible=degrees > 0 and takes(method, "degree")
            ),
            by_name["views"]: gr.update(visible=cameras is not None, label=_views_label(method)),
            by_name["photos"]: gr.update(visible=has_photos and settings.counts("photos")),
        }
        changes |= {
            by_name[name]: gr.update(visible=settings.target == target in targets) for target, name in _SLIDERS.items()
        }
        changes |= {
            by_name[name]: gr.update(visible=settings.counts(name)) for name in ("verify", "best_effort", "only_views")
        }
        return changes


def _views_label(method: str) -> str:
    if method in RECIPES:
        return _VIEWS_OF_A_RECIPE
    return _VIEWS_OF_BALANCED if method == "balanced" else _VIEWS_OF_OTHERS


def _targets(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(_TARGETS[name], name) for name in names]


def _command(session: Session, settings: Settings) -> str:
    opened = session.whole or session.ref
    source = "scene.ply" if opened is None else opened.name
    if opened is not None and session.folder not in opened.path.parents:
        source = str(opened.path)  # a path on this machine, not an upload
    axes = None if opened is None else opened.axes
    if session.whole is None or session.ref is None:
        return settings.command(source, made_name(Path(source).name, ".splatz"), axes=axes)
    part = session.ref.name
    cropping = crop_command(source, part, session.whole.box, axes=axes)
    return f"{cropping}\n{settings.command(part, made_name(part, '.splatz'))}"


def made_name(source: str, suffix: str) -> str:
    """What a file that is made of another one is called."""
    return (_END.sub("", source) or "scene") + suffix


def _size_slider(session: Session) -> Any:
    """What was chosen for a scene stays; for another one, a fortieth of it as floats."""
    if session.ref is None or not session.is_first("size"):
        return gr.skip()
    low, high = _size_bounds(session)
    return gr.update(minimum=low, maximum=high, value=max(low, round(session.ref.known.float_bytes / 40_000)))


def _size_bounds(session: Session) -> tuple[int, int]:
    """In KB: from a thousandth to a quarter of the scene as floats."""
    if session.ref is None:
        return _ANY_SIZE
    floats = session.ref.known.float_bytes / 1000
    return max(1, round(floats / 1000)), max(100, round(floats / 4))
