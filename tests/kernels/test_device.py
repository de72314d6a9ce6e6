"""Which device runs the kernels: importing never needs a driver, and asking for a GPU in vain gets words."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from splatzip.errors import BackendError
from splatzip.kernels import device


@pytest.mark.cuda
def test_the_module_for_gpus_can_be_imported_where_there_is_no_driver() -> None:
    code = "from splatzip import _cuda; found, why = _cuda.devices(); assert found or why, why"
    subprocess.run([sys.executable, "-I", "-c", code], check=True, env={"CUDA_VISIBLE_DEVICES": ""})


@pytest.mark.cuda
def test_versions_of_cuda_are_two_numbers_each() -> None:
    versions = device.cuda_versions()
    assert versions is not None
    driver, runtime = versions
    assert float(driver) >= 0
    assert float(runtime) >= 12


def test_a_build_without_cuda_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_module", lambda: None)
    assert device.gpus() == []
    assert device.cuda_versions() is None
    with pytest.raises(BackendError, match=r"this build has no CUDA; install where nvcc is on the PATH"):
        device.require_cuda()


def test_a_machine_without_a_gpu_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    without = SimpleNamespace(devices=lambda: ([], "there is no NVIDIA driver"))
    monkeypatch.setattr(device, "_module", lambda: without)
    with pytest.raises(BackendError, match=r"^device cuda: there is no NVIDIA driver; use device cpu$"):
        device.require_cuda()
