"""Scenes become pictures, and pictures become numbers: rendering, scores of splats, metrics."""

from splatzip.raster.rasterize import Picture, Rasterizer, render
from splatzip.raster.score import Scores, score

__all__ = ["Picture", "Rasterizer", "Scores", "render", "score"]
