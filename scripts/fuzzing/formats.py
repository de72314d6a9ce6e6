"""The formats that are fuzzed: seed files of each, and ways to damage them below their outer layer.

Seeds are the fixtures of the tests, and what the library writes from them where no fixture exists.
"""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zstandard
from plyfile import PlyData  # type: ignore[import-untyped]

import splatzip
from fuzzing.mutate import mutated
from fuzzing.reseal import resealed
from splatzip import Profile, Scene
from splatzip.encode import encode
from splatzip.quantize import stepped

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"

Files = dict[str, bytes]  # path below the case's folder -> content
Damage = Callable[[bytes, bytes, random.Random], bytes]


@dataclass(frozen=True)
class Fuzzed:
    """One format.

    Attributes:
        check: how the worker judges: "foreign", "changed" (.splatz, to be refused) or "resealed".
        target: the path that is opened, below the case's folder; "." for the folder itself.
        seeds: makes whole files; called once.
        damages: ways to damage one of them; chosen in turn.
    """

    check: str
    target: str
    seeds: Callable[[], Sequence[Files]]
    damages: Sequence[Damage] = (mutated,)

    def case(self, seeds: Sequence[Files], rng: random.Random) -> tuple[Files, Files]:
        """A damaged seed, and the seed as it was."""
        seed, other = rng.choice(seeds), rng.choice(seeds)
        name = rng.choice(sorted(seed))
        donor = other.get(name) or rng.choice(sorted(other.values()))
        return {**seed, name: rng.choice(self.damages)(seed[name], donor, rng)}, seed


def _fixture(*patterns: str, name: str) -> Callable[[], list[Files]]:
    return lambda: [{name: path.read_bytes()} for p in patterns for path in sorted(FIXTURES.glob(p))]


def _folder(path: str) -> Callable[[], list[Files]]:
    return lambda: [{file.name: file.read_bytes() for file in sorted((FIXTURES / path).iterdir())}]


def _written(name: str, *sources: str) -> Callable[[], list[Files]]:
    """What the library writes from fixtures."""

    def seeds() -> list[Files]:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / name
            found = []
            for source in sources:
                splatzip.save(_small(splatzip.load(FIXTURES / source)), target)
                found.append({name: target.read_bytes()})
            return found

    return seeds


def _plys() -> list[Files]:
    seeds = []
    for source in ("ksplat/l2-sh1.ply", "ksplat/l0-sh0.ply"):
        ply = PlyData.read(FIXTURES / source)
        for text, order in ((False, "<"), (False, ">"), (True, "=")):
            ply.text, ply.byte_order = text, order
            out = io.BytesIO()
            ply.write(out)
            seeds.append({"case.ply": out.getvalue()})
    return seeds


def _small(scene: Scene) -> Scene:
    return scene.take(np.arange(min(len(scene), 60)))


def _splatz() -> list[Files]:
    """Lossy in one piece and in tiles and tiers, lossless floats, and a transcoded file of each quantized format."""
    scenes = [splatzip.load(FIXTURES / name) for name in ("ksplat/l2-sh2.ply", "spz/v4_sh4.spz", "ksplat/l0-sh0.ply")]
    coded = [splatzip.compress(scene, preset="fast") for scene in scenes]
    tiled = Profile("fast", stepped.Options(1.0, tile_splats=25))
    tiers = np.arange(len(scenes[0]), dtype=np.uint8) % 3
    coded.append(encode(scenes[0], tiled, tiers=tiers))
    coded.append(splatzip.compress(scenes[0].edited(), preset="lossless"))
    for name in ("spz/v4_sh4.spz", "spz/v2_sh3.spz", "sog/v1", "sog/v2_folder", "ksplat/l1-sh2.ksplat",
                 "compressed_ply/leica-260.compressed.ply"):  # fmt: skip
        coded.append(splatzip.compress(FIXTURES / name, preset="lossless"))
    splat = _small(splatzip.load(FIXTURES / "ksplat/l0-sh0.ply"))
    coded.append(splatzip.compress(splat.edited(), preset="lossless"))
    vectors = sorted((ROOT / "tests" / "vectors").glob("*/input.splatz"))
    small = [file.read_bytes() for file in vectors if file.stat().st_size < 1 << 16]
    return [{"case.splatz": file} for file in (*coded, *small)]


def _inside_gzip(data: bytes, other: bytes, rng: random.Random) -> bytes:
    return gzip.compress(mutated(gzip.decompress(data), gzip.decompress(other), rng), 1)


def _inside_zstd(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """SPZ 4: one stream's content, and the table of contents told about it or not."""
    count, at = data[15], int.from_bytes(data[16:20], "little")
    sizes = [int.from_bytes(data[at + 16 * i : at + 16 * i + 8], "little") for i in range(count)]
    place = at + 16 * count
    streams = []
    for size in sizes:
        streams.append(data[place : place + size])
        place += size
    chosen = rng.randrange(count)
    content = zstandard.ZstdDecompressor().decompress(streams[chosen])
    content = mutated(content, content, rng)
    streams[chosen] = zstandard.ZstdCompressor(level=1).compress(content)
    toc = bytearray(data[at : at + 16 * count])
    toc[16 * chosen : 16 * chosen + 8] = len(streams[chosen]).to_bytes(8, "little")
    if rng.random() < 0.5:
        toc[16 * chosen + 8 : 16 * chosen + 16] = len(content).to_bytes(8, "little")
    return b"".join([data[:at], toc, *streams])


def _inside_zip(data: bytes, other: bytes, rng: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(members))
    donor = rng.choice(sorted(members))
    kind = rng.randrange(4)
    if kind == 0:
        members[name] = members[donor]
    elif kind == 1:
        del members[name]
    else:
        members[name] = mutated(members[name], members[donor], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return out.getvalue()


def _inside_glb(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The JSON or the binary chunk, lengths put right."""
    json_size = int.from_bytes(data[12:16], "little")
    text, binary = data[20 : 20 + json_size], data[20 + json_size + 8 :]
    if rng.random() < 0.7:
        text = mutated(text, text, rng)
    else:
        binary = mutated(binary, binary, rng)
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    body = len(text).to_bytes(4, "little") + b"JSON" + text + len(binary).to_bytes(4, "little") + b"BIN\0" + binary
    return data[:8] + (12 + len(body)).to_bytes(4, "little") + body


def _deflated_noise(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """A file that inflates to far more than it should."""
    return gzip.compress(gzip.decompress(data)[:16] + bytes(rng.choice((1 << 16, 1 << 24, 1 << 26))), 6)


FORMATS: dict[str, Fuzzed] = {
    "splatz": Fuzzed("changed", "case.splatz", _splatz),
    "splatz_resealed": Fuzzed("resealed", "case.splatz", _splatz, (resealed,)),
    "ply": Fuzzed("foreign", "case.ply", _plys),
    "compressed_ply": Fuzzed(
        "foreign", "case.compressed.ply", _fixture("compressed_ply/*.compressed.ply", name="case.compressed.ply")
    ),
    "splat": Fuzzed(
        "foreign", "case.splat", _written("case.splat", "ksplat/l0-sh0.ply", "compressed_ply/leica-260.decoded.ply")
    ),
    "spz1": Fuzzed("foreign", "case.spz", _fixture("spz/v1.spz", name="case.spz"), (mutated, _inside_gzip)),
    "spz2": Fuzzed(
        "foreign",
        "case.spz",
        _fixture("spz/v2_*.spz", name="case.spz"),
        (mutated, _inside_gzip, _inside_gzip, _deflated_noise),
    ),
    "spz3": Fuzzed("foreign", "case.spz", _fixture("spz/v3_*.spz", name="case.spz"), (mutated, _inside_gzip)),
    "spz4": Fuzzed("foreign", "case.spz", _fixture("spz/v4_*.spz", name="case.spz"), (mutated, mutated, _inside_zstd)),
    "sog_folder1": Fuzzed("foreign", ".", _folder("sog/v1")),
    "sog_folder2": Fuzzed("foreign", ".", _folder("sog/v2_folder")),
    "sog_zip": Fuzzed(
        "foreign", "case.sog", _fixture("sog/*.sog", name="case.sog"), (mutated, _inside_zip, _inside_zip)
    ),
    "ksplat": Fuzzed("foreign", "case.ksplat", _fixture("ksplat/*.ksplat", name="case.ksplat")),
    "gltf": Fuzzed("foreign", "case.gltf", _fixture("gltf/*.gltf", name="case.gltf")),
    "glb": Fuzzed("foreign", "case.glb", _fixture("gltf/*.glb", name="case.glb"), (mutated, _inside_glb)),
    "usda": Fuzzed("foreign", "case.usda", _written("case.usda", "ksplat/l2-sh1.ply")),
    "usdc": Fuzzed("foreign", "case.usdc", _fixture("usd/*.usdc", name="case.usdc")),
    "usdz": Fuzzed("foreign", "case.usdz", _fixture("usd/*.usdz", name="case.usdz"), (mutated, _inside_zip)),
}
