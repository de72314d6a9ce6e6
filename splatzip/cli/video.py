"""Rendered pictures as an MP4 that every player shows: H.264, 4:2:0, BT.709."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from splatzip.cli.console import Progress
from splatzip.cli.eye import Eye, Pixels, Split, Up

if TYPE_CHECKING:
    from splatzip import Views

SIZE, SECONDS, FPS = (960, 720), 6.0, 30
_BT709 = 1  # FFmpeg's number of the colour space
_QUALITY = {"crf": "17", "preset": "medium"}


def check_can_film(target: Path, size: Pixels | None) -> None:
    """Refuse, before any work, a video that cannot be written.

    Raises: BackendError without PyAV.
    """
    from splatzip import BackendError

    if target.suffix.lower() != ".mp4":
        raise typer.BadParameter(f"{target}: a video is written as .mp4; expected OUT.mp4")
    if size is not None and (size[0] % 2 or size[1] % 2):
        raise typer.BadParameter(f"--size {size[0]}x{size[1]}: a video needs an even width and height")
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise BackendError(f"{target}: video needs PyAV; pip install 'splatzip[video]'") from error


UpAxis = Annotated[
    Up | None, typer.Option(help="With --orbit: the up axis. Default: from --views, else the scene, else -y.")
]
Seconds = Annotated[float | None, typer.Option(metavar="S", min=0.1, max=600, help="Length of the video. Default: 6.")]
Fps = Annotated[
    int | None, typer.Option(metavar="N", min=1, max=120, help="Frames per second of the video. Default: 30.")
]


class Film(NamedTuple):
    """What was asked for of a video; None: nothing."""

    up: Up | None = None
    seconds: float | None = None
    fps: int | None = None


def as_mp4(
    eye: Eye, views: Path | None, split: Split, size: Pixels | None, film: Film, progress: Progress
) -> tuple[bytes, dict[str, Any]]:
    """Once around the scene: the file's bytes, and facts for the summary."""
    import splatzip

    capture = None if views is None else splatzip.Views.load(views, split=split, photos=False)
    width, height = size or SIZE
    fps = film.fps or FPS
    frames = max(1, round((film.seconds or SECONDS) * fps))
    axis = None if film.up is None else film.up.direction
    path = splatzip.turntable(eye.scene, frames=frames, width=width, height=height, up=axis, views=capture)
    return _film(eye, path, fps, progress), {"pixels": f"{width}x{height}", "frames": frames, "fps": fps}


def _film(eye: Eye, path: Views, fps: int, progress: Progress) -> bytes:
    import av
    import numpy as np

    # "faststart", for players that begin while they load, opens the file a second time: a buffer in memory has no name.
    with TemporaryDirectory() as folder:
        file = Path(folder, "film.mp4")
        with av.open(str(file), "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=fps, options=_QUALITY)
            stream.width, stream.height, stream.pix_fmt = path.cameras[0].width, path.cameras[0].height, "yuv420p"
            context = stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            for number, camera in enumerate(path.cameras):
                progress(number / len(path), f"frame {number + 1} of {len(path)}")
                pixels = np.rint(255 * np.clip(eye.picture(camera).color, 0, 1)).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
                container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
            container.mux(stream.encode())
        return file.read_bytes()
