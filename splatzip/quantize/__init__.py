"""Quantization: what a splat's numbers are rounded to."""
