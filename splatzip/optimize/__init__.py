"""Optimization by trying and measuring."""
