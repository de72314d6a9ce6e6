"""splatzip: a trained 3D Gaussian splatting scene in, a small .splatz file out, and back."""

from __future__ import annotations

import importlib
from typing import Any

# Resolved on first use, so that `import splatzip` costs nothing and `splatzip.decode` pulls in no encoder.
_PUBLIC = {
    "Scene": "splatzip.scene",
    "SceneMeta": "splatzip.scene",
    "QuantizedSource": "splatzip.scene",
    "load": "splatzip.io",
    "save": "splatzip.io",
    "transform": "splatzip.scene.edit",
    "BackendError": "splatzip.errors",
    "CorruptError": "splatzip.errors",
    "FormatError": "splatzip.errors",
    "NotSplatzipError": "splatzip.errors",
    "SceneError": "splatzip.errors",
    "SplatzipError": "splatzip.errors",
    "TruncatedError": "splatzip.errors",
    "UnsupportedFeatureError": "splatzip.errors",
    "UnsupportedVersionError": "splatzip.errors",
    "ViewsError": "splatzip.errors",
}

__all__ = [*_PUBLIC, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("splatzip")
    try:
        module = _PUBLIC[name]
    except KeyError:
        raise AttributeError(f"module 'splatzip' has no attribute {name!r}") from None
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return sorted(__all__)
