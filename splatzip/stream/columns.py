"""Codec COLUMNS: lossless coding of integers (docs/FORMAT.md 7). `encode_columns` and `decode_columns` are inverses."""

from __future__ import annotations

from splatzip.stream.columns_decode import decode_scene as decode_columns
from splatzip.stream.columns_encode import encode_scene as encode_columns
from splatzip.stream.columns_on_gpu import decode_scene_on_gpu as decode_columns_on_gpu

__all__ = ["decode_columns", "decode_columns_on_gpu", "encode_columns"]
