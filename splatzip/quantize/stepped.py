"""Step sizes that follow from decoded values: a scene's arrays become the chunks of codec STEPPED.

    scene -> [quantize + entropy, native] -> container

The step of each number is a base times powers of what the decoder already knows about the splat (alpha, its scales, the
distance of its neighbours): fine where the splat is visible, coarse where it is not. `fineness` scales all bases.
Bitstream: docs/FORMAT.md 6. Native: native/src/stepped_*.cpp; vectors stepped_*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import SceneError
from splatzip.kernels.device import Engine
from splatzip.kernels.math import LN2, exact_exp
from splatzip.kernels.stepped import EncodedScene, LostValue, Source, Steps, encode_stepped, round_stepped
from splatzip.quantize import residual_vq, sub_vector_vq, vec_tree
from splatzip.scene import Scene
from splatzip.scene.attributes import sh_rest_count

# log2 of the base step at fineness 0 and its slope: where equal bits buy equal picture error, fitted on the scenes
# snowmiku and chair at seven qualities. Unit of the step behind the name.
_BASES: dict[str, tuple[float, float]] = {
    "opacity": (-5.5, -1.09),  # sqrt(alpha)
    "scale_0": (-4.95, -1.06),  # (s / reference)^0.60, largest scale
    "scale_1": (-4.32, -0.93),  # (s / reference)^0.80
    "scale_2": (-3.61, -0.86),  # (s / reference)^0.78
    "axis_needle": (-3.2, -1.17),  # radian
    "axis_disc": (-3.4, -1.13),
    "spin_needle": (-1.85, -1.16),  # of half a turn's range 2
    "spin_disc": (-2.25, -1.24),
    "position": (-3.86, -1.23),  # reference scale
    "color": (-3.74, -0.96),  # SH coefficient
    "sh": (-4.0, -1.0),
}

# The step goes with alpha^a s0^b s1^c s2^d spacing^e: exponents in the order of the features, found by experiment on
# the same scenes; theory gives their signs (error ~ (alpha x shift / size)^2 x area).
_EXPONENTS: dict[str, tuple[float, float, float, float, float]] = {
    "scale_0": (-0.68, 0, 0, 0, 0),
    "scale_1": (-0.64, -0.2, 0, 0, 0),
    "scale_2": (-0.56, -0.1, 0, 0, 0),
    "axis_needle": (-0.7, -1.15, 0.25, 0.24, 0),
    "axis_disc": (-0.65, -0.8, -0.2, 0.33, 0),
    "spin_needle": (-0.6, -0.21, -1.9, 1.0, 0),
    "spin_disc": (-0.6, -1.75, 0.95, 0.13, 0),
    "position": (-0.85, -0.07, 0.05, 0.35, 0),
    "color": (-0.86, -0.46, -0.15, 0.2, 0),
    "sh": (-0.68, -0.41, -0.15, 0.15, 0),
}
_SCALE_POWERS = (154, 205, 200)  # / 256
_OPACITY_POWER = 128  # / 256: sqrt(alpha)
_SOFTNESS = 0.5  # squared octree cells: a neighbour weighs 1 / (its squared distance + this)
_BY_COLOR_CLASS = ("color", "sh")  # the others go by the class of geometry: an octave a class

_MOST_HALF_OCTAVES = 40
_WEIGHT_UNIT = 64

# Far beyond anything that renders. What is beyond the codes of a splat's own steps is found as they are chosen.
_LIMITS = {"positions": 1e30, "log_scales": 60.0, "sh": 1e5}
Books = residual_vq.Options | sub_vector_vq.Options | None
# By name; None codes number by number. Those of scales and rotations are the published ones of Compact 3DGS and OMG.
SH_CODINGS: dict[str, Books | vec_tree.Options] = {
    "scalar": None,
    "residual_vq": residual_vq.Options(8, 64),
    "sub_vector_vq": sub_vector_vq.Options(3, 1024),
    "vec_tree": vec_tree.Options(),
}
GEOMETRY_CODINGS: dict[str, tuple[Books, Books]] = {
    "scalar": (None, None),
    "residual_vq": (residual_vq.Options(6, 64), residual_vq.Options(6, 64)),
    "sub_vector_vq": (sub_vector_vq.Options(3, 64), sub_vector_vq.Options(2, 512)),
}


@dataclass(frozen=True)
class Options:
    """How fine the steps are, and how a scene is divided.

    Attributes:
        fineness: each unit halves the steps; about 5.5 dB. Useful from -2.5 (30 dB) to 4 (65 dB).
        tile_splats: most splats per tile; larger tiles cost fewer bytes, smaller ones stream better.
        color_offset: offset to fineness for colour and SH; it does not change decoded geometry and opacity.
        octaves: offset to the log2 of a step, by its name (those of `_BASES`, or the part before "_").
        most_color: half octaves above its base that a step of colour or SH may grow: what is hardly visible now may
            show once a scene is edited.
        diffusion: share of an error of colour or SH that is subtracted from splats coded later.
        sh_dead_zone: share of a step by which SH codes shrink towards 0, the cheapest code, before they are rounded:
            values up to half a step plus that become 0. For values that settle, which compensates; not for books.
        shared_tiles: tiers share their tiles, each with the octree of the earlier ones as context. This is legal and
            costs more: with tiles of their own, tiers are 0.4 to 0.7 % smaller.
        sh_books, scale_books, rotation_books: how SH, a splat's three scales and its rotation (also three numbers) are
            made of codebook entries; None: scalar codes.
    """

    fineness: float = 0.0
    tile_splats: int = 10500
    color_offset: float = 0.0
    octaves: Mapping[str, float] = field(default_factory=dict)
    most_color: int = 6
    diffusion: float = 0.7
    sh_dead_zone: float = 0.0
    shared_tiles: bool = False
    sh_books: Books | vec_tree.Options = None
    scale_books: Books = None
    rotation_books: Books = None


def encode(
    scene: Scene, options: Options, *, tiers: NDArray[np.uint8] | None = None, classes: NDArray[np.int8] | None = None,
    fitted: bytes = b"", threads: int = 0, device: Engine = "cpu",
) -> EncodedScene:  # fmt: skip
    """Quantize and code a scene.

    Args:
        scene: N splats.
        options: see `Options`.
        tiers: (N,) importance tier of each splat, ascending from 0; None: one tier.
        classes: (N, 2) how many octaves coarser than similar splats the geometry and the colour of each splat may be,
            -8 to 8; None: no classes, and no bits for them.
        fitted: parameters of an earlier call for nearly the same scene, whose bases and predictions are reused, so that
            values which settled to be rounded by them still are; empty: they are fitted to this scene.
        threads: 0 for every core; the bytes do not depend on it.
        device: what trains codebooks; the bytes do not depend on it.
    Returns: the contents of the file's chunks.
    Raises: SceneError, naming row and attribute, if a value is too large for any step, or for the steps of its splat.
    """
    for name, most in _LIMITS.items():
        value = getattr(scene, name)
        if not max(value.max(), -value.min()) <= most:  # NaN, too
            row, column = divmod(int(np.abs(value).argmax()), value[0].size)
            raise SceneError(
                f"row {row}: {name} holds {value[row].flat[column]:g}, beyond what a visible splat can have "
                f"(+-{most:g}); preset lossless keeps it, or remove the row"
            )
    source = _source(scene, options, tiers=tiers, classes=classes, fitted=fitted)
    coded = encode_stepped(source, threads=threads, device=device)
    _refuse(scene, coded.lost)
    return coded


def rounded(
    scene: Scene, options: Options, *, tiers: NDArray[np.uint8] | None = None, classes: NDArray[np.int8] | None = None,
    fitted: bytes = b"", threads: int = 0,
) -> dict[str, NDArray[np.float32]]:  # fmt: skip
    """The values that a decoder would have, without coding the scene: no codebooks.

    Args and errors: as `encode`.
    Returns: arrays by name, in the rows of the scene.
    """
    return Rounding(options, tiers, classes, fitted, threads)(scene)


@dataclass(frozen=True, eq=False)
class Rounding:
    """How any values of one scene are rounded: see `encode`."""

    options: Options
    tiers: NDArray[np.uint8] | None
    classes: NDArray[np.int8] | None
    fitted: bytes
    threads: int

    def __call__(self, scene: Scene) -> dict[str, NDArray[np.float32]]:
        """See `rounded`."""
        out, lost = round_stepped(self.source(scene), threads=self.threads)
        _refuse(scene, lost)
        return dict(zip(scene.arrays(), out, strict=True))

    def source(self, scene: Scene) -> Source:
        """What kernels are given."""
        options = replace(self.options, sh_books=None, scale_books=None, rotation_books=None)
        return _source(scene, options, tiers=self.tiers, classes=self.classes, fitted=self.fitted)


def _source(
    scene: Scene, options: Options, *, tiers: NDArray[np.uint8] | None, classes: NDArray[np.int8] | None, fitted: bytes
) -> Source:
    arrays = list(scene.arrays().values())
    return Source(arrays, _steps(options, scene.sh_degree), tiers, classes, fitted)


def _refuse(scene: Scene, lost: LostValue | None) -> None:
    if lost is None:
        return
    name, values = list(scene.arrays().items())[lost.array]
    raise SceneError(
        f"row {lost.row}: {name} holds {np.abs(values[lost.row]).max():g}, too large to be coded at this quality; "
        "preset lossless keeps it, or remove the row"
    )


def _steps(options: Options, sh_degree: int) -> Steps:
    def log2_base(name: str) -> float:
        at_0, slope = _BASES[name]
        finer = options.color_offset if name in _BY_COLOR_CLASS else 0.0
        coarser = options.octaves.get(name, options.octaves.get(name.split("_")[0], 0.0))
        return at_0 + slope * (options.fineness + finer) + coarser

    def rule(name: str) -> list[float]:
        by_color = name in _BY_COLOR_CLASS
        most = options.most_color if by_color else _MOST_HALF_OCTAVES
        exponents = (*_EXPONENTS[name], 0 if by_color else 1, 1 if by_color else 0)
        return [bases[name], most, *(round(_WEIGHT_UNIT * e) for e in exponents)]

    log2_bases = [log2_base(name) for name in _BASES]
    bases = dict(zip(_BASES, exact_exp(np.multiply(log2_bases, LN2)).tolist(), strict=True))
    booked = [(options.sh_books, 3 * sh_rest_count(sh_degree)), (options.scale_books, 3), (options.rotation_books, 3)]
    return Steps(
        opacity_levels=int(np.clip(round(1 / bases["opacity"]), 2, 60000)),
        opacity_power=_OPACITY_POWER,
        softness=_SOFTNESS,
        scale_powers=_SCALE_POWERS,
        rules=[rule(name) for name in _EXPONENTS],
        tile_splats=options.tile_splats,
        shared_tiles=options.shared_tiles,
        diffusion=options.diffusion,
        sh_dead_zone=options.sh_dead_zone,
        books=[books.plan(width) if books and width else [] for books, width in booked],
        prices=[books.price if books else 0.0 for books, _ in booked],
        shares=[books.share if books else 1.0 for books, _ in booked],
    )
