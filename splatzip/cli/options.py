"""Options that several verbs share: one name, one help text."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

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


class Preset(str, Enum):
    """How much may be lost."""

    lossless = "lossless"
    near_lossless = "near-lossless"
    fast = "fast"


class Recipe(str, Enum):
    """Published methods."""

    lightgaussian = "lightgaussian"
    c3dgs = "c3dgs"
    omg = "omg"


Source = Annotated[Path, typer.Argument(metavar="IN", help="Scene in any format, recognised by its content.")]
Target = Annotated[Path, typer.Argument(metavar="OUT", help="File to write; its extension names the format.")]
Splatz = Annotated[Path, typer.Argument(metavar="FILE", help="A .splatz file.")]
FormatVersion = Annotated[
    int | None, typer.Option("--version", metavar="N", help="Version of OUT's format, where it has several (SPZ).")
]
Repair = Annotated[bool, typer.Option("--repair", help="Drop rows with NaN, Inf or a zero rotation.")]
Threads = Annotated[int, typer.Option(metavar="N", min=0, help="Threads; 0 takes every core.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")]
ViewsPath = Annotated[
    Path | None,
    typer.Option("--views", metavar="V", help="Cameras: COLMAP, transforms.json or cameras.json; a folder or a file."),
]
SplitOption = Annotated[
    SplitOf, typer.Option("--split", help="Which of --views; test: as split.json says, or every 8th.")
]
ExtentOption = Annotated[ExtentOf, typer.Option("--extent", help="Splats end at 3 sigma, or exactly where alpha does.")]
Background = Annotated[
    tuple[float, float, float], typer.Option(metavar="R G B", help="Colour behind the scene, 0 to 1.")
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


ShCoding = Annotated[
    CodingOfSh | None, typer.Option(help="SH number by number (default), or from codebooks of vectors.")
]
GeometryCoding = Annotated[CodingOfGeometry | None, typer.Option(help="The same of scales and rotations.")]
RecipeOption = Annotated[Recipe | None, typer.Option("--recipe", help="A published method instead of a preset.")]
