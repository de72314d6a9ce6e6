"""Similarity of two pictures: PSNR, SSIM, MS-SSIM, FLIP, LPIPS.

Pictures are (H, W, 3) float32 of display values (sRGB, not linear light), clipped to 0..1 by the caller. The same two
pictures give the same bits of PSNR, SSIM and MS-SSIM from any number of threads and any instruction set.
Native: native/src/metrics.cpp.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import BackendError, ViewsError
from splatzip.kernels.metrics import mean_squared_error, structural_similarity

Floats = NDArray[np.float32]

MOST_PSNR = 100.0  # dB, what equal pictures get: a mean over views stays finite
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_LEAST_MS_SSIM_SIZE = 11 << (len(_SCALE_WEIGHTS) - 1)  # the smallest scale still holds the window


def psnr(a: ArrayLike, b: ArrayLike, *, threads: int = 0) -> float:
    """Peak signal-to-noise ratio in dB, -10 log10 of the mean squared error over pixels and colours; at most 100.

    Args:
        a, b: (H, W, 3) in 0..1.
        threads: 0 for every core.
    Raises: ViewsError if these are not two pictures of the same size, or hold integers.
    """
    error = mean_squared_error(*_two_pictures(a, b), threads=threads)
    return float(-10 * np.log10(max(error, 10 ** (-MOST_PSNR / 10))))


def ssim(a: ArrayLike, b: ArrayLike, *, threads: int = 0) -> float:
    """Structural similarity (Wang et al. 2004), mean over pixels and colours; 1 for equal pictures.

    Window: 11x11 Gaussian of sigma 1.5, borders reflected without repeating the edge; K1 = 0.01, K2 = 0.03; each
    colour by itself.

    Args and Raises: as `psnr`.
    """
    return float(structural_similarity(*_two_pictures(a, b), threads=threads)[0].mean())


def ms_ssim(a: ArrayLike, b: ArrayLike, *, threads: int = 0) -> float:
    """Multi-scale SSIM (Wang, Simoncelli, Bovik 2003), mean over colours; 1 for equal pictures.

    For each colour: the contrast-structure factor of scales 1 to 4 and SSIM of scale 5, each a mean over pixels
    (negative ones count as 0), to the powers 0.0448, 0.2856, 0.3001, 0.2363, 0.1333, multiplied. From scale to scale
    2x2 pixels become their mean; an odd last row or column is left out. Window and borders as in `ssim`.

    Args: as `psnr`.
    Raises: ViewsError as `psnr`, or if a side is under 176 pixels: scale 5 would be smaller than the window.
    """
    left, right = _two_pictures(a, b)
    if min(left.shape[:2]) < _LEAST_MS_SSIM_SIZE:
        raise ViewsError(
            f"MS-SSIM: pictures of {left.shape[1]}x{left.shape[0]} are too small for five scales; "
            f"both sides need {_LEAST_MS_SSIM_SIZE} pixels"
        )
    product = np.ones(3)
    for weight in _SCALE_WEIGHTS[:-1]:
        contrast = structural_similarity(left, right, threads=threads)[1]
        product *= np.maximum(contrast, 0) ** weight
        left, right = _halved(left), _halved(right)
    similarity = structural_similarity(left, right, threads=threads)[0]
    return float((product * np.maximum(similarity, 0) ** _SCALE_WEIGHTS[-1]).mean())


def flip(a: ArrayLike, b: ArrayLike) -> float:
    """Mean FLIP error (Andersson et al. 2020) by the package flip-evaluator: 0 for equal pictures, at most 1.

    `a` is the reference; seen at 67 pixels a degree, FLIP's default.

    Raises: ViewsError as `psnr`; BackendError if flip-evaluator is not installed.
    """
    left, right = _two_pictures(a, b)
    try:
        import flip_evaluator
    except ImportError:
        raise BackendError("FLIP needs the package flip-evaluator: pip install splatzip[metrics]") from None
    return float(flip_evaluator.evaluate(left, right, "LDR", applyMagma=False)[1])


def lpips(a: ArrayLike, b: ArrayLike) -> float:
    """LPIPS (Zhang et al. 2018) on AlexNet as the package lpips computes it: 0 for equal pictures.

    Nothing is ever downloaded: the network's weights must lie where torch keeps them.

    Raises: ViewsError as `psnr`; BackendError if lpips or the weights are not there.
    """
    left, right = _two_pictures(a, b)
    network = _alexnet_lpips()
    import torch

    with torch.no_grad():
        tensors = [torch.from_numpy(2 * picture - 1).permute(2, 0, 1)[None] for picture in (left, right)]
        return float(network(*tensors))


_ALEXNET = "alexnet-owt-7be5be79.pth"  # torchvision's name for the weights that LPIPS was calibrated on
_networks: dict[str, Any] = {}


def _alexnet_lpips() -> Any:
    try:
        import lpips
        import torch
    except ImportError:
        raise BackendError("LPIPS needs the packages lpips and torch, and AlexNet's weights") from None
    weights = Path(torch.hub.get_dir()) / "checkpoints" / _ALEXNET
    if not weights.is_file():  # asked before the package does: it would download them
        raise BackendError(f"LPIPS needs AlexNet's weights at {weights}, and nothing is downloaded on its own")
    if "alex" not in _networks:
        _networks["alex"] = lpips.LPIPS(net="alex", verbose=False).eval()
    return _networks["alex"]


def _halved(picture: Floats) -> Floats:
    """2x2 pixels become their mean."""
    height, width = (size // 2 * 2 for size in picture.shape[:2])
    even, odd = picture[0:height:2, :width], picture[1:height:2, :width]
    return ((even[:, 0::2] + even[:, 1::2]) + (odd[:, 0::2] + odd[:, 1::2])) * np.float32(0.25)


def _two_pictures(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    for given in (a, b):
        if np.issubdtype(kind := np.asarray(given).dtype, np.integer):
            raise ViewsError(f"a picture of {kind} is not in 0..1; divide it by {np.iinfo(kind).max}")
    left, right = (np.ascontiguousarray(picture, np.float32) for picture in (a, b))
    for picture in (left, right):
        if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            raise ViewsError(f"an array of shape {picture.shape} is not a picture; it must be (height, width, 3)")
    if left.shape != right.shape:
        sizes = " and ".join(f"{picture.shape[1]}x{picture.shape[0]}" for picture in (left, right))
        raise ViewsError(f"pictures of {sizes} pixels cannot be compared")
    return left, right
