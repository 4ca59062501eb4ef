"""Results of the two libraries, compared; the difference said in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import flambeau as fb


def differs(
    made: Any, expected: Any, values: bool = True, tolerance: float | None = None
) -> str | None:
    """How a result differs from PyTorch's, in words; None if it does not."""
    if isinstance(expected, torch.Tensor):
        if not isinstance(made, fb.Tensor):
            return f"gives {type(made).__name__}, not a Tensor"
        return _tensors_differ(made, expected, values, tolerance)
    if isinstance(expected, list | tuple):
        if not isinstance(made, list | tuple):
            return f"gives {type(made).__name__}, not {type(expected).__name__}"
        if len(made) != len(expected):
            return f"gives {len(made)} results, not {len(expected)}"
        each = (differs(m, e, values, tolerance) for m, e in zip(made, expected, strict=True))
        return next((d for d in each if d), None)
    if isinstance(expected, float | complex) and expected != expected:
        return None if made != made else f"{made!r}, not {expected!r}"
    if isinstance(expected, bool | int | float | complex) and values:
        if type(made) is not type(expected):
            return f"gives {type(made).__name__}, not {type(expected).__name__}"
        close = made == expected or abs(made - expected) <= 1e-5 * max(1.0, abs(expected))
        return None if close else f"{made!r}, not {expected!r}"
    return None


def _largest(values: np.ndarray) -> float:
    """What rounding is relative to in half types, whose sums are rounded at each step or once."""
    finite = abs(values[np.isfinite(values)])
    return max(1.0, float(finite.max())) if finite.size else 1.0


def _tensors_differ(
    made: Any, expected: torch.Tensor, values: bool, tolerance: float | None
) -> str | None:
    expected = expected.detach().resolve_conj().resolve_neg()
    if tuple(made.shape) != tuple(expected.shape):
        return f"shape {tuple(made.shape)}, not {tuple(expected.shape)}"
    if str(made.dtype) != str(expected.dtype):
        return f"dtype {made.dtype}, not {expected.dtype}"
    if not values or expected.numel() == 0 or expected.device.type == "meta":
        return None
    was_short = expected.dtype is torch.bfloat16
    if was_short:
        expected, made = expected.float(), made.float()
    a, b = made.detach().numpy(), expected.numpy(force=True)
    low = {"float16": 1e-2, "float32": 2e-4, "complex64": 5e-4}
    tolerance = tolerance or (8e-2 if was_short else low.get(str(b.dtype), 1e-6))
    near = tolerance * (_largest(b) if was_short or b.dtype == "float16" else 1.0)
    if np.allclose(a, b, rtol=tolerance, atol=near, equal_nan=True):
        return None
    with np.errstate(all="ignore"):
        off = ~np.isclose(a, b, rtol=tolerance, atol=near, equal_nan=True)
    where = tuple(int(i) for i in np.argwhere(off)[0])
    return (
        f"{int(off.sum())} of {off.size} values differ, first {a[where]} not {b[where]} at {where}"
    )
