"""Sums, means, extremes and the like, over the entries that a mask lets count.

``dim`` is one dimension, several, or None for all; ``dtype`` is the result's type.
"""

from __future__ import annotations

import math
from typing import Any

from ..dtypes import dtype as Dtype
from ..dtypes import float32, int64
from ..ops import SPACES
from ..tensor import Tensor
from .masks import Dims, axis, dims, expanded, filled, highest, lowest

_NARROW = frozenset(("bool", "uint8", "int8", "int16", "int32"))


def _summed_as(input: Tensor, dtype: Dtype | None) -> Dtype:
    return dtype or (int64 if input.dtype.name in _NARROW else input.dtype)


def sum(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Σ x; 0 where everything is hidden."""
    along = dims(dim, input.ndim)
    given = filled(input, mask, 0)
    return given.sum(along, bool(keepdim), dtype=_summed_as(input, dtype))


def prod(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Π x; 1 where everything is hidden."""
    along = dims(dim, input.ndim)
    result = filled(input, mask, 1).to(_summed_as(input, dtype))
    for d in reversed(along):
        result = result.prod(d, bool(keepdim))
    return result


def amax(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The largest; -inf (the smallest integer) where everything is hidden."""
    given = input if mask is None else filled(input, mask, lowest(input.dtype))
    return given.amax(dims(dim, input.ndim), bool(keepdim)).to(dtype or input.dtype)


def amin(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The smallest; inf (the largest integer) where everything is hidden."""
    given = input if mask is None else filled(input, mask, highest(input.dtype))
    return given.amin(dims(dim, input.ndim), bool(keepdim)).to(dtype or input.dtype)


def argmax(
    input: Tensor,
    dim: int | None = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Where the largest is, as a number of type ``dtype`` (the input's own where None)."""
    given = input if mask is None else filled(input, mask, lowest(input.dtype))
    return given.argmax(dim, bool(keepdim)).to(dtype or input.dtype)


def argmin(
    input: Tensor,
    dim: int | None = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Where the smallest is, as a number of type ``dtype`` (the input's own where None)."""
    given = input if mask is None else filled(input, mask, highest(input.dtype))
    return given.argmin(dim, bool(keepdim)).to(dtype or input.dtype)


def _count(input: Tensor, along: tuple[int, ...], keepdim: bool, mask: Tensor | None) -> Any:
    """How many entries count."""
    seen = input.detach().new_ones(input.shape, dtype=int64)
    seen = seen if mask is None else expanded(mask, input).long()
    return seen.sum(along, keepdim)


def mean(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Σ x / how many there are; NaN where everything is hidden. ValueError for integers.

    >>> x = fb.tensor([1.0, 2.0, 30.0])
    >>> fb.masked.mean(x, mask=fb.tensor([True, True, False]))
    tensor(1.5000)
    """
    kind = dtype or input.dtype
    if not (kind.is_floating_point or kind.is_complex):
        raise ValueError(
            "mean(): Could not infer output dtype. The dtype must be either a floating point or "
            f"complex dtype. Got: {kind}"
        )
    count = _count(input, dims(dim, input.ndim), bool(keepdim), mask)
    total: Any = sum(input, dim, keepdim=keepdim, dtype=kind, mask=mask)
    return total / count


def median(
    input: Tensor,
    dim: int = -1,
    *,
    keepdim: bool = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The one in the middle, the lower of two; NaN where everything is hidden.

    ValueError where everything is hidden and the type has no NaN.
    """
    along = axis(dim, input.ndim)
    floats = input.dtype.is_floating_point
    given = filled(input if floats else input.to(float32), mask, math.nan)
    out = given.nanmedian(along, keepdim).values
    if floats:
        return out
    if bool(out.isnan().any()):
        raise ValueError(
            "masked median expects no fully masked out rows if dtype is not floating point"
        )
    return out.to(dtype or input.dtype)


def logsumexp(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """log Σ exp x; -inf where everything is hidden."""
    given = input if mask is None else filled(input, mask, lowest(input.dtype))
    return given.logsumexp(dims(dim, input.ndim), keepdim).to(dtype or input.dtype)


def logaddexp(
    input: Tensor,
    other: Tensor,
    *,
    dtype: Dtype | None = None,
    input_mask: Tensor | None = None,
    other_mask: Tensor | None = None,
) -> Tensor:
    """log(exp x + exp y), where a hidden entry adds nothing."""
    x = input if input_mask is None else filled(input, input_mask, lowest(input.dtype))
    y = other if other_mask is None else filled(other, other_mask, lowest(other.dtype))
    return x.logaddexp(y).to(dtype or input.dtype)


def norm(
    input: Tensor,
    ord: float | None = 2.0,
    dim: Dims = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """(Σ |x|ᵒʳᵈ)^(1/ord), as ``linalg.vector_norm``; 0 (inf for ord=-inf) if all is hidden."""
    given = filled(input, mask, math.inf if ord == -math.inf else 0)
    along = dims(dim, input.ndim)
    call = SPACES["linalg"]["vector_norm"]
    return call(given, ord, along, bool(keepdim), dtype=dtype or input.dtype)


def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    *,
    correction: int | float | None = None,
    keepdim: bool | None = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Σ |x - mean|² / (count - correction), with a correction of 1 where none is given.

    NaN where everything is hidden; AssertionError if both ``unbiased`` and ``correction`` are
    given.
    """
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    less = float(correction) if correction is not None else 1.0 if unbiased is not False else 0.0
    floats = input.dtype.is_floating_point or input.dtype.is_complex
    kind = dtype or (input.dtype if floats else float32)
    wide = kind if kind.is_floating_point or kind.is_complex else float32
    along = dims(dim, input.ndim)
    count = _count(input, along, True, mask)
    middle: Any = sum(input, dim, keepdim=True, dtype=kind, mask=mask)
    away = input - middle / count
    total: Any = sum(away * away.conj(), dim, keepdim=keepdim, dtype=wide, mask=mask)
    count = count.reshape(total.shape)
    if less:
        real = total.real if wide.is_complex else total
        count = (count.to(real.dtype) - less).clamp(0)
    return (total / count).to(kind)


def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    *,
    correction: int | float | None = None,
    keepdim: bool | None = False,
    dtype: Dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The root of `var`."""
    more: dict[str, Any] = {"keepdim": keepdim, "dtype": dtype, "mask": mask}
    return var(input, dim, unbiased, correction=correction, **more).sqrt()
