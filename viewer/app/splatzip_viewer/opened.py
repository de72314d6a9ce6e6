"""An open scene: its splats, the facts about its file, and its renderer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from splatzip import (
    BackendError,
    Camera,
    FormatError,
    GpuScene,
    NotSplatzipError,
    Picture,
    Renderer,
    Scene,
    SceneMeta,
    SplatzipError,
    Views,
    chosen_device,
    decompress_on_gpu,
    info,
    load,
    renderer,
    stored_bytes,
)
from splatzip_viewer.pose import Pose, opening_pose

Device = Literal["auto", "cpu", "cuda"]
STYLES = ("splats", "ellipsoids", "centres")
_SOLID_LOGIT = 12.0  # opaque as far as eight bits can tell
_ELLIPSOID = np.log(0.62)  # of a splat's size: there an opaque Gaussian has fallen to what looks like an edge
_UNLIKE = 0.25  # standard deviation of how much lighter or darker one ellipsoid is, in SH of degree 0
_CENTRE = 0.0015  # size of a centre, in scene radii


@dataclass(frozen=True)
class Outline:
    """What the host knows of a scene that lies on a GPU: 28 bytes a splat; a `Scene` has all of it, too."""

    positions: NDArray[np.float32]
    log_scales: NDArray[np.float32]
    opacity_logits: NDArray[np.float32]
    origin: NDArray[np.float64]
    meta: SceneMeta
    sh_degree: int
    float_bytes: int

    @staticmethod
    def of(scene: GpuScene) -> Outline:
        """Everything here is brought to the host, once."""
        return Outline(
            scene.positions, scene.log_scales, scene.opacity_logits,
            scene.origin, scene.meta, scene.sh_degree, scene.float_bytes,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(eq=False)
class OpenScene:
    """A scene that is open.

    Attributes:
        name: what the page calls it.
        path: of the file, which stays where it is as long as this is open.
        bytes: of the file as it is stored.
        facts: what `splatzip.info` says of a .splatz; None for other formats.
        axes: where x, y and z of the file point, as whoever opened it says; None: as the file says.
        device: what draws it.
        not_by_gpu: why a GPU that is there does not draw it, in words; empty: one does, or is not to.
    """

    name: str
    path: Path
    bytes: int
    facts: dict[str, Any] | None
    axes: str | None
    device: Device
    not_by_gpu: str
    _known: Scene | Outline
    _drawn_by: dict[str, Renderer]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _loading: threading.Lock = field(default_factory=threading.Lock)  # pictures do not wait for it

    @staticmethod
    def load(
        path: Path, name: str | None = None, *, axes: str | None = None, device: Device = "cpu"
    ) -> OpenScene:  # fmt: skip
        """Read a file of any format: a .splatz that a GPU draws to that alone.

        Args:
            axes: where x, y and z point; of a .splatz, which says it, they do not count.
            device: what draws it; "auto" is the CPU where a GPU cannot, and says why.
        Raises: SplatzipError that names the file as the page does; of them BackendError if the device cannot draw it.
            OSError.
        """
        name = name or path.name
        with _called(path, name):
            facts = facts_of(path)
            axes = None if facts is not None else axes
            ready = _made_ready(path, facts is not None, axes, device)
        drawn_by = {"splats": ready.renderer}
        return OpenScene(
            name, path, stored_bytes(path), facts, axes, ready.device, ready.not_by_gpu, ready.known, drawn_by
        )

    @property
    def known(self) -> Scene | Outline:
        """What there is of it without reading the file again."""
        return self._known

    @property
    def scene(self) -> Scene:
        """Its splats on the host, never changed; of a scene that a GPU draws, when they are first asked for.

        Raises: OSError, FormatError if the file is not what it was.
        """
        with self._loading:
            if isinstance(self._known, Outline):
                with _called(self.path, self.name):
                    scene = load(self.path, axes=self.axes)
                if not np.array_equal(scene.positions, self._known.positions):
                    raise FormatError(f"{self.name}: the file has changed since it was opened; open it again")
                self._known = scene
            return self._known

    def picture(self, camera: Camera, style: str = "splats") -> Picture:
        """Draw it in one of STYLES.

        Raises: BackendError if the picture takes more memory than may be, or the device is not there.
        """
        return self._renderer(style).render(camera)

    def pixels(self, camera: Camera, style: str = "splats") -> NDArray[np.uint8]:
        """The colour alone, (H, W, 3) in 255ths: all that a GPU has to hand over for a look.

        Raises: as `picture`.
        """
        return self._renderer(style).render_bytes(camera)

    def pose(self, views: Views | None = None) -> Pose:
        """Where to look from first; `views` are of the capture that it was trained on."""
        return opening_pose(self.known, self.picture, views)

    @cached_property
    def ball(self) -> tuple[NDArray[np.float64], float]:
        """Centre (3,) and radius of where most splats are."""
        return _ball(self.known)

    @cached_property
    def bounds(self) -> list[float]:
        """Two opposite corners of a box around all centres, rounded outward to thousandths."""
        positions, origin = self.known.positions, self.known.origin
        low, high = positions.min(axis=0) + origin, positions.max(axis=0) + origin
        return [*(np.floor(1000 * low) / 1000).tolist(), *(np.ceil(1000 * high) / 1000).tolist()]

    def _renderer(self, style: str) -> Renderer:
        """What draws: the one place that knows how."""
        if style not in self._drawn_by:
            _ = self.scene  # read before the lock is taken, if it has to be: others' pictures do not wait for it
        with self._lock:
            found = self._drawn_by.get(style)
            if found is None:
                for other in set(self._drawn_by) - {"splats"}:  # one beside the splats is enough memory
                    del self._drawn_by[other]
                found = self._drawn_by[style] = renderer(_styled(self.scene, style), device=self.device)
            return found


@contextmanager
def _called(path: Path, name: str) -> Iterator[None]:
    """What is wrong with a file is said of it by the name that the page has for it."""
    try:
        yield
    except SplatzipError as error:
        text = str(error).replace(str(path), name)
        raise type(error)(text if name in text else f"{name}: {text}") from error


class _Ready(NamedTuple):
    """What is known of a file's scene, and what draws it: see `OpenScene`."""

    known: Scene | Outline
    renderer: Renderer
    device: Device
    not_by_gpu: str = ""


def _made_ready(path: Path, is_splatz: bool, axes: str | None, device: Device) -> _Ready:
    """From a file to what draws it; a .splatz that a GPU draws does not come by way of the host.

    Raises: BackendError if "cuda" is asked for, and there is no GPU, or not enough memory, or it refuses the file.
    """
    scene = None if is_splatz else load(path, axes=axes)
    why = ""
    if chosen_device(device) == "cuda":
        try:
            if scene is not None:
                return _Ready(scene, renderer(scene, device="cuda"), device)
            there = decompress_on_gpu(path)
            return _Ready(Outline.of(there), renderer(there), device)
        except BackendError as error:
            if device == "cuda":
                raise
            why = str(error)
    if scene is None:
        scene = load(path)
    return _Ready(scene, renderer(scene, device="cpu"), "cpu", why)


def facts_of(path: Path) -> dict[str, Any] | None:
    """What `splatzip.info` says of a .splatz; None of any other format. By content: a name proves nothing."""
    if not path.is_file():
        return None
    try:
        return info(path)
    except NotSplatzipError:
        return None


def _styled(scene: Scene, style: str) -> Scene:
    """The scene as it is, or made of solid shapes that show where splats are and how they lie."""
    if style == "splats":
        return scene
    solid = np.full(len(scene), _SOLID_LOGIT, np.float32)
    seen = scene.opacity_logits > -2.2  # opacity 0.1: what hardly shows would hide the rest
    solid[~seen] = -np.inf
    base = scene.sh[:, :1]
    if style == "ellipsoids":
        lighter = np.random.default_rng(0).normal(0, _UNLIKE, (len(scene), 1, 1)).astype(np.float32)
        base = base + lighter  # neighbours are to be told apart
        return scene.edited(opacity_logits=solid, log_scales=scene.log_scales + np.float32(_ELLIPSOID), sh=base)
    if style != "centres":
        raise SplatzipError(f"there is no style {style!r}; choose {', '.join(STYLES)}")
    _, radius = _ball(scene)
    size = np.full_like(scene.log_scales, np.log(_CENTRE * radius))
    return scene.edited(opacity_logits=solid, log_scales=size, sh=base)


def _ball(scene: Scene | Outline) -> tuple[NDArray[np.float64], float]:
    """Centre (3,) and radius of where most splats are."""
    centre = np.median(scene.positions, axis=0)
    radius = float(np.quantile(np.linalg.norm(scene.positions - centre, axis=1), 0.85)) or 1.0
    return centre + scene.origin, radius
