"""Writing whole slices by a vector of indices, and elements by their place in memory order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import module_of
from ..kernels.places import largest
from ..tensor import Tensor
from ..tensor import wrap as wrap_
from .gather import nonzero
from .registry import OPS, function
from .scalars import number_for
from .scatter import reduce_at
from .shape import at_dim

_OUT_OF_RANGE = {"index_add": RuntimeError}  # the others: IndexError


def _rows(name: str, input: Tensor, dim: int, index: Tensor, kinds: Any, below: bool) -> Any:
    """The index of ``input[..., index, ...]``, checked; ``below`` lets -1 be the last."""
    places = index.array
    if places.ndim > 1:
        raise IndexError(
            f"{name}_(): Index is supposed to be a vector, but got {places.ndim} dimensions"
        )
    if places.dtype not in kinds:
        raise (IndexError if name == "index_fill" else RuntimeError)(
            f"{name}_(): Expected a long tensor for index but got: {places.dtype}; "
            "index.long() fits"
        )
    n = input.array.shape[dim] if input.array.ndim else 1
    if isinstance(places, np.ndarray) and places.size:
        _check_range(name, places, dim, n, below)
    return (*(slice(None),) * dim, places if places.ndim else places.reshape(1))


def _check_range(name: str, places: np.ndarray, dim: int, n: int, below: bool) -> None:
    if not below and largest(places) < n:
        return  # the usual case, cheaply
    ends = int(places.min()), int(places.max())
    wrong = [i for i in ends if not -n * below <= i < n]
    if wrong:
        raise _OUT_OF_RANGE.get(name, IndexError)(
            f"{name}_(): index {wrong[0]} is out of bounds for dimension {dim} with size {n}"
        )


def _same_type(name: str, input: Tensor, source: Tensor) -> None:
    if input.array.dtype != source.array.dtype:
        raise RuntimeError(
            f"{name}_(): self and source expected to have the same dtype, but got (self) "
            f"{input.dtype.name} and (source) {source.dtype.name}; source.to(self.dtype) fits"
        )


def _check_slices(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> None:
    _same_type(name, input, source)
    whole, given = input.array.shape, source.array.shape
    n = given[dim] if given else 1
    if n != index.array.size:
        raise (IndexError if name == "index_copy" else RuntimeError)(
            f"{name}_(): Number of indices ({index.numel()}) should be equal to "
            f"source.size(dim): ({n}), for dim: {dim}"
        )
    if whole[:dim] != given[:dim] or whole[dim + 1 :] != given[dim + 1 :]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(input.shape)} source.shape = {list(source.shape)}"
        )


def _as_rows(name, input, dim, index, source, kinds):
    """Input, index and source of at least one dimension, checked against each other."""
    ndim, other = input.array.ndim, source.array.ndim
    dim = at_dim(dim, ndim)
    if ndim and other and ndim != other:
        raise (IndexError if name == "index_copy" else RuntimeError)(
            f"{name}_(): When source and destination are not scalars, their dimensionality must "
            f"match. Source dimensionality ({source.ndim}), destination dimensionality "
            f"({input.ndim})"
        )
    at = _rows(name, input, dim, index, kinds, below=False)
    _check_slices(name, input, dim, index, source)
    return (input if ndim else input.reshape(1)), (source if other else source.reshape(1)), at


_LONG = (np.dtype("int64"),)
_WHOLE = (*_LONG, np.dtype("int32"))


@function
def index_add(input, dim, index, source, *, alpha=1):
    """A copy with the slices of ``source`` added along ``dim`` at the indices.

    >>> fb.zeros(2).index_add(0, fb.tensor([0, 0, 1]), fb.tensor([1.0, 2.0, 5.0]))
    tensor([3., 5.])
    """
    x, source, at = _as_rows("index_add", input, dim, index, source, _WHOLE)
    if alpha == 1:
        return _shaped(OPS["index_put"](x, source, at, True), input)
    added = OPS["index_add_new"](source, tuple(x.shape), at)
    return _shaped(OPS["add"](x, added, alpha=alpha), input)


def _shaped(made: Tensor, like: Tensor) -> Tensor:
    """In the shape of another tensor, which differs only where that has no dimensions."""
    return made if made.array.ndim == like.array.ndim else made.reshape(like.shape)


@function
def index_copy(input, dim, index, source):
    """A copy with the slices of ``source`` written along ``dim`` at the indices.

    >>> fb.zeros(3).index_copy(0, fb.tensor([2, 0]), fb.tensor([5.0, 7.0]))
    tensor([7., 0., 5.])
    """
    x, source, at = _as_rows("index_copy", input, dim, index, source, _LONG)
    return _shaped(OPS["index_put"](x, source, at, False), input)


@function
def index_reduce(input, dim, index, source, reduce, *, include_self=True):
    """A copy with the slices of ``source`` worked in along ``dim`` at the indices.

    ``reduce`` is "prod", "mean", "amax" or "amin"; ``include_self=False`` leaves out what stood
    there.
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}."
        )
    x, source, at = _as_rows("index_reduce", input, dim, index, source, _WHOLE)
    return _shaped(reduce_at(x, source, at, reduce, include_self), input)


@function
def index_fill(input, dim, index, value):
    """A copy with ``value`` written along ``dim`` at the indices.

    >>> fb.zeros(2, 2).index_fill(1, fb.tensor([0]), 7.0)
    tensor([[7., 0.],
            [7., 0.]])
    """
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.ndim} dimension(s)."
        )
    at = _rows("index_fill", input, at_dim(dim, input.ndim), index, _LONG, below=True)
    x = input if input.ndim else input.reshape(1)
    if not isinstance(value, Tensor):
        value = number_for(input.array.dtype, value)
    n = x.shape[at_dim(dim, x.ndim)]
    once = module_of(x.array).unique(at[-1] % max(n, 1))
    return _shaped(OPS["index_put"](x, value, (*at[:-1], once), False), input)


def flat_places(name: str, input: Tensor, index: Tensor) -> Any:
    """Indices into all elements in row-major order, checked; -1 is the last."""
    places, n = index.array, input.numel()
    if places.dtype.name != "int64":
        raise RuntimeError(
            f"{name}(): Expected a long tensor for index, but got {places.dtype}; index.long() fits"
        )
    if isinstance(places, np.ndarray) and places.size:
        wrong = [i for i in (int(places.min()), int(places.max())) if not -n <= i < n]
        if wrong:
            raise IndexError(
                f"{name}(): out of range: tried to access index {wrong[0]} on a tensor of {n} "
                "elements."
            )
    return places


@function
def put(input, index, source, accumulate=False):
    """A copy with ``source`` written (or added) at indices into all elements in a row."""
    _same_type("put", input, source)
    if index.numel() != source.numel():
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source.numel()}, index.numel() = {index.numel()}"
        )
    at = (flat_places("put_", input, index).reshape(-1),)
    out = OPS["index_put"](input.reshape(-1), source.reshape(-1), at, accumulate)
    return out.reshape(input.shape)


@function
def take(input, index):
    """The elements at indices into all elements in a row, in the shape of the indices.

    >>> fb.take(fb.tensor([[1, 2], [3, 4]]), fb.tensor([0, 3]))
    tensor([1, 4])
    """
    if not input.numel() and index.numel():
        raise IndexError("take(): tried to take from an empty tensor")
    return OPS["index"](input.reshape(-1), (flat_places("take", input, index),))


# Indices themselves


@function(on="fb")
def unravel_index(indices, shape):
    """Indices into a flattened shape as a tuple of indices, one for each dimension.

    >>> fb.unravel_index(fb.tensor([5]), (2, 3))
    (tensor([1]), tensor([2]))
    """
    if indices.array.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(not isinstance(n, (int, np.integer)) for n in sizes):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {shape!r}")
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    xp, left, parts = module_of(indices.array), indices.array.astype("int64"), []
    for n in reversed(sizes):
        parts.append(wrap_(xp.asarray(left % max(n, 1))))
        left = left // max(n, 1)
    return tuple(reversed(parts))


@function
def nonzero_static(input, *, size, fill_value=-1):
    """The first ``size`` rows of ``nonzero``, with rows of ``fill_value`` where it has fewer."""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = nonzero(input)
    xp = module_of(input.array)
    out = xp.full((size, input.ndim), fill_value, "int64")
    out[: len(found)] = found.array[:size]
    return wrap_(out)


@function(on="Tensor")
def fill_diagonal_(self, fill_value, wrap=False):
    """Writes a value where all indices are equal; ``wrap`` begins anew below a tall matrix."""
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.ndim > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    rows, columns = self.shape[0], self.shape[-1]
    places = module_of(self.array).arange(rows if wrap and self.ndim == 2 else min(rows, columns))
    if wrap and self.ndim == 2:
        flat = places * (columns + 1)
        flat = flat[flat < rows * columns]
        at = (flat // max(columns, 1), flat % max(columns, 1))
    else:
        at = (places,) * self.ndim
    self[tuple(wrap_(a) for a in at)] = fill_value
    return self
