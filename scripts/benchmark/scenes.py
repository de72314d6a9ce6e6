"""The scenes that are measured, and what a file of each weighs."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SPLATZIP_SCENES") or ROOT.parent / "shared" / "data")


@dataclass(frozen=True)
class BenchScene:
    """One scene.

    Attributes:
        name: as the tables show it.
        path: file or folder below `scenes/`.
        quantized: it came as integer codes, and is transcoded losslessly by default.
        most_of_source: bound on our bytes over the source's; None if there is none.
    """

    name: str
    path: str
    quantized: bool = True
    most_of_source: float | None = None

    @property
    def file(self) -> Path:
        """Where it is: a file, or a folder (SOG)."""
        return DATA / "scenes" / self.path

    @property
    def cameras(self) -> Path | None:
        """The transforms.json whose test views judge it; None: 12 orbit views."""
        beside = self.file.parent / "transforms.json"
        return beside if not self.quantized and beside.is_file() else None

    @property
    def files(self) -> list[Path]:
        """What counts as the source: the file; of a SOG folder its meta.json and the images that it names."""
        if self.file.is_file():
            return [self.file]
        meta = self.file / "meta.json"
        named = {
            name
            for part in json.loads(meta.read_text()).values()
            if isinstance(part, dict)
            for name in part.get("files", [])
        }
        return [meta, *(self.file / name for name in sorted(named))]

    @property
    def size_bytes(self) -> int:
        """Bytes of `files`."""
        return sum(file.stat().st_size for file in self.files)

    @functools.cached_property
    def sha256(self) -> str:
        """Of the contents of `files`, one after another."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(file.read_bytes())
        return digest.hexdigest()


SCENES = (
    BenchScene("snowmiku", "snowmiku/point_cloud.ply", quantized=False),
    BenchScene("chair", "chair/point_cloud.ply", quantized=False),
    BenchScene("leica", "leica/leica.ply", quantized=False),
    BenchScene("pod.spz", "pod/pod.spz", most_of_source=0.80),
    BenchScene("biker.spz", "biker/biker.spz", most_of_source=0.80),
    BenchScene("biker.compressed.ply", "biker/biker.compressed.ply", most_of_source=0.90),
    BenchScene("baleine (SOG v1)", "baleine", most_of_source=0.90),
    BenchScene("karangkidul (SOG v2)", "karangkidul", most_of_source=0.93),
    BenchScene("playbot 0 (SOG v2)", "playbot/0_0", most_of_source=0.93),
    *(BenchScene(f"playbot {level} (SOG v2)", f"playbot/{level}_0") for level in range(1, 7)),
    BenchScene("leica.sog", "leica/leica.sog"),
    BenchScene("leica.spz", "leica/leica.spz"),
    BenchScene("chair.splat", "chair_splat/chair.splat"),
)


def scenes_named(words: list[str]) -> list[BenchScene]:
    """The scenes that the words name, whole or by their beginnings; all without words.

    Raises: SystemExit if a word fits no scene or a scene is missing.
    """
    for word in words:
        if not any(scene.name.startswith(word) for scene in SCENES):
            raise SystemExit(f"no scene starts with {word!r}; there are: {', '.join(s.name for s in SCENES)}")
    names = {scene.name for scene in SCENES}
    whole, beginnings = names & set(words), tuple(set(words) - names)
    chosen = [s for s in SCENES if not words or s.name in whole or s.name.startswith(beginnings)]
    for scene in chosen:
        if not scene.file.exists():
            raise SystemExit(f"{scene.file} does not exist; set SPLATZIP_SCENES to the folder that holds scenes/")
    return chosen


def scenes_with_photos(words: list[str]) -> list[BenchScene]:
    """Those of `scenes_named` that came with cameras and photos.

    Raises: SystemExit as `scenes_named`.
    """
    return [scene for scene in scenes_named(words) if scene.cameras is not None]
