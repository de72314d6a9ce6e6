"""Scenes become pictures, and pictures become numbers: rendering, scores of splats, metrics."""

from splatzip.raster.rasterize import Picture, Rasterizer, render

__all__ = ["Picture", "Rasterizer", "render"]
