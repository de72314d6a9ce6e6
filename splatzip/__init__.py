"""splatzip compresses a trained 3D Gaussian splatting scene into a small .splatz file, and decodes it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same names for type checkers and editors; tests/test_public_names.py compares
    from splatzip.comparing import compare as compare
    from splatzip.comparing import report_html as report_html
    from splatzip.compressing import check_options as check_options
    from splatzip.compressing import compress as compress
    from splatzip.decode import decompress as decompress
    from splatzip.decode import decompress_on_gpu as decompress_on_gpu
    from splatzip.decode import info as info
    from splatzip.decode import verify as verify
    from splatzip.errors import BackendError as BackendError
    from splatzip.errors import CorruptError as CorruptError
    from splatzip.errors import FormatError as FormatError
    from splatzip.errors import NotSplatzipError as NotSplatzipError
    from splatzip.errors import SceneError as SceneError
    from splatzip.errors import SplatzipError as SplatzipError
    from splatzip.errors import TruncatedError as TruncatedError
    from splatzip.errors import UnsupportedFeatureError as UnsupportedFeatureError
    from splatzip.errors import UnsupportedVersionError as UnsupportedVersionError
    from splatzip.errors import ViewsError as ViewsError
    from splatzip.formats.found import find_scenes as find_scenes
    from splatzip.formats.open3d import from_open3d as from_open3d
    from splatzip.formats.open3d import to_open3d as to_open3d
    from splatzip.formats.registry import files_beside as files_beside
    from splatzip.formats.registry import format_title as format_title
    from splatzip.formats.stored import stored_bytes as stored_bytes
    from splatzip.io import load as load
    from splatzip.io import save as save
    from splatzip.kernels.cores import core_count as core_count
    from splatzip.kernels.device import chosen_device as chosen_device
    from splatzip.profile import Profile as Profile
    from splatzip.publish import export_html as export_html
    from splatzip.publish import export_web as export_web
    from splatzip.publish import serve as serve
    from splatzip.publish.listener import Listener as Listener
    from splatzip.raster import Picture as Picture
    from splatzip.raster import Rasterizer as Rasterizer
    from splatzip.raster import Renderer as Renderer
    from splatzip.raster import render as render
    from splatzip.raster import renderer as renderer
    from splatzip.report.comparison import Comparison as Comparison
    from splatzip.report.heat import error_map as error_map
    from splatzip.report.histograms import histograms as histograms
    from splatzip.scene import Camera as Camera
    from splatzip.scene import QuantizedSource as QuantizedSource
    from splatzip.scene import Scene as Scene
    from splatzip.scene import SceneMeta as SceneMeta
    from splatzip.scene.edit import transform as transform
    from splatzip.scene.on_gpu import GpuScene as GpuScene
    from splatzip.views import Views as Views
    from splatzip.views import orbit_views as orbit_views
    from splatzip.views import pseudo_views as pseudo_views
    from splatzip.views.turntable import turntable as turntable

    __version__: str

# Resolved on first use, so that `import splatzip` costs nothing and `splatzip.decode` pulls in no encoder.
_PUBLIC = {
    "Scene": "splatzip.scene",
    "Camera": "splatzip.scene",
    "SceneMeta": "splatzip.scene",
    "GpuScene": "splatzip.scene.on_gpu",
    "QuantizedSource": "splatzip.scene",
    "Views": "splatzip.views",
    "orbit_views": "splatzip.views",
    "pseudo_views": "splatzip.views",
    "turntable": "splatzip.views.turntable",
    "render": "splatzip.raster",
    "Picture": "splatzip.raster",
    "Rasterizer": "splatzip.raster",
    "Renderer": "splatzip.raster",
    "renderer": "splatzip.raster",
    "core_count": "splatzip.kernels.cores",
    "chosen_device": "splatzip.kernels.device",
    "error_map": "splatzip.report.heat",
    "histograms": "splatzip.report.histograms",
    "Profile": "splatzip.profile",
    "compress": "splatzip.compressing",
    "check_options": "splatzip.compressing",
    "compare": "splatzip.comparing",
    "report_html": "splatzip.comparing",
    "stored_bytes": "splatzip.formats.stored",
    "files_beside": "splatzip.formats.registry",
    "find_scenes": "splatzip.formats.found",
    "format_title": "splatzip.formats.registry",
    "to_open3d": "splatzip.formats.open3d",
    "from_open3d": "splatzip.formats.open3d",
    "Comparison": "splatzip.report.comparison",
    "decompress": "splatzip.decode",
    "decompress_on_gpu": "splatzip.decode",
    "info": "splatzip.decode",
    "verify": "splatzip.decode",
    "load": "splatzip.io",
    "save": "splatzip.io",
    "transform": "splatzip.scene.edit",
    "serve": "splatzip.publish",
    "export_html": "splatzip.publish",
    "export_web": "splatzip.publish",
    "Listener": "splatzip.publish.listener",
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

__all__ = [*_PUBLIC, "__version__"]


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
