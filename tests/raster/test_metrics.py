"""Metrics against definitions written a second time, in float64 numpy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from splatzip.errors import BackendError, ViewsError
from splatzip.raster.metrics import flip, lpips, ms_ssim, psnr, ssim

TAPS = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
TAPS /= TAPS.sum()


def pictures(height: int, width: int, *, noise: float = 0.03) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Waves over a black top third, as around an object; and the same with noise."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width]
    waves = [0.5 + 0.5 * np.sin(x / (5 + c) + y / (9 - c)) * np.cos(y / (4 + c)) for c in range(3)]
    clean = np.stack(waves, 2).astype(np.float32)
    clean[: height // 3] = 0
    return clean, np.clip(clean + rng.normal(0, noise, clean.shape), 0, 1).astype(np.float32)


def blurred(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 11-tap window over (H, W, C), mirrored at the borders."""
    for axis in (0, 1):
        reach = [(5, 5) if axis == i else (0, 0) for i in range(3)]
        padded = np.pad(x, reach, mode="reflect")
        x = sum(w * np.take(padded, range(i, i + x.shape[axis]), axis) for i, w in enumerate(TAPS))  # type: ignore[assignment]
    return x


def similarity(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """SSIM and contrast-structure by colour."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    m, n = blurred(a), blurred(b)
    variances, covariance = blurred(a * a) - m * m + blurred(b * b) - n * n, blurred(a * b) - m * n
    contrast = (2 * covariance + 9e-4) / (variances + 9e-4)
    luminance = (2 * m * n + 1e-4) / (m * m + n * n + 1e-4)
    return (luminance * contrast).mean((0, 1)), contrast.mean((0, 1))


def multi_scale(a: NDArray[Any], b: NDArray[Any]) -> float:
    factors = []
    for weight in (0.0448, 0.2856, 0.3001, 0.2363, 0.1333):
        full, contrast = similarity(a, b)
        factors.append((full if len(factors) == 4 else contrast).clip(0) ** weight)
        height, width = (size // 2 * 2 for size in a.shape[:2])
        a, b = (
            p[:height, :width].astype(np.float64).reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3)) for p in (a, b)
        )
    return float(np.prod(factors, 0).mean())


@pytest.mark.parametrize("size", [(480, 640), (131, 50), (129, 145), (600, 17), (6, 6), (7, 300)])
def test_ssim_is_its_definition_at_any_size(size: tuple[int, int]) -> None:
    a, b = pictures(*size)
    assert ssim(a, b) == pytest.approx(similarity(a, b)[0].mean(), abs=2e-6)


def test_ssim_of_a_picture_smaller_than_its_window_is_defined() -> None:
    grey, white = np.full((1, 1, 3), 0.5, np.float32), np.ones((1, 1, 3), np.float32)
    assert ssim(grey, white) == pytest.approx((1 + 1e-4) / (1.25 + 1e-4), abs=1e-3)  # luminance is all there is
    assert ssim(np.zeros((2, 3, 3)), np.zeros((2, 3, 3))) == 1


def test_ssim_looks_at_each_colour_by_itself() -> None:
    a, b = pictures(64, 64)
    only_red = a.copy()
    only_red[..., 0] = b[..., 0]
    assert ssim(a, only_red) == pytest.approx((similarity(a, b)[0][0] + 2) / 3, abs=2e-6)


@pytest.mark.parametrize("size", [(360, 480), (177, 211)])
def test_ms_ssim_is_its_definition(size: tuple[int, int]) -> None:
    a, b = pictures(*size)
    assert ms_ssim(a, b) == pytest.approx(multi_scale(a, b), abs=2e-6)
    assert ms_ssim(a, 1 - a) == pytest.approx(multi_scale(a, 1 - a), abs=2e-6)  # contrasts below 0 count as 0


def test_psnr_of_a_known_error() -> None:
    a, _ = pictures(50, 40)
    b = a.copy()
    b[::2] += 0.01  # half of the pixels
    assert psnr(a, b) == pytest.approx(40 + 10 * np.log10(2), abs=1e-3)


def test_equal_pictures_are_100_db_and_exactly_1() -> None:
    a, _ = pictures(200, 190)
    assert psnr(a, a) == 100
    assert ssim(a, a) == 1
    assert ms_ssim(a, a) == 1


def test_threads_and_instruction_sets_give_the_same_bits(instruction_sets: tuple[str, ...]) -> None:
    child = (
        "import numpy as np; from splatzip import _core; from splatzip.raster.metrics import *\n"
        "r = np.random.default_rng(1); a, b = (r.random((301, 403, 3), np.float32) for _ in 'ab')\n"
        "print(*{(psnr(a, b, threads=t), ssim(a, b, threads=t), ms_ssim(a, b, threads=t)) for t in (1, 2, 5)})"
    )
    found = set()
    for isa in instruction_sets:
        command, environment = [sys.executable, "-I", "-c", child], {**os.environ, "SPLATZIP_ISA": isa}
        found.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    (only,) = found
    assert only.count("(") == 1  # the thread counts agree, too


def test_pictures_of_different_sizes_are_refused_with_both_sizes() -> None:
    with pytest.raises(ViewsError, match="640x480 and 320x480"):
        psnr(np.zeros((480, 640, 3)), np.zeros((480, 320, 3)))


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ViewsError, match=r"is not a picture"):
        ssim(np.zeros(shape), np.zeros(shape))


def test_ms_ssim_refuses_a_picture_with_too_few_scales() -> None:
    with pytest.raises(ViewsError, match="640x175 are too small"):
        ms_ssim(*pictures(175, 640))


def test_flip_grows_with_the_error_and_is_0_for_equal_pictures() -> None:
    a, b = pictures(60, 80, noise=0.02)
    worse = pictures(60, 80, noise=0.2)[1]
    assert flip(a, a) == 0
    assert 0 < flip(a, b) < flip(a, worse) < 1
    black, white = np.zeros((8, 8, 3), np.float32), np.ones((8, 8, 3), np.float32)
    assert flip(black, white) == pytest.approx(0.97, abs=0.03)


def test_flip_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flip_evaluator", None)
    with pytest.raises(BackendError, match=r"pip install splatzip\[metrics\]"):
        flip(*pictures(20, 20))


def test_lpips_without_its_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(BackendError, match="needs the packages lpips and torch"):
        lpips(*pictures(20, 20))


def test_lpips_never_downloads_weights_that_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def download(**options: object) -> None:
        raise AssertionError("asked the package for the network, which downloads it")

    package, torch = ModuleType("lpips"), ModuleType("torch")
    package.LPIPS = download  # type: ignore[attr-defined]
    torch.hub = SimpleNamespace(get_dir=lambda: str(tmp_path))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lpips", package)
    monkeypatch.setitem(sys.modules, "torch", torch)
    with pytest.raises(BackendError, match=rf"weights at {tmp_path}"):
        lpips(*pictures(20, 20))


@pytest.mark.parametrize("metric", [psnr, ssim, ms_ssim])
def test_bytes_of_a_picture_are_no_picture(metric: Any) -> None:
    levels = np.full((200, 200, 3), 7, np.uint8)
    with pytest.raises(ViewsError, match=r"a picture of uint8 is not in 0\.\.1; divide it by 255"):
        metric(levels / np.float32(255), levels)
