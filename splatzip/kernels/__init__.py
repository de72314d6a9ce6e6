"""Native code in terms of numpy arrays: only the modules here name splatzip._core and splatzip._cuda."""

from __future__ import annotations

from splatzip.kernels.math import exact_exp, exact_log

__all__ = ["exact_exp", "exact_log"]
