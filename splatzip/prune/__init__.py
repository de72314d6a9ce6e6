"""Pruning: which splats a scene can do without."""
