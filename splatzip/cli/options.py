"""Options that several verbs share: one name, one help text.

Paths are `readable=False`, which is not checked here: what opens one says so, and of many scenes it stops no other.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer


class SplitOf(str, Enum):
    """Which views of a capture."""

    test = "test"
    train = "train"
    all = "all"


class ExtentOf(str, Enum):
    """Where a splat ends."""

    three_sigma = "3sigma"
    exact = "exact"


class Device(str, Enum):
    """What decodes."""

    cpu = "cpu"
    cuda = "cuda"


class DrawingDevice(str, Enum):
    """What draws, or encodes by drawing."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Preset(str, Enum):
    """How much may be lost."""

    lossless = "lossless"
    near_lossless = "near-lossless"
    fast = "fast"
    balanced = "balanced"


class Recipe(str, Enum):
    """Published methods."""

    lightgaussian = "lightgaussian"
    c3dgs = "c3dgs"
    omg = "omg"


Source = Annotated[
    Path, typer.Argument(metavar="IN", help="Scene in any format, recognised by its content.", readable=False)
]
ScenesAndTarget = Annotated[
    list[Path],
    typer.Argument(metavar="PATHS", help="IN OUT.splatz; or, with --to, IN..., scenes or folders.", readable=False),
]
Target = Annotated[
    Path, typer.Argument(metavar="OUT", help="File to write; its extension names the format.", readable=False)
]
PictureOrVideo = Annotated[
    Path, typer.Argument(metavar="OUT", help="Picture (.png), or video with --orbit (.mp4).", readable=False)
]
CameraFile = Annotated[
    Path | None, typer.Option("--camera", metavar="FILE", help="Use the only camera in this file.", readable=False)
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write the summary to a JSON file.", readable=False)
]
Splatz = Annotated[Path, typer.Argument(metavar="FILE", help="A .splatz file.", readable=False)]
FormatVersion = Annotated[
    int | None,
    typer.Option("--version", metavar="N", help="Version of OUT's format, if it has several (SPZ: 2, 3 or 4)."),
]
Repair = Annotated[bool, typer.Option("--repair", help="Drop splats with NaN, Inf or a zero rotation.")]


def _axes(letters: str | None) -> str | None:
    """Where x, y and z point, in capitals: one letter of each pair.

    Raises: typer.BadParameter.
    """
    if letters is not None and sorted(letters.upper().translate(str.maketrans("LDB", "RUF"))) != ["F", "R", "U"]:
        raise typer.BadParameter(
            f"{letters}: expected where x, y and z point, a letter each of R or L, U or D, F or B, such as RDF"
        )
    return letters and letters.upper()


Axes = Annotated[
    str | None,
    typer.Option(
        "--axes", metavar="XYZ", callback=_axes,
        help="Where x, y and z of IN point, if not as its format says: RDF (right, down, front) is PLY's, RUB (right, "
        "up, back) that of SPZ, glTF and USD. An SPZ or a USD that lies upside down is often RDF.",
    ),
]  # fmt: skip
Threads = Annotated[int, typer.Option(metavar="N", min=0, max=9999, help="Threads; 0 uses every core.")]
DeviceName = Annotated[
    Device, typer.Option("--device", help="What decodes; cuda is an NVIDIA GPU. The result is the same.")
]
EncodingDevice = Annotated[
    DrawingDevice,
    typer.Option(
        "--device", help="What renders, optimizes and trains codebooks; auto is an NVIDIA GPU if there is one."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only warnings and errors.")]
ViewsPath = Annotated[
    Path | None,
    typer.Option(
        "--views",
        metavar="V",
        help="Cameras, a folder or a file: COLMAP, transforms.json or cameras.json.",
        readable=False,
    ),
]
ToFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Compress every IN into this folder.", readable=False)
]
Jobs = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="With --to: scenes to compress at a time. Default: 1.")
]
PresetOption = Annotated[
    Preset | None,
    typer.Option(
        help="Default: balanced; fast with a coding option; lossless if IN is quantized, such as SPZ or SOG, "
        "and no target, degree, share or views are given."
    ),
]
Quality = Annotated[float | None, typer.Option(metavar="DB", min=30, max=65, help="PSNR against IN to aim for.")]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify", help="Render the result and store its PSNR in the file; with --quality, adjust until it is met."
    ),
]
Degree = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=0, max=4, help="Highest SH degree to keep. Only balanced refits it; other presets truncate."
    ),
]
SizeOption = Annotated[
    str | None, typer.Option("--size", metavar="SIZE", help="Largest file to write, such as 800KB or 4MB (10^6).")
]
MaxLoss = Annotated[
    float | None, typer.Option("--max-loss", metavar="DB", help="Most PSNR to lose, measured on the photos of --views.")
]
BestEffort = Annotated[
    bool, typer.Option("--best-effort", help="If a target is out of reach, write the closest result.")
]
OnlyViews = Annotated[bool, typer.Option("--no-pseudo-views", help="With --views: use no other cameras.")]
EncoderViews = Annotated[
    Path | None,
    typer.Option(
        "--views",
        metavar="V",
        help="Cameras to use besides pseudo-views, a folder or a file. Photos: see --photos, --max-loss.",
        readable=False,
    ),
]
Photos = Annotated[bool, typer.Option("--photos", help="With --views: correct the scene by the photos there.")]
ViewWeight = Annotated[
    float | None,
    typer.Option("--view-weight", metavar="W", help="With --views: weight of each camera; a pseudo-view has weight 1."),
]
Prune = Annotated[
    str | None,
    typer.Option(
        "--prune",
        metavar="SHARE",
        help="Share of splats to remove, such as 0.6 or 60%, or none. Default: those not worth their bits.",
    ),
]
DropUnseen = Annotated[
    bool, typer.Option("--drop-unseen", help="Also remove splats that no view sees; by default they stay.")
]
SplitOption = Annotated[
    SplitOf, typer.Option("--split", help="Which of --views to use; test: as split.json says, else every 8th.")
]
ExtentOption = Annotated[
    ExtentOf, typer.Option("--extent", help="Where splats end: at 3 sigma at most, or only where alpha does.")
]


def _colour(parts: Any) -> Any:
    # Three floats. Typer asks of what class the argument is, and Python 3.10 takes tuple[float, ...] for a class.
    if not all(0 <= part <= 1 for part in parts):
        raise typer.BadParameter(f"{' '.join(f'{part:g}' for part in parts)}: expected three numbers from 0 to 1")
    return parts


Background = Annotated[
    tuple[float, float, float],
    typer.Option(metavar="R G B", help="Colour behind the scene, 0 to 1.", callback=_colour),
]


class CodingOfSh(str, Enum):
    """How SH is quantized."""

    scalar = "scalar"
    residual_vq = "residual_vq"
    sub_vector_vq = "sub_vector_vq"
    vec_tree = "vec_tree"


class CodingOfGeometry(str, Enum):
    """How scales and rotations are."""

    scalar = "scalar"
    residual_vq = "residual_vq"
    sub_vector_vq = "sub_vector_vq"


ShCoding = Annotated[CodingOfSh | None, typer.Option(help="Quantize SH as scalars (default) or with vector codebooks.")]
GeometryCoding = Annotated[CodingOfGeometry | None, typer.Option(help="The same for scales and rotations.")]
RecipeOption = Annotated[Recipe | None, typer.Option("--recipe", help="Use a published method instead of a preset.")]


def name_of(choice: Enum | None) -> str | None:
    """What one of several choices is called by the library."""
    return None if choice is None else str(choice.value)


def bytes_of(size: str | None, option: str = "--size") -> int | None:
    """How many bytes "800KB", "4MB" or "123456" are.

    Raises: typer.BadParameter.
    """
    if size is None:
        return None
    number = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([kKMG]?)i?B?", size.strip())
    if not number:
        raise typer.BadParameter(f"{option} {size}: expected a number of bytes, or one with KB, MB or GB")
    binary = "iB" in size
    unit = {"": 0, "K": 1, "M": 2, "G": 3}[number[2].upper()]
    return int(float(number[1]) * (1024 if binary else 1000) ** unit)


def share_of(prune: str | None) -> float | None:
    """Which share "0.6", "60%" or "none" is.

    Raises: typer.BadParameter.
    """
    if prune is None:
        return None
    if prune.strip().lower() == "none":
        return 0.0
    number = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*(%?)", prune.strip())
    if not number:
        raise typer.BadParameter(f"--prune {prune}: expected a share like 0.6 or 60%, or none")
    return float(number[1]) / (100 if number[2] else 1)
