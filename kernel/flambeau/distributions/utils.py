"""What distributions share: parameters brought to one shape, and properties made when asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import update_wrapper
from numbers import Number
from typing import Any

import flambeau as fb

from ..ops.creation import tensor
from ..tensor import Tensor

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

euler_constant = 0.57721566490153286060


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Tensors and numbers as tensors of one shape; numbers take the type of the first tensor."""
    for value in values:
        if not isinstance(value, (Tensor, Number)):
            raise ValueError(
                "Input arguments must all be instances of Number or Tensor, "
                f"found {type(value).__name__}"
            )
    like = next((v for v in values if isinstance(v, Tensor)), None)
    dtype = fb.get_default_dtype() if like is None else like.dtype
    device = None if like is None else like.device
    tensors = [v if isinstance(v, Tensor) else tensor(v, dtype, device) for v in values]
    return tuple(fb.broadcast_tensors(*tensors))


def standard_normal(shape: Any, like: Tensor) -> Any:
    """Standard normal numbers of the type and on the device of a tensor."""
    return fb.randn(shape, dtype=like.dtype, device=like.device)


def uniform(shape: Any, like: Tensor) -> Any:
    """Uniform numbers in [0, 1) of the type and on the device of a tensor."""
    return fb.rand(shape, dtype=like.dtype, device=like.device)


def sum_rightmost(value: Any, dim: int) -> Any:
    """The sum over the last ``dim`` dimensions."""
    return value.reshape((*value.shape[: value.dim() - dim], -1)).sum(-1) if dim else value


def infinite_like(value: Any) -> Any:
    """+∞ everywhere."""
    return fb.full_like(value, math.inf)


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """Chances of log odds (binary), or of unnormalised log chances along the last dimension."""
    return fb.sigmoid(logits) if is_binary else fb.softmax(logits, dim=-1)


def clamp_probs(probs: Any) -> Any:
    """Chances kept away from 0 and 1 by the smallest step of their type."""
    eps = fb.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def clipped_sigmoid(x: Any) -> Any:
    """The sigmoid, kept inside (0, 1)."""
    info = fb.finfo(x.dtype)
    return fb.sigmoid(x).clamp(min=info.tiny, max=1 - info.eps)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """The inverse of `logits_to_probs`."""
    inside = clamp_probs(probs)
    return fb.log(inside) - fb.log1p(-inside) if is_binary else fb.log(inside)


def exactly_one(probs: Any, logits: Any) -> None:
    """ValueError unless one of the two is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class lazy_property:
    """A property that is computed when first asked for, and then stays."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with fb.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def _lower(n: int, diag: int, device: Any) -> Any:
    """Where an n × n matrix is lower triangular, up to a diagonal."""
    column = fb.arange(n, device=device)
    return column < column.view(-1, 1) + (diag + 1)


def tril_matrix_to_vec(mat: Any, diag: int = 0) -> Any:
    """The lower triangles of matrices (..., D, D), up to a diagonal, row by row as vectors."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[..., _lower(n, diag, mat.device)]


def vec_to_tril_matrix(vec: Any, diag: int = 0) -> Any:
    """The inverse of `tril_matrix_to_vec`: vectors as lower triangles of square matrices."""
    count = vec.shape[-1]
    size = (1 + 2 * diag) ** 2 + 8 * count + 4 * abs(diag) * (diag + 1)
    n = (math.sqrt(size) - (1 + 2 * diag)) / 2
    if abs(round(n) - n) > fb.finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {count} which cannot be expressed as "
            "the lower triangular part of a square D x D matrix."
        )
    n = round(n)
    mat = vec.new_zeros((*vec.shape[:-1], n, n))
    mat[..., _lower(n, diag, vec.device)] = vec
    return mat
