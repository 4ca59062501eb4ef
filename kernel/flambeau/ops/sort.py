"""Largest and smallest, order and ranks."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from ..device import module_of
from ..kernels import SMALL, fast, places, spread
from ..kernels import order as fast_order
from ..kernels import reduce as loops
from ..kernels.folded import folded, reduced
from ..tensor import Tensor, wrap
from .along import read_along, write_along
from .arithmetic import maximum, minimum
from .reduce import axes, unreduce, whole
from .registry import function, op
from .shape import at_dim

_INT64 = np.dtype(np.int64)
LARGEST, SMALLEST = np.int32(0), np.int32(-1)  # how `extremes` is told which

RESULTS: dict[str, Any] = {}  # what `return_types` shows


def result_type(name: str, *fields: str) -> Any:
    """A named tuple that prints as PyTorch's ``torch.return_types``."""
    if name in RESULTS:
        return RESULTS[name]
    made: Any = namedtuple(name, fields)  # type: ignore[misc]

    def text(self: Any) -> str:
        parts = ",\n".join(f"{f}={v!r}" for f, v in zip(fields, self, strict=True))
        return f"torch.return_types.{name}(\n{parts})"

    made.__repr__ = text  # type: ignore[method-assign, assignment]
    made.__module__ = f"{__name__.split('.')[0]}.return_types"
    RESULTS[name] = made
    return made


_Max, _Min, _Sort, _Topk = (
    result_type(name, "values", "indices") for name in ("max", "min", "sort", "topk")
)


def _pad_scalar(x):
    return x.reshape(1) if x.ndim == 0 else x


def _nonempty(x, name, dim):
    if x.dtype.kind == "c":
        kind = RuntimeError if name[:3] == "arg" else NotImplementedError
        raise kind(f"{name}() does not support complex input: complex numbers have no order")
    size = x.size if dim is None else (x.shape[dim] if x.ndim else 1)
    if not size:
        raise (RuntimeError if dim is None and name[:3] != "arg" else IndexError)(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0."
            if dim is None
            else f"{name}(): Expected reduction dim {dim} to have non-zero size."
        )


def _nonempty_over(x, name, dim):
    along = axes(dim)
    for one in along if isinstance(along, tuple) else (along,):
        _nonempty(x, name, one)


@op
def amax(xp, x, /, dim=(), keepdim=False):
    """The largest element over ``dim``; ties share the gradient evenly.

    >>> fb.tensor([[1, 5], [7, 2]]).amax(0)
    tensor([7, 5])
    """
    _nonempty_over(x, "amax", dim)
    if fast(x) and (shape := folded(x.shape, axes(dim))) and shape[2] == 1:
        return reduced(x, axes(dim), keepdim, loops.extremes, None, LARGEST)
    return x.max(axis=axes(dim), keepdims=keepdim)


@op
def amin(xp, x, /, dim=(), keepdim=False):
    """The smallest element over ``dim``; ties share the gradient evenly."""
    _nonempty_over(x, "amin", dim)
    if fast(x) and (shape := folded(x.shape, axes(dim))) and shape[2] == 1:
        return reduced(x, axes(dim), keepdim, loops.extremes, None, SMALLEST)
    return x.min(axis=axes(dim), keepdims=keepdim)


@op(on="", name="max", backward="MaxBackward1")
def max_all(xp, x):
    """The largest element."""
    _nonempty(x, "max", None)
    return x.max()


@op(on="", name="min", backward="MinBackward1")
def min_all(xp, x):
    """The smallest element."""
    _nonempty(x, "min", None)
    return x.min()


def _to_extremes(ns, g, x, out, dim=None, keepdim=False):
    g, out = (unreduce(ns, v, x.shape, dim, keepdim) for v in (g, out))
    chosen = ns.cast(x == out, x.dtype if not ns.taped else x.array.dtype)
    return chosen * (g / ns.sum(chosen, dim, True))


for _one in (amax, amin):
    _one.gradients(
        x=lambda ns, g, x, out, dim, keepdim: _to_extremes(ns, g, x, out, axes(dim), keepdim)
    )
for _one in (max_all, min_all):
    _one.gradients(x=lambda ns, g, x, out: _to_extremes(ns, g, x, out))


def _picked(xp, x, places, dim, keepdim):
    """The elements at the places found along ``dim``, and the places."""
    places = xp.expand_dims(places, dim)
    values = xp.take_along_axis(x, places, dim)
    out = (values, places) if keepdim else (values.squeeze(dim), places.squeeze(dim))
    return tuple(v.astype(k, copy=False) for v, k in zip(out, (x.dtype, "int64"), strict=True))


def _extreme(xp, x, dim, keepdim, name):
    dim = at_dim(dim, x.ndim)
    _nonempty(x, name, dim)
    if x.__class__ is np.ndarray and x.ndim and x.size < SMALL:
        found = (x.argmax if name == "max" else x.argmin)(dim, keepdims=keepdim)
        return (x.max if name == "max" else x.min)(dim, keepdims=keepdim), found
    if x.ndim == 0:
        return x.copy(), xp.zeros((), "int64")
    if fast(x) and dim < x.ndim - 1:
        found = _middle_extremes(x, dim, name)
        return [xp.expand_dims(v, dim) for v in found] if keepdim else found
    return _picked(xp, x, getattr(xp, f"arg{name}")(x, axis=dim), dim, keepdim)


def _middle_extremes(x, dim, name):
    """The extremes along a dimension that is not the last, and their places."""
    outer, _, inner = shape = folded(x.shape, dim)
    values, places = np.empty((outer, inner), x.dtype), np.empty((outer, inner), np.int64)
    flip = LARGEST if name == "max" else SMALLEST
    spread(loops.middle_extremes, x.size, (x.reshape(shape), values, places), flip)
    return [v.reshape(*x.shape[:dim], *x.shape[dim + 1 :]) for v in (values, places)]


@op(on="", outputs=2, reads=1, backward="MaxBackward0")
def max_dim(xp, x, /, dim, keepdim):
    """The largest along a dimension, and where each is."""
    return _extreme(xp, x, dim, keepdim, "max")


@op(on="", outputs=2, reads=1, backward="MinBackward0")
def min_dim(xp, x, /, dim, keepdim):
    """The smallest along a dimension, and where each is."""
    return _extreme(xp, x, dim, keepdim, "min")


def _to_picked(ns, g, x_shape, out, dim, keepdim):
    g, places = g[0], out[1]
    if x_shape and not keepdim:
        g, places = ns.unsqueeze(g, dim), ns.unsqueeze(places, dim)
    return ns.gather_put(g, places, tuple(x_shape), dim)


for _one in (max_dim, min_dim):
    _one.gradients(
        x=lambda ns, g, x_shape, out, dim, keepdim: _to_picked(
            ns, g, x_shape, out, dim % (len(x_shape) or 1), keepdim
        )
    )


def _tensor(name, input):
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")


@function
def max(input, dim=None, keepdim=False, *, other=None):
    """The largest element; with ``dim`` (values, indices) along it; with a tensor `maximum`.

    >>> fb.tensor([[1, 5], [7, 2]]).max(dim=1)
    torch.return_types.max(
    values=tensor([5, 7]),
    indices=tensor([1, 0]))
    """
    _tensor("max", input)
    if isinstance(dim, Tensor) or other is not None:
        return maximum(input, dim if other is None else other)
    return max_all(input) if dim is None else _Max(*max_dim(input, dim, keepdim))


@function
def min(input, dim=None, keepdim=False, *, other=None):
    """The smallest element; with ``dim`` (values, indices) along it; with a tensor `minimum`.

    >>> fb.tensor([[1, 5], [7, 2]]).min()
    tensor(1)
    """
    _tensor("min", input)
    if isinstance(dim, Tensor) or other is not None:
        return minimum(input, dim if other is None else other)
    return min_all(input) if dim is None else _Min(*min_dim(input, dim, keepdim))


@function
def aminmax(input, *, dim=None, keepdim=False):
    """The smallest and the largest together.

    >>> fb.aminmax(fb.tensor([3, 1, 2]))
    torch.return_types.aminmax(
    min=tensor(1),
    max=tensor(3))
    """
    if isinstance(dim, (list, tuple)):
        raise TypeError(f"aminmax(): argument 'dim' must be one int, not {type(dim).__name__}")
    where = () if dim is None else dim
    return result_type("aminmax", "min", "max")(
        amin(input, where, keepdim), amax(input, where, keepdim)
    )


def _arg(xp, x, dim, keepdim, name):
    if x.dtype.kind == "b":
        raise RuntimeError(f"arg{name} is not implemented for booleans; use x.int()")
    _nonempty(x, f"arg{name}", dim)
    if x.__class__ is np.ndarray and x.ndim and dim.__class__ is int:
        return (x.argmax if name == "max" else x.argmin)(at_dim(dim, x.ndim), keepdims=keepdim)
    find = getattr(xp, f"arg{name}")
    dim = dim if x.ndim else whole(dim)
    if dim is None:
        found = xp.asarray(find(x))
        return (found.reshape((1,) * x.ndim) if keepdim else found).astype("int64")
    dim = at_dim(dim, x.ndim)
    if fast(x) and dim < x.ndim - 1:
        found = _middle_extremes(x, dim, name)[1]
    else:
        found = find(x, axis=dim).astype("int64", copy=False)
    return xp.expand_dims(found, dim) if keepdim else found


@op
def argmax(xp, x, /, dim=None, keepdim=False):
    """The index of the largest element, along ``dim`` or in the flattened input.

    >>> fb.tensor([[1, 5], [7, 2]]).argmax(dim=1)
    tensor([1, 0])
    """
    return _arg(xp, x, dim, keepdim, "max")


@op
def argmin(xp, x, /, dim=None, keepdim=False):
    """The index of the smallest element, along ``dim`` or in the flattened input.

    >>> fb.tensor([3.0, 1.0, 2.0]).argmin()
    tensor(1)
    """
    return _arg(xp, x, dim, keepdim, "min")


def ranks(xp, x, dim, descending):
    """The indices that sort x along a dimension; equal elements keep their order."""
    if not descending:
        return x.argsort(dim, "stable") if xp is np else xp.argsort(x, axis=dim, kind="stable")
    back = (*(slice(None),) * (dim % x.ndim), slice(None, None, -1))
    return (x.shape[dim] - 1 - ranks(xp, x[back], dim, False))[back]


@op(on="", name="sort", outputs=2, reads=1)
def sort_op(xp, x, /, dim, descending, length=None):
    """The elements in order along a dimension, the first ``length`` of them, and their places."""
    if x.dtype.kind == "c":
        raise RuntimeError("complex numbers have no order; sort x.abs() or x.real")
    if x.ndim == 0:
        whole(dim)
        return x.copy(), xp.zeros((), "int64")
    dim = at_dim(dim, x.ndim)
    if (found := fast_order.ordered(x, dim, descending, length)) is not None:
        return found
    order = ranks(xp, x, dim, descending)
    if length is not None:
        order = order[(slice(None),) * dim + (slice(length),)]
    if not order.flags.c_contiguous:
        order = xp.ascontiguousarray(order)
    return read_along(xp, x, order, dim), order.astype(_INT64, copy=False)


@sort_op.gradient("x")
def _(ns, g, x_shape, out, dim):
    return ns.sort_put(g[0], out[1], tuple(x_shape), dim) if x_shape else g[0]


@op(on="")
def sort_put(xp, x, index, /, shape, dim):
    """Zeros of a shape with x written to places of which none is named twice."""
    out, dim = xp.zeros(shape, x.dtype), dim % len(shape)
    if not places.scattered(out, index, x, dim):
        write_along(xp, out, index, dim, x)
    return out


sort_put.gradients(x=lambda ns, g, index, dim: ns.gather(g, index, dim))


@function
def sort(input, dim=-1, descending=False, stable=False):
    """The elements in order along ``dim``, and the indices they had: (values, indices).

    >>> values, indices = fb.tensor([3, 1, 2]).sort()
    >>> values, indices
    (tensor([1, 2, 3]), tensor([1, 2, 0]))
    """
    return _Sort(*sort_op(input, dim, descending))


@function
def argsort(input, dim=-1, descending=False, stable=False):
    """The indices that put the elements in order along ``dim``.

    >>> fb.tensor([3, 1, 2]).argsort(descending=True)
    tensor([0, 2, 1])
    """
    return sort_op(input, dim, descending)[1]


@function
def msort(input):
    """The rows' elements in order along the first dimension."""
    return sort_op(input, 0, False)[0]


@function
def topk(input, k, dim=-1, largest=True, sorted=True):
    """The k largest (or smallest) along ``dim``, in order: (values, indices).

    >>> fb.tensor([4.0, 1.0, 3.0]).topk(2).indices
    tensor([0, 2])
    """
    ndim = input.array.ndim
    n = input.array.shape[at_dim(dim, ndim)] if ndim else 1
    if input.array.dtype.kind == "b":
        raise RuntimeError("topk does not support bool dtypes; use x.int()")
    if not 0 <= int(k) <= n:
        raise RuntimeError(f"selected index k out of range: {k} of {n} elements along dim {dim}")
    return _Topk(*sort_op(input, dim, bool(largest), int(k)))


def _distinct(x):
    """The values that occur, in order; every NaN is one of its own."""
    line = np.sort(x, None)
    first = np.ones(line.shape, bool)
    np.not_equal(line[1:], line[:-1], out=first[1:])
    return line[first]


@function
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The values that occur, in order; with the index of each element among them, and counts.

    >>> fb.unique(fb.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    if dim is not None and any(n == 0 for i, n in enumerate(input.shape) if i != dim % input.ndim):
        raise RuntimeError(
            "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
        )
    xp = module_of(input.array)
    array, plain = input.array, not (return_inverse or return_counts)
    if dim is None and plain and array.__class__ is np.ndarray and array.dtype.kind in "iuf":
        return wrap(_distinct(array))
    found = xp.unique(
        input.array,
        return_inverse=return_inverse,
        return_counts=return_counts,
        axis=None if dim is None else at_dim(dim, input.ndim),
        equal_nan=False,
    )
    if not (return_inverse or return_counts):
        return wrap(found)
    values, *others = found
    if return_inverse:
        others[0] = others[0].reshape(input.array.shape if dim is None else -1)
    return (wrap(values), *(wrap(o.astype("int64", copy=False)) for o in others))
