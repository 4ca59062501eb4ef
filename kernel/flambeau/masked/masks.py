"""Masks, and what hidden entries are made to hold."""

from __future__ import annotations

import math
from typing import Any

from ..dtypes import dtype
from ..limits import iinfo
from ..tensor import Tensor

Dims = int | tuple[int, ...] | list[int] | None


def dims(dim: Dims, ndim: int) -> tuple[int, ...]:
    """The dimensions meant, counted from 0 and in order: all of them for None and for ().

    A tensor of no dimensions takes 0 and -1 as if it had one.

    IndexError for one that there is not, RuntimeError for one named twice.
    """
    if dim is None or dim == () or dim == []:
        return tuple(range(ndim))
    none, ndim = ndim == 0, max(ndim, 1)
    found: list[int] = []
    for d in (dim,) if isinstance(dim, int) else dim:
        if not -ndim <= d < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but "
                f"got {d})"
            )
        if d % ndim in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        found.append(d % ndim)
    return () if none else tuple(sorted(found))


def axis(dim: int, ndim: int) -> int:
    """One dimension, counted from 0."""
    return dims(dim, max(ndim, 1))[0]


def expanded(mask: Tensor, like: Tensor) -> Tensor:
    """The mask with the input's shape, as booleans; IndexError if it has more dimensions."""
    if mask.ndim > like.ndim:
        raise IndexError(
            f"expected broadcastable mask, but it has shape {tuple(mask.shape)} where the input "
            f"has {tuple(like.shape)}"
        )
    if mask.shape != like.shape:
        mask = mask.broadcast_to(like.shape)
    return mask.bool()


def filled(input: Tensor, mask: Tensor | None, value: Any) -> Tensor:
    """The input with ``value`` where the mask hides an entry."""
    return input if mask is None else input.where(expanded(mask, input), value)


def lowest(kind: dtype) -> Any:
    """What is never larger than another entry: -inf, or the smallest integer."""
    if kind.is_floating_point or kind.is_complex:
        return -math.inf
    return _limits(kind, "maximum").min


def highest(kind: dtype) -> Any:
    """What is never smaller than another entry: inf, or the largest integer."""
    return math.inf if kind.is_floating_point else _limits(kind, "minimum").max


def _limits(kind: dtype, name: str) -> Any:
    if kind.name == "bool":
        raise TypeError(f"the {name} of nothing is not defined for {kind}; x.long() has one")
    return iinfo(kind)
