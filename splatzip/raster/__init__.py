"""Scenes become pictures, and pictures become numbers: rendering, scores of splats, metrics."""
