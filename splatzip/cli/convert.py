"""`splatzip convert`: from any format into any other."""

from __future__ import annotations

from splatzip.cli.console import progress_bar
from splatzip.cli.options import AsJson, Axes, Force, FormatVersion, Quiet, Repair, Source, Target
from splatzip.cli.source import load_and_warn
from splatzip.cli.summary import Stopwatch, conversion, show
from splatzip.cli.target import check_target, save_and_warn


def convert(
    source: Source,
    target: Target,
    repair: Repair = False,
    axes: Axes = None,
    version: FormatVersion = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Convert a scene from any format into another.

    A warning lists what the new format cannot hold.
    """
    check_target(target, force=force)
    watch = Stopwatch()
    with progress_bar(quiet=quiet or as_json) as progress:
        progress(0.0, "reading")
        with watch.step("read"):
            scene = load_and_warn(source, repair=repair, axes=axes)
        progress(0.5, "writing")
        with watch.step("write"):
            lost = save_and_warn(scene, target, version=version)
    show(conversion(source, target, scene, watch, lost=lost), as_json=as_json, quiet=quiet)
