"""Fewer splats: which of them a scene can do without."""
