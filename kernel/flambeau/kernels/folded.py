"""A shape seen as (outer, n, inner), where n is what a reduction or a softmax goes over."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from . import softmax, softmax_middle
from .compiled import Kernel
from .threads import spread


def folded(shape: tuple[int, ...], axis: Any) -> tuple[int, int, int] | None:
    """(outer, n, inner) for an axis, for several that adjoin, or (None) for all; else None."""
    ndim = len(shape)
    if axis is None:
        return 1, prod(shape), 1
    if axis.__class__ is int:
        if not -ndim <= axis < ndim:
            return None
        axis %= ndim
        return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    if not axis or any(not -ndim <= a < ndim for a in axis):
        return None
    at = sorted(a % ndim for a in axis)
    first, last = at[0], at[-1]
    if last - first + 1 != len(at):
        return None
    return prod(shape[:first]), prod(shape[first : last + 1]), prod(shape[last + 1 :])


def softmax_loops(shape: tuple[int, ...], dim: int) -> tuple[Any, tuple[int, ...]]:
    """The loops for a softmax along ``dim``, and the shape that they take."""
    outer, n, inner = folded(shape, dim)  # type: ignore[misc]
    return (softmax, (outer, n)) if inner == 1 else (softmax_middle, (outer, n, inner))


def reduced(x: Any, axis: Any, keepdim: bool, rows: Kernel, middle: Kernel, *others: Any) -> Any:
    """x reduced by one of two loops ``(x, out, *others)``; None where the axes do not adjoin."""
    found = folded(x.shape, axis)
    if found is None:
        return None
    outer, n, inner = found
    shape = (outer, n) if inner == 1 else found
    out = np.empty((outer, inner)[: len(shape) - 1], np.float32)
    spread(rows if inner == 1 else middle, x.size, (x.reshape(shape), out), *others)
    return out.reshape(reduced_shape(x.shape, axis, keepdim))


def reduced_shape(shape: tuple[int, ...], axis: Any, keepdim: bool) -> tuple[int, ...]:
    """The shape without the axes, or with 1 in their place."""
    ndim = len(shape)
    if axis is None:
        return (1,) * ndim if keepdim else ()
    gone = {axis % ndim} if axis.__class__ is int else {a % ndim for a in axis}
    if keepdim:
        return tuple(1 if i in gone else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in gone)
