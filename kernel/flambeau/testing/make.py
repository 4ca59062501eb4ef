"""``make_tensor``: a tensor of random values in a range, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..ops import FUNCTIONS
from ..tensor import Tensor, wrap

_INTEGERS = (-9, 10)  # PyTorch's default range


def make_tensor(
    *shape: Any,
    dtype: dtypes.dtype,
    device: Any = "cpu",
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of values drawn evenly from [low, high); as ``torch.testing.make_tensor``.

    Floats lie in [-9, 9) unless told otherwise, integers in [-9, 9], unsigned ones in [0, 9].
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    if noncontiguous and memory_format is not None:
        raise ValueError("noncontiguous and memory_format cannot both be given")
    drawn = sizes if not noncontiguous or not sizes else (*sizes[:-1], 2 * sizes[-1])
    made: Any = _drawn(drawn, dtype, low, high)
    if noncontiguous and sizes:
        made = made[..., ::2]
    if exclude_zero:
        made = wrap(np.where(made.numpy() == 0, np.asarray(1, made.numpy().dtype), made.numpy()))
    made = made.to(device)
    return made.requires_grad_() if requires_grad else made


def _drawn(sizes: Any, dtype: dtypes.dtype, low: Any, high: Any) -> Tensor:
    if dtype is dtypes.bool_:
        return FUNCTIONS["randint"](0, 2, sizes, dtype=dtype)
    if not (dtype.is_floating_point or dtype.is_complex):
        unsigned = not dtype.is_signed
        least = (0 if unsigned else _INTEGERS[0]) if low is None else int(low)
        most = _INTEGERS[1] if high is None else int(high)
        return FUNCTIONS["randint"](least, max(most, least + 1), sizes, dtype=dtype)
    start, end = -9.0 if low is None else low, 9.0 if high is None else high
    if start > end:
        raise ValueError(f"make_tensor: low is {start} and high is {end}; low < high would fit")
    parts = [FUNCTIONS["rand"](sizes, dtype=dtypes.float64) * (end - start) + start for _ in "ri"]
    return (parts[0] + 1j * parts[1] if dtype.is_complex else parts[0]).to(dtype)
