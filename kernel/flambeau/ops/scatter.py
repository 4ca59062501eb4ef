"""Writing by index tensors: scatter, index_add, put and their kin.

Several sources that go to one place are added, multiplied, averaged, or the largest or smallest
is taken. All of these are one operation, `reduce_at`, given an index as ``x[at]`` takes it.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ..device import module_of
from ..dtypes import is_float
from ..kernels import SMALL, places
from ..tensor import Tensor, wrap
from .along import add_along, check_index, places_of, write_along
from .gather import gather_put, sum_at
from .registry import function, op
from .shape import at_dim

# The operation


def _unit(dtype, how):
    """The number that changes no sum, product, or comparison."""
    if how in ("sum", "mean", "prod"):
        return how == "prod"
    if dtype.kind == "b":
        return how == "amin"
    if is_float(dtype):
        return -inf if how == "amax" else inf
    limits = np.iinfo(dtype)
    return limits.min if how == "amax" else limits.max


def _times(xp, out, at, src):
    """Multiplies out[at] by src, once for each time that an element is named."""
    if xp is np:
        np.multiply.at(out, at, src)
        return
    host = out.get()  # CuPy has no multiply.at
    np.multiply.at(host, tuple(a.get() if hasattr(a, "get") else a for a in at), src.get())
    out[...] = xp.asarray(host)


def _counts(xp, x, at, include_self):
    """How many numbers each element is the mean of, at least 1."""
    ones = xp.ones(x[at].shape, xp.int64)
    return xp.maximum(sum_at(xp, x.shape, at, ones) + include_self, 1)


@op(on="")
def reduce_at(xp, x, src, /, at, how, include_self):
    """x with ``src`` worked in where ``at`` leads: "sum", "prod", "mean", "amax" or "amin"."""
    out = x.copy()
    src = xp.broadcast_to(src, x[at].shape)
    if not src.size:
        return out
    if not include_self:
        out[at] = _unit(x.dtype, how)
    if how == "prod":
        _times(xp, out, at, src)
    elif how == "amax":
        xp.maximum.at(out, at, src)
    elif how == "amin":
        xp.minimum.at(out, at, src)
    else:
        out += sum_at(xp, x.shape, at, src).astype(x.dtype, copy=False)
    if how == "mean":
        counts = _counts(xp, x, at, include_self)
        out = (out // counts if x.dtype.kind in "iu" else out / counts).astype(x.dtype)
    return out


@reduce_at.gradient("x")
def _(ns, g, x, src, out, at, how, include_self):
    if how == "prod":
        safe = ns.where(x == 0, 1.0, x)
        own = g * ns.reduce_at(safe, src, at, how, include_self) / safe
    elif how == "mean":
        own = _averaged(ns, g, src, at, include_self)
    elif how == "sum":
        own = g
    else:
        own = (x == out) * _shared(ns, g, x, src, out, at)
    return own if include_self else ns.index_put(own, 0.0, at, False)


@reduce_at.gradient("src")
def _(ns, g, x, src, out, at, how, include_self):
    if how == "prod":
        return _of_factors(ns, g, x, src, out, at, include_self)
    if how == "mean":
        return ns.index(_averaged(ns, g, src, at, include_self), at)
    if how == "sum":
        return ns.index(g, at)
    return (src == ns.index(out, at)) * ns.index(_shared(ns, g, x, src, out, at), at)


def _averaged(ns, g, src, at, include_self):
    """g over how many numbers each element is the mean of."""
    counts = ns.index_add_new(ns.zeros_of(src) + 1, tuple(g.shape), at) + float(include_self)
    return g / ns.where(counts == 0, 1.0, counts)


def _shared(ns, g, x, src, out, at):
    """g over how many are the largest (or smallest), among which it is shared out."""
    winners = ns.where(src == ns.index(out, at), ns.zeros_of(src) + 1, 0.0)
    count = ns.index_add_new(winners, tuple(x.shape), at)
    count = count + ns.where(x == out, ns.zeros_of(x) + 1, 0.0)
    return g / ns.where(count == 0, 1.0, count)


def _of_factors(ns, g, x, src, out, at, include_self):
    """The gradient of each factor: the product of the others. Only a lone zero gets around 0/0."""
    zero = src == 0
    zeros = ns.index_add_new(ns.where(zero, ns.zeros_of(src) + 1, 0.0), tuple(x.shape), at)
    lone = zero & (ns.index(zeros, at) == 1)
    others = ns.reduce_at(x, ns.where(lone, 1.0, src), at, "prod", include_self)
    rest = ns.index(g * out, at) / ns.where(zero, 1.0, src)
    return ns.where(lone, ns.index(g * others, at), rest)


# Along a dimension, at the places that `gather` would read


def _source(src, index):
    """The part of ``src`` that the index reaches."""
    if not getattr(src, "ndim", 0) or src.shape == index.shape:
        return src
    if src.ndim != index.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if any(n > m for n, m in zip(index.shape, src.shape, strict=True)):
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger size than src {list(src.shape)}"
        )
    return src[tuple(map(slice, index.shape))]


def _check_scatter(xp, x, index, src, dim):
    if hasattr(src, "dtype") and src.dtype != x.dtype:
        raise RuntimeError(
            f"scatter(): Expected self.dtype to be equal to src.dtype, got {x.dtype} and "
            f"{src.dtype}"
        )
    check_index(xp, x, index, dim, "scatter")
    if index.shape == x.shape:
        return
    for i, (n, m) in enumerate(zip(index.shape, x.shape, strict=False)):
        if n > m and i != dim and index.size:
            raise RuntimeError(
                f"Expected index {list(index.shape)} to be no larger than self {list(x.shape)} "
                f"apart from dimension {dim}"
            )


@op(on="", name="scatter")
def scatter_op(xp, x, index, src, /, dim):
    """x with src written at the places that gather would read."""
    dim, out = at_dim(dim, x.ndim), x.copy()
    if index.size >= SMALL and places.scattered(out, index, src, dim):
        return out
    _check_scatter(xp, x, index, src, dim)
    if index.size:
        write_along(xp, out, index, dim, _source(src, index))
    return out


@op(on="", name="scatter_add")
def scatter_add_op(xp, x, index, src, /, dim):
    """x with src added at the places that gather would read."""
    dim = at_dim(dim, x.ndim)
    out = x.copy()
    if index.size >= SMALL and places.scatter_added(out, index, src, dim):
        return out
    _check_scatter(xp, x, index, src, dim)
    if not index.size:
        return out
    if index.ndim and index.size < SMALL and add_along(xp, out, index, dim, _source(src, index)):
        return out
    added = gather_put.forward(xp, _source(src, index), index, x.shape, dim)
    return x + added.astype(x.dtype, copy=False)


def _to_source(ns, g, index, src_shape, dim):
    """What gather reads of g, with zeros where the index does not reach the source."""
    found = ns.gather(g, index, dim)
    if tuple(src_shape) == tuple(index.shape) or not src_shape:
        return found
    if not index.size:
        return ns.expand(ns.zeros_of(ns.sum(g)), tuple(src_shape))
    return ns.slice_put(found, tuple(src_shape), tuple(map(slice, index.shape)))


scatter_op.gradients(
    x=lambda ns, g, index, dim: ns.scatter(g, index, ns.zeros_of(ns.sum(g)), dim),
    src=lambda ns, g, index, src_shape, dim: _to_source(ns, g, index, src_shape, dim),
)
scatter_add_op.gradients(
    x=lambda g: g,
    src=lambda ns, g, index, src_shape, dim: _to_source(ns, g, index, src_shape, dim),
)


def _in_a_row(input: Tensor, index: Tensor, src: Any = None) -> tuple[Any, Any, Any]:
    """A 0-d input, index and source as vectors; others as they are."""
    if input.array.ndim and index.array.ndim:
        return input, index, src
    grown = (t.reshape(1) if isinstance(t, Tensor) and not t.ndim else t for t in (input, index))
    return (*grown, src.reshape(1) if isinstance(src, Tensor) and not src.ndim else src)


@function
def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    """A copy with ``src`` (or a value) written along ``dim`` where ``gather`` would read.

    >>> fb.zeros(2, 3).scatter(1, fb.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    src = value if src is None else src
    if isinstance(src, Tensor) and not src.ndim and index.ndim and value is not None:
        src = src.item()
    shape = input.shape
    input, index, src = _in_a_row(input, index, src)
    if src.__class__ is float and input.array.dtype == np.float32:
        src = wrap(module_of(input.array).array(src, "float32"))
    elif not isinstance(src, Tensor):
        src = input.new_tensor(src).to(input.dtype)
    if reduce is None:
        return _shaped(scatter_op(input, index, src, dim), shape)
    if reduce not in ("add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce!r}")
    return _reduced(input, dim, index, src, {"add": "sum", "multiply": "prod"}[reduce], shape)


@function
def scatter_add(input, dim, index, src):
    """A copy with ``src`` added along ``dim`` where ``gather`` would read.

    >>> fb.zeros(3).scatter_add(0, fb.tensor([0, 0, 2]), fb.ones(3))
    tensor([2., 0., 1.])
    """
    shape = input.shape
    return _shaped(scatter_add_op(*_in_a_row(input, index, src), dim), shape)


def _shaped(made, shape):
    """In another shape, where that is not its own (of a tensor that had no dimensions)."""
    return made if made.array.shape == shape else made.reshape(shape)


def _reduced(input, dim, index, src, how, shape, include_self=True):
    xp, dim = module_of(input.array), at_dim(dim, input.ndim)
    _check_scatter(xp, input.array, index.array, src.array, dim)
    if not index.numel():
        return input.clone().reshape(shape)
    at = places_of(xp, input.shape, index.array, dim)
    return reduce_at(input, _source(src, index), at, how, include_self).reshape(shape)


@function
def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    """A copy with ``src`` worked in along ``dim`` where ``gather`` would read.

    ``reduce`` is "sum", "prod", "mean", "amax" or "amin"; ``include_self=False`` leaves out what
    stood there.

    >>> fb.zeros(2).scatter_reduce(0, fb.tensor([0, 0, 1]), fb.tensor([1.0, 5.0, 2.0]), "amax")
    tensor([5., 2.])
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    shape = input.shape
    input, index, src = _in_a_row(input, index, src)
    return _reduced(input, dim, index, src, reduce, shape, include_self)
