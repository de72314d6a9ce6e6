"""The only place that knows which backend runs: everything above calls these names, never splatzip._core."""

from __future__ import annotations

from splatzip.kernels.math import exact_exp, exact_log

__all__ = ["exact_exp", "exact_log"]
