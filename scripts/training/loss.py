"""What training makes small: absolute differences and 1 - SSIM, as 3DGS weights them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def loss(found: Tensor, wanted: Tensor, *, ssim_share: float) -> Tensor:
    """Of two pictures (H, W, 3), 0..1."""
    difference = (found - wanted).abs().mean()
    return difference * (1 - ssim_share) + (1 - ssim(found, wanted)) * ssim_share


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean structural similarity: a Gaussian window of 11 pixels, zero outside of the picture as 3DGS has it."""
    offsets = torch.arange(_WINDOW, device=a.device, dtype=a.dtype) - _WINDOW // 2
    line = torch.exp(-0.5 * (offsets / _SIGMA) ** 2)
    line = line / line.sum()
    window = (line[:, None] * line[None, :]).expand(3, 1, _WINDOW, _WINDOW)

    def blurred(picture: Tensor) -> Tensor:
        return conv2d(picture, window, padding=_WINDOW // 2, groups=3)

    a, b = (picture.permute(2, 0, 1)[None] for picture in (a, b))
    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
    return (top / ((mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2))).mean()


def decibels(found: Tensor, wanted: Tensor) -> float:
    return float(-10 * torch.log10(((found.clamp(0, 1) - wanted) ** 2).mean()))
