"""Which GPUs there are, and words for when there are none: a build without CUDA, a machine without a driver.

What runs on them are the kernels of cuda/, in a module of their own, `splatzip._cuda`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Literal

from splatzip.errors import BackendError

Device = Literal["cpu", "cuda"]
DeviceChoice = Literal["auto", "cpu", "cuda"]
Engine = Literal["cpu", "cuda", "emulated"]  # what an encoder draws with; the last is cuda/emulation, for tests


@dataclass(frozen=True)
class Gpu:
    """One GPU that can be used; capability 9.0 is (9, 0)."""

    name: str
    capability: tuple[int, int]
    multiprocessors: int
    total_bytes: int


@cache
def _module() -> ModuleType | None:
    try:
        return importlib.import_module("splatzip._cuda")
    except ModuleNotFoundError:
        return None


def gpus() -> list[Gpu]:
    """The GPUs of this machine, in CUDA's order; none if CUDA was not built."""
    module = _module()
    return [Gpu(**facts) for facts in module.devices()[0]] if module else []


def cuda_versions() -> tuple[str, str] | None:
    """What the driver knows of CUDA ("0.0" without a driver) and what was built with; None if CUDA was not built."""
    module = _module()
    if module is None:
        return None
    numbers = (module.driver_version(), module.runtime_version())
    driver, runtime = (f"{number // 1000}.{number % 1000 // 10}" for number in numbers)
    return driver, runtime


def require_cuda() -> ModuleType:
    """The kernels for GPUs.

    Raises: BackendError, if they were not built or no GPU can be used.
    """
    module = _module()
    if module is None:
        raise BackendError("device cuda: this build has no CUDA; install where nvcc is on the PATH, or use device cpu")
    found, why = module.devices()
    if not found:
        raise BackendError(f"device cuda: {why}; use device cpu")
    return module


def chosen_device(choice: DeviceChoice) -> Device:
    """What a choice means on this machine: "auto" is a GPU where there is one.

    Raises: BackendError, if CUDA is asked for and cannot be had.
    """
    if choice == "auto":
        return "cuda" if gpus() else "cpu"
    if choice == "cuda":
        require_cuda()
    elif choice != "cpu":
        raise BackendError(f"there is no device {choice!r}; choose auto, cpu or cuda")
    return choice


def make_core(engine: Engine, kind: Literal["raster", "repair", "search"], *arguments: Any) -> Any:
    """Kernels for GPUs of a kind: on the GPU's default stream, or run by the CPU, lanes from the first to the last.

    Raises: BackendError, if they were not built or no GPU can be used.
    """
    if engine == "cuda":
        return getattr(require_cuda(), f"make_{kind}")(*arguments, 0)
    module = _module()
    if module is None:
        raise BackendError("device emulated: this build has no CUDA; install where nvcc is on the PATH")
    return getattr(module, f"make_emulated_{kind}")(*arguments, False)
