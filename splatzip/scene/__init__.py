"""The scene model: splats as plain arrays, what is said beside them, and the codes they came as."""

from splatzip.scene.cameras import Camera
from splatzip.scene.gaussians import Scene
from splatzip.scene.meta import SceneMeta
from splatzip.scene.source import QuantizedSource

__all__ = ["Camera", "QuantizedSource", "Scene", "SceneMeta"]
