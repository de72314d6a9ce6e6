"""Whole command against whole command: file to file, the same scene, in turn, in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import splatzip
from benchmark.judge import Judge
from benchmark.peers import Tool
from benchmark.scenes import BenchScene
from splatzip import Scene


def measure_commands(
    scene: BenchScene, source: Scene, tools: list[Tool], *, repetitions: int
) -> Iterator[dict[str, Any]]:
    """Both directions with each tool in turn; the first round warms the caches and is not recorded."""
    with tempfile.TemporaryDirectory() as folder:
        ply = scene.file
        for repetition in range(-1, repetitions):
            for tool in tools:
                coded, decoded = Path(folder) / f"coded{tool.suffix}", Path(folder) / "decoded.ply"
                figures = {"compress": tool.write(ply, coded), "decompress": tool.read(coded, decoded)}
                if len(splatzip.load(decoded)) != len(source):
                    raise AssertionError(f"{tool.name} lost splats of {scene.name}")
                if repetition < 0:
                    continue
                for direction, figure in figures.items():
                    yield {
                        "tool": tool.name,
                        "version": tool.version,
                        "direction": direction,
                        "repetition": repetition,
                        "warm_up": 1,
                        "splats": len(source),
                        "bytes": coded.stat().st_size,
                        **figure,
                    }


def measure_peer_quality(scene: BenchScene, source: Scene, judge: Judge, tool: Tool) -> dict[str, Any]:
    """What the peer's file weighs, and how it looks when the peer itself decodes it."""
    with tempfile.TemporaryDirectory() as folder:
        coded, decoded = Path(folder) / f"coded{tool.suffix}", Path(folder) / "decoded.ply"
        tool.write(scene.file, coded)
        tool.read(coded, decoded)
        size = coded.stat().st_size
        return {
            "tool": tool.name,
            "version": tool.version,
            "splats": len(source),
            "bytes": size,
            "ratio": source.float_bytes / size,
            "bits_per_splat": 8 * size / len(source),
            **judge.score(judge.read_ply(decoded)),
        }
