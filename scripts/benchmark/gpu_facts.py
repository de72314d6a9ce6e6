"""What all measurements on a GPU say of the machine, and where their files go: benchmarks/gpu."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

from splatzip.kernels.device import cuda_versions, gpus

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks" / "gpu"


def facts() -> dict[str, Any]:
    """Device, driver, versions, date."""
    gpu, versions = gpus()[0], cuda_versions()
    assert versions is not None
    return {
        "device": gpu.name,
        "capability": list(gpu.capability),
        "multiprocessors": gpu.multiprocessors,
        "memory_bytes": gpu.total_bytes,
        "driver_cuda": versions[0],
        "runtime_cuda": versions[1],
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
    }


def write(part: str, found: dict[str, Any]) -> Path:
    """One file a device and part, `found` beside the facts. Written after each row: time may run out."""
    known = facts()
    name = re.sub("[^a-z0-9]+", "_", known["device"].lower()).strip("_")
    target = FOLDER / f"{name}_{part}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(known | found, indent=2) + "\n")
    print(f"wrote {target.relative_to(ROOT)}", flush=True)
    return target
