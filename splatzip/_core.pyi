# The native module: every name is a function that splatzip/kernels wraps with its own types.
from typing import Any

def __getattr__(name: str) -> Any: ...
