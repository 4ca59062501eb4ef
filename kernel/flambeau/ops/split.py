"""Taking tensors apart along a dimension."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..tensor import Tensor
from .index import narrow
from .registry import function, op
from .shape import at_dim


@op(outputs=0, view=True)
def unbind(xp, x, /, dim=0):
    """The slices along ``dim``, without it.

    >>> fb.tensor([[1, 2], [3, 4]]).unbind(1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    if x.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    front = (slice(None),) * at_dim(dim, x.ndim)
    return tuple(x[(*front, i, ...)] for i in range(x.shape[len(front)]))


unbind.gradients(x=lambda ns, g, dim: ns.stack(g, dim))


@op(on="", name="split", outputs=0, view=True)
def split_op(xp, x, /, lengths, dim):
    """Pieces of the lengths given along ``dim``."""
    front, pieces, start = (slice(None),) * at_dim(dim, x.ndim), [], 0
    for n in lengths:
        pieces.append(x[(*front, slice(start, start + n))])
        start += n
    return tuple(pieces)


split_op.gradients(x=lambda ns, g, dim: ns.cat(g, dim))


def _length(name: str, input: Tensor, dim: int) -> int:
    shape = input.array.shape
    if not shape:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor, not one of shape ()")
    return shape[at_dim(dim, len(shape))]


def _lengths(n: int, size: int) -> tuple[int, ...]:
    """The lengths of pieces of one size, the last of which may be smaller."""
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0 and n:
        raise RuntimeError(
            "split_size can only be 0 if dimension size is 0, but got dimension size of "
            f"{n}; a size of at least 1 fits"
        )
    if not n:
        return (0,)
    whole, rest = divmod(n, size)
    return (size,) * whole + (rest,) * (rest > 0)


@function
def split_with_sizes(input, split_sizes, dim=0):
    """Pieces of the sizes listed along ``dim``, which must add up to its size."""
    n = _length("split_with_sizes", input, dim)
    split_sizes = [int(size) for size in split_sizes]
    if any(size < 0 for size in split_sizes):
        raise RuntimeError(
            "split_with_sizes expects split_sizes have only non-negative entries, but got "
            f"split_sizes={split_sizes}"
        )
    if sum(split_sizes) != n:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size "
            f"at dimension {dim}), but got split_sizes={split_sizes}"
        )
    return split_op(input, tuple(split_sizes), dim)


@function
def split(tensor, split_size_or_sections=None, dim=0, *, split_size=None):
    """Pieces of one size along ``dim`` (the last may be smaller), or of the sizes listed.

    >>> fb.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    size = split_size if split_size_or_sections is None else split_size_or_sections
    n = _length("split", tensor, dim)
    if isinstance(size, (list, tuple)):
        return split_with_sizes(tensor, size, dim)
    return split_op(tensor, _lengths(n, int(size)), dim)


@function
def chunk(input, chunks, dim=0):
    """At most ``chunks`` pieces along ``dim``, all of one size but the last.

    >>> [part.tolist() for part in fb.arange(6).chunk(4)]
    [[0, 1], [2, 3], [4, 5]]
    """
    n = _length("chunk", input, dim)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return split_op(input, _lengths(n, -(-n // chunks)) if n else (0,) * chunks, dim)


def _unsafe(body: Any, name: str) -> None:
    """The same pieces, each a view on its own, so that each can be written to in place."""

    def pieces(input: Tensor, size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        made, start = [], 0
        for part in body(input.detach(), size, dim):
            length = part.shape[dim]
            made.append(narrow(input, dim, start, length))
            start += length
        return tuple(made)

    pieces.__name__ = name
    pieces.__doc__ = f"As ``{body.__name__}``, of pieces that can be written to one by one."
    function(pieces)


for _body in (split, split_with_sizes, chunk):
    _unsafe(_body, f"unsafe_{_body.__name__}")


# As NumPy splits


def _edges(n: int, indices_or_sections: Any) -> list[int]:
    """Where a tensor_split of n entries begins and ends its parts."""
    at = indices_or_sections
    if isinstance(at, Tensor):
        if at.array.dtype != np.int64:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                f"{at.dtype.name}"
            )
        if at.ndim > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                f"one-dimensional tensor, but got a tensor with {at.ndim} dims"
            )
        at = at.tolist()
    if isinstance(at, int):
        if at < 1:
            raise RuntimeError(f"number of sections must be larger than 0, got {at}")
        small, more = divmod(n, at)
        return [0, *np.cumsum([small + (i < more) for i in range(at)]).tolist()]
    return [0, *(min(max(i + n if i < 0 else i, 0), n) for i in at), n]


@function
def tensor_split(input, indices_or_sections=None, dim=0, *, indices=None, sections=None):
    """Split along ``dim`` into so many parts, or at the indices given.

    >>> fb.arange(5).tensor_split((1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    given = (indices_or_sections, indices, sections)
    at = next((way for way in given if way is not None), None)
    if not input.ndim:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    edges = _edges(input.shape[at_dim(dim, input.ndim)], at)
    return tuple(narrow(input, dim, a, max(b - a, 0)) for a, b in pairwise(edges))


def _exact_split(name, least, input, at, dim):
    if input.ndim < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor "
            f"with {input.ndim} dimensions!"
        )
    n = input.shape[dim]
    if isinstance(at, int) and (at <= 0 or n % at):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the "
            f"dimension {n} is not divisible by the split_size {at}!"
        )
    return tensor_split(input, at, dim)


@function
def hsplit(input, indices_or_sections):
    """Split along the second dimension (the first of a vector)."""
    return _exact_split("hsplit", 1, input, indices_or_sections, 0 if input.ndim == 1 else 1)


@function
def vsplit(input, indices_or_sections):
    """Split along the first dimension."""
    return _exact_split("vsplit", 2, input, indices_or_sections, 0)


@function
def dsplit(input, indices_or_sections):
    """Split along the third dimension."""
    return _exact_split("dsplit", 3, input, indices_or_sections, 2)
