"""What has the input's shape: softmax and its kin, unit length, running sums and products.

Along ``dim`` hidden entries count for nothing; what stands at their places means nothing.
"""

from __future__ import annotations

from typing import Any

from ..dtypes import dtype as Dtype
from ..ops import SPACES
from ..tensor import Tensor
from .masks import axis, filled, highest, lowest
from .reductions import norm


def _softmax(name: str, x: Tensor, mask: Any, value: Any, dim: int, dtype: Any) -> Tensor:
    given = x if mask is None else filled(x, mask, value(x.dtype))
    return SPACES["F"][name](given, axis(dim, x.ndim), dtype=dtype or x.dtype)


def softmax(
    input: Tensor, dim: int, *, dtype: Dtype | None = None, mask: Tensor | None = None
) -> Tensor:
    """exp x / Σ exp x; 0 where hidden, NaN where everything is."""
    return _softmax("softmax", input, mask, lowest, dim, dtype)


def log_softmax(
    input: Tensor, dim: int, *, dtype: Dtype | None = None, mask: Tensor | None = None
) -> Tensor:
    """log(softmax(x)); -inf where hidden."""
    return _softmax("log_softmax", input, mask, lowest, dim, dtype)


def softmin(
    input: Tensor, dim: int, *, dtype: Dtype | None = None, mask: Tensor | None = None
) -> Tensor:
    """softmax(-x); 0 where hidden."""
    return _softmax("softmin", input, mask, highest, dim, dtype)


def normalize(
    input: Tensor,
    ord: float,
    dim: int,
    *,
    eps: float = 1e-12,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """x / max(‖x‖, eps) with the norm of that order; 0 where hidden."""
    length = norm(input, ord, dim, keepdim=True, dtype=dtype or input.dtype, mask=mask)
    return filled(input, mask, 0) / length.maximum(length.new_full((), eps))


def cumsum(
    input: Tensor, dim: int, *, dtype: Dtype | None = None, mask: Tensor | None = None
) -> Tensor:
    """Running sums."""
    kind = dtype or input.dtype
    return filled(input, mask, 0).cumsum(axis(dim, input.ndim), dtype=kind)


def cumprod(
    input: Tensor, dim: int, *, dtype: Dtype | None = None, mask: Tensor | None = None
) -> Tensor:
    """Running products."""
    kind = dtype or input.dtype
    return filled(input, mask, 1).cumprod(axis(dim, input.ndim), dtype=kind)
