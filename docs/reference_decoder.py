"""The reference decoder of .splatz: docs/FORMAT.md as code.

    python docs/reference_decoder.py IN.splatz OUT.npz

The files in docs/reference/ follow the sections of the document. They are written for reading and comparison, not for
speed: ten thousand splats take a second. They need numpy and share no code with the package. numpy is used elementwise
only: no matmul, no sum, nothing whose order of additions is up to the library. Every float array is float32; Python's
own floats are the float64 of the format.

Anything that the format does not allow raises BadFile.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reference.container import CODEC_COLUMNS, CODEC_STEPPED, META, json_chunk, take_apart
from reference.numbers import BadFile, check
from reference.parts import first_bytes
from reference.stepped import decode_stepped


def check_scene(arrays: dict[str, NDArray[Any]]) -> None:
    """1.3: what no scene may hold."""
    for name in ("positions", "log_scales", "rotations", "sh"):
        check(np.isfinite(arrays[name]).all(), f"{name} are not finite")
    check(not np.isnan(arrays["opacity_logits"]).any(), "NaN in opacity_logits")
    check(arrays["rotations"].any(axis=1).all(), "a zero quaternion")


def decode(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of a file: positions, log_scales, rotations, opacity_logits, sh (float32) and origin (float64)."""
    file = take_apart(data)
    check(file.codec in (CODEC_STEPPED, CODEC_COLUMNS), f"codec {file.codec} is not known")
    with np.errstate(all="ignore"):  # hostile numbers are found by check_scene
        if file.codec == CODEC_STEPPED:
            arrays = decode_stepped(file)
        else:
            from reference.columns import decode_columns

            try:
                arrays = decode_columns(file)
            except KeyError as error:  # of an array, a table or a field of the header
                raise BadFile(f"the source has no {error}") from None
    check_scene(arrays)
    json_chunk(file, META)  # says nothing of the arrays, but has to be one
    return {**arrays, "origin": np.array(file.origin)}


def decode_part(data: bytes, length: int) -> dict[str, NDArray[Any]]:
    """What to draw of the first `length` bytes of a whole file of codec STEPPED (3.7): see `first_bytes`."""
    file = take_apart(data)
    check(file.codec == CODEC_STEPPED, "parts are shown for codec STEPPED")
    return first_bytes(file, decode_stepped(file), length)


def main() -> None:
    """Decode a file into an .npz."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    arrays = decode(Path(sys.argv[1]).read_bytes())
    np.savez_compressed(sys.argv[2], **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
