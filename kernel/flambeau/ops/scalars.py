"""Python numbers that are written into tensors: what fits into which type."""

from __future__ import annotations

from math import isinf, isnan
from typing import Any

import numpy as np

_IN_C = {
    "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t",
    "int64": "int64_t", "float16": "c10::Half", "float32": "float", "float64": "double",
}  # fmt: skip


def number_for(dtype: np.dtype, value: Any) -> Any:
    """The number in that type, cut to an integer for one of those; RuntimeError if too large.

    A complex number fits a real type when it has no imaginary part, and -1 an unsigned one.
    """
    kind = dtype.kind
    if kind == "b":
        return bool(value)
    if isinstance(value, (complex, np.complexfloating)) and kind != "c":
        if value.imag:
            raise _overflow(dtype)
        value = value.real
    if kind in "iu":
        return _integer_for(dtype, value)
    if kind == "f" and not isinf(value) and abs(value) > np.finfo(dtype).max:
        raise _overflow(dtype)
    return value


def _integer_for(dtype: np.dtype, value: Any) -> int:
    limits = np.iinfo(dtype)
    low = -limits.max if dtype.kind == "u" else limits.min
    if isinstance(value, (float, np.floating)) and (isnan(value) or isinf(value)):
        raise _overflow(dtype)
    whole = int(value)
    if not low <= whole <= limits.max:
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError("Overflow when unpacking long long")
        raise _overflow(dtype)
    return whole + (limits.max + 1) * (whole < 0) if dtype.kind == "u" else whole


def _overflow(dtype: np.dtype) -> RuntimeError:
    name = _IN_C.get(dtype.name, dtype.name)
    return RuntimeError(f"value cannot be converted to type {name} without overflow")
