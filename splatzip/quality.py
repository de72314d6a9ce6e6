"""What a scene lost: its renders against those of its source. Takes scenes, never paths: `splatzip.comparing` does.

    two scenes, views -> raster -> metrics -> report

Pictures are clipped to 0..1 before measuring: what a screen cannot show is not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

import numpy as np
from numpy.typing import NDArray

from splatzip.errors import SplatzipError, ViewsError
from splatzip.kernels.device import Engine
from splatzip.progress import Progress
from splatzip.raster import metrics
from splatzip.raster.rasterize import Picture, Rasterizer, render
from splatzip.report.comparison import EXTRA_METRICS, Comparison, PhotoQuality, ViewComparison
from splatzip.scene import Camera, Scene
from splatzip.views import Views, pseudo_views

Floats = NDArray[np.float32]
Metric = Callable[[Floats, Floats], float]
Color = tuple[float, float, float]
BLACK: Color = (0.0, 0.0, 0.0)
_MEASURING_VIEWS = 12
_MEASURING_SEED = 0x5EED  # of its own: what an encoder fits to, it does not measure itself with


def compare(
    ref: Scene,
    test: Scene,
    views: Views,
    *,
    extra: str | Collection[str] = (),
    background: Color = BLACK,
    threads: int = 0,
    seen_from: str = "",
    progress: Progress | None = None,
) -> Comparison:
    """Measure a scene against its source, view by view: only the pictures of one view are held at a time.

    Args:
        ref: the source.
        test: the scene to measure.
        views: the cameras; with photos both scenes are also measured against those.
        extra: further metrics, one or some of "ms_ssim", "flip", "lpips".
        background: (3,) colour, 0..1, behind scenes and behind photos that are not opaque.
        threads: 0 for every core; the numbers do not depend on it.
        seen_from: what the views are, in words, for reports.
        progress: called with the share done and the name of the view.
    Returns: the comparison, without a file's size, which a scene does not know.
    Raises: ViewsError, naming the frame, if nothing of `ref` is seen in a view or a photo is damaged; BackendError if
        a metric is not available.
    """
    extra = (extra,) if isinstance(extra, str) else extra
    if unknown := set(extra) - set(EXTRA_METRICS):
        raise SplatzipError(f"there is no metric {min(unknown)!r}; choose {', '.join(EXTRA_METRICS)}")
    draw = partial(render, background=background, threads=threads)
    psnr, ssim, ms_ssim = (partial(m, threads=threads) for m in (metrics.psnr, metrics.ssim, metrics.ms_ssim))
    extras: dict[str, Metric] = {"ms_ssim": ms_ssim, "flip": metrics.flip, "lpips": metrics.lpips}
    found = []
    for index, camera in enumerate(views.cameras):
        if progress is not None:
            progress(index / len(views), camera.name)
        photo = None if views.photos is None else views.photo(index, background=background)
        source, other = _shown(_seen(draw(ref, camera), camera)), _shown(draw(test, camera))
        found.append(
            ViewComparison(
                camera.name,
                psnr(source, other),
                ssim(source, other),
                None if photo is None else PhotoQuality(psnr(source, photo), psnr(other, photo)),
                {name: extras[name](source, other) for name in EXTRA_METRICS if name in extra},
            )
        )
    return Comparison(
        tuple(found),
        len(test),
        ref.float_bytes,
        seen_from=seen_from,
        ref_dropped=ref.meta.dropped,
        dropped=test.meta.dropped,
    )


def measuring_views(source: Scene, *, threads: int = 0, device: Engine = "cpu") -> tuple[Views, str]:
    """The views that an encoder measures a scene from, made from the scene alone, and what they are in words.

    Never a capture's own: its test views judge what the encoder did.
    """
    views = pseudo_views(source, count=_MEASURING_VIEWS, seed=_MEASURING_SEED, threads=threads, device=device)
    size = f"{views.cameras[0].width}x{views.cameras[0].height}"
    return views, f"{len(views)} pseudo-views of the source, seed {_MEASURING_SEED}, {size}, 3sigma"


class SourcePictures:
    """The pictures of a scene from a few views, kept to measure one candidate after another against them.

    Always drawn by the CPU, whose bits do not depend on the machine: they decide what is written. A view that sees
    nothing tells nothing, and is left out.
    """

    def __init__(self, source: Scene, views: Views, *, threads: int = 0) -> None:
        self._threads = threads
        rasterizer = Rasterizer(source, threads=threads)
        drawn = [(camera, rasterizer.render(camera, threads=threads)) for camera in views.cameras]
        self._kept = [(camera, _shown(picture)) for camera, picture in drawn if picture.alpha.any()]
        self._photos = None
        if views.photos is not None:
            self._photos = [views.photo(number) for number, (_, picture) in enumerate(drawn) if picture.alpha.any()]

    def psnr(self, candidate: Scene) -> float:
        """dB against the source: mean over the views; of a source that nobody sees, the most."""
        return float(np.mean(self.of_views(candidate)))

    def lost(self, candidate: Scene) -> float:
        """dB that the photos of the views say are lost, mean.

        Raises: ViewsError if there are none.
        """
        if not self._photos:
            raise ViewsError("a loss is measured on photos, and the views have none; set a quality instead")
        rasterizer, threads = Rasterizer(candidate, threads=self._threads), self._threads
        losses = []
        for (camera, picture), photo in zip(self._kept, self._photos, strict=True):
            drawn = _shown(rasterizer.render(camera, threads=threads))
            losses.append(metrics.psnr(picture, photo, threads=threads) - metrics.psnr(drawn, photo, threads=threads))
        return float(np.mean(losses))

    def of_views(self, candidate: Scene) -> list[float]:
        """dB against the source in each view, on black; one, the most there is, for a source that nobody sees."""
        rasterizer, threads = Rasterizer(candidate, threads=self._threads), self._threads
        found = [
            metrics.psnr(picture, _shown(rasterizer.render(camera, threads=threads)), threads=threads)
            for camera, picture in self._kept
        ]
        return found or [metrics.MOST_PSNR]


def _seen(picture: Picture, camera: Camera) -> Picture:
    if not picture.alpha.any():
        raise ViewsError(
            f"frame {camera.name}: no splat is visible from there; are these the cameras of this scene? What is nearer "
            f"than {camera.near:g} units is not drawn: enlarge a scene that is less than 0.1 units across "
            "(transform --scale)"
        )
    return picture


def _shown(picture: Picture) -> Floats:
    return np.clip(picture.color, 0, 1)
