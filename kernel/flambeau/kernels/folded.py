"""A shape seen as (outer, n, inner), where n is what a reduction or a softmax goes over."""

from __future__ import annotations

from math import prod
from typing import Any

from . import softmax, softmax_middle


def folded(shape: tuple[int, ...], axis: Any) -> tuple[int, int, int] | None:
    """(outer, n, inner) for an axis, for several that adjoin, or (None) for all; else None."""
    ndim = len(shape)
    if axis is None:
        return 1, prod(shape), 1
    if axis.__class__ is int:
        axis %= ndim
        return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    at = sorted(a % ndim for a in axis)
    first, last = at[0], at[-1]
    if last - first + 1 != len(at):
        return None
    return prod(shape[:first]), prod(shape[first : last + 1]), prod(shape[last + 1 :])


def softmax_loops(shape: tuple[int, ...], dim: int) -> tuple[Any, tuple[int, ...]]:
    """The loops for a softmax along ``dim``, and the shape that they take."""
    outer, n, inner = folded(shape, dim)  # type: ignore[misc]
    return (softmax, (outer, n)) if inner == 1 else (softmax_middle, (outer, n, inner))
