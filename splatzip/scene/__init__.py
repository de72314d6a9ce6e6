"""The scene model: splats as plain arrays, their metadata, and the codes of a quantized source."""

from splatzip.scene.cameras import Camera
from splatzip.scene.gaussians import Scene
from splatzip.scene.meta import SceneMeta
from splatzip.scene.source import QuantizedSource

__all__ = ["Camera", "QuantizedSource", "Scene", "SceneMeta"]
