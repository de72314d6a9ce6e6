"""JSON as allowed in files: RFC 8259, so no NaN, and no number too large for a float64."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def loads(data: str | bytes | memoryview) -> Any:
    """Parse one JSON text; of bytes also in UTF-16 and UTF-32, or after a byte order mark.

    Raises: ValueError that says what is wrong, also for bytes that are not text, and for endless nesting.
    """
    try:
        return json.loads(data if isinstance(data, str) else bytes(data), parse_constant=_refused, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def dumps(values: Any, *, sort_keys: bool = False) -> bytes:
    """The shortest text of values that `loads` takes.

    Raises: ValueError for NaN and infinities.
    """
    return json.dumps(values, allow_nan=False, separators=(",", ":"), sort_keys=sort_keys).encode()


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is too large for a number")
    return value
