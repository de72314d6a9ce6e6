"""Tiles, tiers and layers: how a scene is cut up for coding."""
