"""Order statistics, running extremes, places in what is sorted, and how rows vary together."""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..device import module_of
from ..dtypes import FLOATING
from ..tensor import Tensor, wrap
from .pairs import log_of_sum
from .reduce import mean, spread
from .registry import OPS, function, op
from .running import running
from .shape import at_dim
from .sort import _to_picked, result_type

_Median, _Nanmedian, _Mode, _Kthvalue, _Cummax, _Cummin = (
    result_type(name, "values", "indices")
    for name in ("median", "nanmedian", "mode", "kthvalue", "cummax", "cummin")
)

# The k-th smallest


def _kth(xp, x, k, dim, keepdim):
    """The k-th smallest (k an array with ``dim`` kept) along a dimension, and where it is."""
    if not x.ndim:
        return x.copy(), xp.zeros((), "int64")
    place = xp.take_along_axis(xp.argsort(x, axis=dim, kind="stable"), k, dim)
    value = xp.take_along_axis(x, place, dim)
    if not keepdim:
        value, place = value.squeeze(dim), place.squeeze(dim)
    return value, place.astype("int64")


@op(on="", name="kthvalue", outputs=2, reads=1)
def kth_op(xp, x, /, k, dim, keepdim):
    """The k-th smallest along a dimension, and where it is."""
    shape = tuple(1 if i == dim else n for i, n in enumerate(x.shape))
    return _kth(xp, x, xp.full(shape, k - 1, "int64"), dim, keepdim)


@op(on="", name="median", outputs=2, reads=1)
def median_op(xp, x, /, dim, keepdim, skip):
    """The lower median along a dimension, and where it is; NaN wins unless skipped."""
    if x.dtype.kind in "bc":
        raise NotImplementedError(f"the median of {x.dtype.name} is not defined")
    broken = xp.isnan(x).sum(axis=dim, keepdims=True) if x.ndim else 0
    n = x.shape[dim] if x.ndim else 1
    if skip:
        k = xp.maximum(n - broken - 1, 0) // 2
    else:
        k = xp.where(broken > 0, n - broken, (n - 1) // 2)
    return _kth(xp, x, xp.asarray(k), dim, keepdim)


@op(on="", name="mode", outputs=2, reads=1)
def mode_op(xp, x, /, dim, keepdim):
    """The most frequent value along a dimension (of several the smallest), and its last place."""
    if not x.ndim:
        return x.copy(), xp.zeros((), "int64")
    if not x.shape[dim]:
        raise IndexError(f"mode(): Expected reduction dim {dim} to have non-zero size.")
    lines = xp.moveaxis(x, dim, -1)
    ordered = xp.sort(lines, axis=-1)
    counts = (ordered[..., :, None] == ordered[..., None, :]).sum(-1)
    value = xp.take_along_axis(ordered, counts.argmax(-1)[..., None], -1)
    n = lines.shape[-1]
    place = n - 1 - (lines == value)[..., ::-1].argmax(-1)
    value, place = (value, place[..., None]) if keepdim else (value[..., 0], place)
    if keepdim:
        value, place = xp.moveaxis(value, -1, dim), xp.moveaxis(place, -1, dim)
    return value, place.astype("int64")


for _one in (kth_op, median_op, mode_op):
    _one.gradients(
        x=lambda ns, g, x_shape, out, dim, keepdim: _to_picked(ns, g, x_shape, out, dim, keepdim)
    )


@function
def kthvalue(input, k, dim=-1, keepdim=False):
    """The k-th smallest along ``dim``, and its index: (values, indices).

    >>> fb.tensor([30, 10, 20]).kthvalue(2).values
    tensor(20)
    """
    at = at_dim(dim, input.ndim)
    n = input.shape[at] if input.ndim else 1
    if not 1 <= k <= n:
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(dim))
    return _Kthvalue(*kth_op(input, k, at, keepdim))


def _median(input, dim, keepdim, skip, kind):
    if dim is None:
        if not input.numel():
            nothing = input.new_full((), float("nan"), dtype=dtypes.float64)
            return nothing.to(input.dtype)  # what that is in integers, as PyTorch has it
        return median_op(input.reshape(-1), 0, False, skip)[0]
    dim = at_dim(dim, input.ndim)
    if input.ndim and not input.shape[dim]:
        raise IndexError(f"{kind.__name__}(): Expected reduction dim {dim} to have non-zero size.")
    return kind(*median_op(input, dim, keepdim, skip))


@function
def median(input, dim=None, keepdim=False):
    """The middle element, of two the lower; with ``dim`` (values, indices) along it.

    >>> fb.tensor([4, 1, 3, 2]).median()
    tensor(2)
    """
    return _median(input, dim, keepdim, False, _Median)


@function
def nanmedian(input, dim=None, keepdim=False):
    """`median` of the elements that are not NaN."""
    return _median(input, dim, keepdim, True, _Nanmedian)


@function
def mode(input, dim=-1, keepdim=False):
    """The most frequent value along ``dim``, and an index of it: (values, indices).

    >>> fb.tensor([3, 1, 3]).mode().values
    tensor(3)
    """
    return _Mode(*mode_op(input, at_dim(dim, input.ndim), keepdim))


@op
def nanmean(xp, x, /, dim=None, keepdim=False, dtype=None):
    """Mean over ``dim`` of the elements that are not NaN."""
    if x.dtype.kind == "c" or x.dtype not in FLOATING:
        raise RuntimeError(f"nanmean(): expected a floating point tensor, got {x.dtype.name}")
    axis = tuple(dim) if isinstance(dim, list) else dim
    inner = "float32" if x.dtype == "float16" else x.dtype
    total = xp.nansum(x, axis=axis, keepdims=keepdim, dtype=inner)
    count = (~xp.isnan(x)).sum(axis=axis, keepdims=keepdim)
    return xp.asarray(total / count).astype(x.dtype if dtype is None else dtypes.of(dtype).numpy)


@nanmean.gradient("x")
def _(ns, g, x, dim, keepdim):
    broken = ns.isnan(x)
    count = ns.sum(~broken, dim, keepdim)
    return ns.where(broken, 0.0, spread(ns, g / count, x.shape, dim, keepdim))


# Running


def _scan(xp, join, x, dim):
    """``join`` over each element and all before it, in log n steps; CuPy has no accumulate."""
    if xp is np:
        return join.accumulate(x, axis=dim)
    out, step = xp.moveaxis(x, dim, 0), 1
    while step < len(out):
        out = xp.concatenate([out[:step], join(out[step:], out[:-step])])
        step *= 2
    return xp.moveaxis(out, 0, dim)


def _running(xp, x, dim, grows):
    """The extreme so far along a dimension, and its last place."""
    if x.dtype.kind == "c":
        raise NotImplementedError("complex numbers have no order; use x.abs() or x.real")
    if not x.ndim:
        return x.copy(), xp.zeros((), "int64")
    values = _scan(xp, xp.maximum if grows else xp.minimum, x, dim)
    shape = [-1 if i == dim else 1 for i in range(x.ndim)]
    here = xp.arange(x.shape[dim]).reshape(shape)
    at = xp.where((x == values) | xp.isnan(x), here, 0)
    return values, _scan(xp, xp.maximum, at, dim).astype("int64")


@op(on="", name="cummax", outputs=2, reads=1)
def cummax_op(xp, x, /, dim):
    """The largest so far along a dimension, and where it is."""
    return _running(xp, x, dim, True)


@op(on="", name="cummin", outputs=2, reads=1)
def cummin_op(xp, x, /, dim):
    """The smallest so far along a dimension, and where it is."""
    return _running(xp, x, dim, False)


for _one in (cummax_op, cummin_op):
    _one.gradients(
        x=lambda ns, g, x_shape, out, dim: (
            ns.gather_put(g[0], out[1], tuple(x_shape), dim) if x_shape else g[0]
        )
    )


@function
def cummax(input, dim):
    """The largest so far along ``dim``, and its index: (values, indices)."""
    return _Cummax(*cummax_op(input, at_dim(dim, input.ndim)))


@function
def cummin(input, dim):
    """The smallest so far along ``dim``, and its index: (values, indices)."""
    return _Cummin(*cummin_op(input, at_dim(dim, input.ndim)))


@op(holomorphic=True)
def logcumsumexp(xp, x, /, dim):
    """log of the running sum of exp(x), without overflow."""
    if x.dtype not in FLOATING:
        raise NotImplementedError(f"logcumsumexp works on floats, not on {x.dtype.name}")
    line = running(x, dim)
    if x.dtype.kind == "f":
        return _scan(xp, xp.logaddexp, line, dim).reshape(x.shape)
    steps = list(xp.moveaxis(line, dim, 0))  # in turn, which decides the imaginary part
    for i in range(1, len(steps)):
        steps[i] = log_of_sum(xp, steps[i], steps[i - 1])
    return xp.moveaxis(xp.stack(steps), 0, dim).reshape(x.shape) if steps else x.copy()


@logcumsumexp.gradient("x")
def _(ns, g, x, out, dim):
    """The sum of g exp(x - out) over all that come later, in logarithms: exp(-out) may overflow."""
    if not x.ndim:
        return g
    array = getattr(g, "array", g)
    parts = ((1, g),) if array.dtype.kind == "c" else ((1, ns.relu(g)), (-1, ns.relu(-g)))
    lowest = float(np.finfo(array.dtype).min)
    total = 0
    for sign, part in parts:
        size = ns.where(part == 0, lowest, ns.log(ns.where(part == 0, 1.0, part)))
        later = ns.flip(ns.logcumsumexp(ns.flip(size - out, (dim,)), dim), (dim,))
        total = total + ns.exp(later + x) * sign
    return total


# Places and runs


def _search(sequence, values, right, side, dtype):
    if side not in (None, "left", "right"):
        raise RuntimeError(f"side can only be 'left' or 'right' but got {side!r}")
    if side == "left" and right:
        raise RuntimeError("side and right can't be set to opposites")
    side = side or ("right" if right else "left")
    xp, kind = module_of(sequence), "int32" if dtype else "int64"
    values = values if hasattr(values, "dtype") else xp.asarray(values)
    if sequence.ndim == 1:
        found = xp.asarray(xp.searchsorted(sequence, values, side))
    elif sequence.shape[:-1] != values.shape[:-1] or not values.ndim:
        raise RuntimeError(
            "the sorted sequence must be a vector, or have the dimensions of the input but for "
            f"the last: {sequence.shape} and {values.shape}"
        )
    else:
        found = xp.zeros(values.shape, kind)
        for at in np.ndindex(*sequence.shape[:-1]):
            found[at] = xp.searchsorted(sequence[at], values[at], side)
    return wrap(xp.where(values != values, sequence.shape[-1], found).astype(kind))  # NaN: last


@function(on="fb")
def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None):
    """Where each value would go in a sorted sequence (or in each row of it) to keep it sorted.

    >>> fb.searchsorted(fb.tensor([1, 3, 5]), fb.tensor([3, 4]))
    tensor([1, 2])
    """
    sequence = sorted_sequence
    if sorter is not None:
        sequence = OPS["gather"](sequence, sorter, -1)
    values = input.array if isinstance(input, Tensor) else input
    return _search(sequence.array, values, right, side, out_int32)


@function(on="fb")
def bucketize(input, boundaries, *, out_int32=False, right=False):
    """The number of the bucket, between sorted boundaries, that each value falls in.

    >>> fb.bucketize(fb.tensor([0, 3, 9]), fb.tensor([1, 5]))
    tensor([0, 1, 2])
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    values = input.array if isinstance(input, Tensor) else input
    return _search(boundaries.array, values, right, None, out_int32)


@function
def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The values without those that equal their neighbour before.

    >>> fb.tensor([1, 1, 2, 1]).unique_consecutive()
    tensor([1, 2, 1])
    """
    xp = module_of(input.array)
    x = input.array.reshape(-1) if dim is None else xp.moveaxis(input.array, dim, 0)
    changed = x[1:] != x[:-1]
    if dim is not None:
        changed = changed.any(tuple(range(1, x.ndim)))
    first = xp.concatenate([xp.ones(min(len(x), 1), bool), changed])
    values = x[first] if dim is None else xp.moveaxis(x[first], 0, dim)
    out = [wrap(values)]
    if return_inverse:
        inverse = xp.cumsum(first) - 1
        out.append(wrap(inverse.reshape(input.shape) if dim is None else inverse))
    if return_counts:
        edges = xp.concatenate([xp.flatnonzero(first), xp.asarray([len(x)])])
        out.append(wrap(xp.diff(edges).astype("int64")))
    return out[0] if len(out) == 1 else tuple(out)


# How rows vary together


@function
def cov(input, *, correction=1, fweights=None, aweights=None):
    """The covariance matrix of the rows.

    >>> fb.cov(fb.tensor([[1.0, 3.0], [2.0, -2.0]]))
    tensor([[ 2., -4.],
            [-4.,  8.]])
    """
    _check_rows("cov", input)
    x = input.reshape(1, -1) if input.ndim < 2 else input
    x = x if x.array.dtype in FLOATING else x.to(dtypes.get_default_dtype())
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        _check_weights(name, w, x.shape[1])
    given = [w for w in (fweights, aweights) if w is not None]
    if not given:
        away, total = x - mean(x, 1, True), float(x.shape[1])
        return (away @ away.mH / max(total - correction, 0.0)).squeeze()
    weights = given[0] if len(given) == 1 else fweights * aweights
    total = weights.sum()
    if not total:
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    away = x - (x * weights).sum(1, keepdim=True) / total
    spare = (weights * aweights).sum() / total if aweights is not None else 1
    freedom = total - correction * spare
    return ((away @ (away * weights).mH) / OPS["clamp"](freedom, 0)).squeeze()


def _check_rows(name, x):
    if x.ndim > 2:
        raise RuntimeError(
            f"{name}(): expected input to have two or fewer dimensions but got an input with "
            f"{x.ndim} dimensions"
        )
    if x.array.dtype.kind == "b":
        raise RuntimeError(f"{name}(): bool dtype is not supported for input")


def _check_weights(name, w, n):
    if w is None:
        return
    kind, needed = ("iu", "an integral") if name == "fweights" else ("f", "a floating point")
    if w.ndim > 1:
        raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions, not {w.ndim}")
    if w.array.dtype.kind not in kind:
        raise RuntimeError(f"cov(): expected {name} to have {needed} dtype but got {w.dtype.name}")
    if w.numel() != n:
        raise RuntimeError(f"cov(): expected {name} to have {n} elements, and got {w.numel()}")
    if n and bool((w.array < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")


@function
def corrcoef(input):
    """The correlation matrix of the rows."""
    _check_rows("corrcoef", input)
    found = cov(input)
    if not found.ndim:
        return found / found
    size = OPS["sqrt"](OPS["diagonal"](found, 0, 0, 1))
    size = size.real
    found = found / size[:, None] / size[None, :]
    if not found.is_complex():
        return OPS["clamp"](found, -1, 1)
    return OPS["complex"](*(OPS["clamp"](part, -1, 1) for part in (found.real, found.imag)))
