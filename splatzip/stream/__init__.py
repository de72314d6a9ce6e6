"""Tiles, tiers and layers: how a scene is divided for coding."""
