"""Scenes become pictures, and pictures become numbers: rendering, scores of splats, metrics."""

from splatzip.raster.rasterize import Picture, Rasterizer, Renderer, render, renderer
from splatzip.raster.score import Scores, score

__all__ = ["Picture", "Rasterizer", "Renderer", "Scores", "render", "renderer", "score"]
