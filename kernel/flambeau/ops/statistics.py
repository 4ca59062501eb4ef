"""Order statistics, counting, and what is made of differences along a dimension."""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..device import module_of
from ..dtypes import FLOATING
from ..tensor import Tensor, wrap
from .reduce import mean, spread
from .registry import OPS, function, op
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


@op(on="", name="kthvalue", outputs=2)
def kth_op(xp, x, /, k, dim, keepdim):
    """The k-th smallest along a dimension, and where it is."""
    shape = tuple(1 if i == dim else n for i, n in enumerate(x.shape))
    return _kth(xp, x, xp.full(shape, k - 1, "int64"), dim, keepdim)


@op(on="", name="median", outputs=2)
def median_op(xp, x, /, dim, keepdim, skip):
    """The lower median along a dimension, and where it is; NaN wins unless skipped."""
    broken = xp.isnan(x).sum(axis=dim, keepdims=True) if x.ndim else 0
    n = x.shape[dim] if x.ndim else 1
    if skip:
        k = xp.maximum(n - broken - 1, 0) // 2
    else:
        k = xp.where(broken > 0, n - broken, (n - 1) // 2)
    return _kth(xp, x, xp.asarray(k), dim, keepdim)


@op(on="", name="mode", outputs=2)
def mode_op(xp, x, /, dim, keepdim):
    """The most frequent value along a dimension (of several the smallest), and its last place."""
    if not x.ndim:
        return x.copy(), xp.zeros((), "int64")
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
    """The k-th smallest along ``dim``, and its index: (values, indices)."""
    at = at_dim(dim, input.ndim)
    n = input.shape[at] if input.ndim else 1
    if not 1 <= k <= n:
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(dim))
    return _Kthvalue(*kth_op(input, k, at, keepdim))


def _median(input, dim, keepdim, skip, kind):
    if dim is None:
        if not input.numel():
            return input.new_full((), float("nan"))
        return median_op(input.reshape(-1), 0, False, skip)[0]
    return kind(*median_op(input, at_dim(dim, input.ndim), keepdim, skip))


@function
def median(input, dim=None, keepdim=False):
    """The middle element, of two the lower; with ``dim`` (values, indices) along it."""
    return _median(input, dim, keepdim, False, _Median)


@function
def nanmedian(input, dim=None, keepdim=False):
    """`median` of the elements that are not NaN."""
    return _median(input, dim, keepdim, True, _Nanmedian)


@function
def mode(input, dim=-1, keepdim=False):
    """The most frequent value along ``dim``, and an index of it: (values, indices)."""
    return _Mode(*mode_op(input, at_dim(dim, input.ndim), keepdim))


@op
def nanmean(xp, x, /, dim=None, keepdim=False, dtype=None):
    """Mean over ``dim`` of the elements that are not NaN."""
    if x.dtype not in FLOATING:
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
    if not x.ndim:
        return x.copy(), xp.zeros((), "int64")
    values = _scan(xp, xp.maximum if grows else xp.minimum, x, dim)
    shape = [-1 if i == dim else 1 for i in range(x.ndim)]
    here = xp.arange(x.shape[dim]).reshape(shape)
    at = xp.where((x == values) | xp.isnan(x), here, 0)
    return values, _scan(xp, xp.maximum, at, dim).astype("int64")


@op(on="", name="cummax", outputs=2)
def cummax_op(xp, x, /, dim):
    """The largest so far along a dimension, and where it is."""
    return _running(xp, x, dim, True)


@op(on="", name="cummin", outputs=2)
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


@op
def logcumsumexp(xp, x, /, dim):
    """log of the running sum of exp(x), without overflow."""
    return _scan(xp, xp.logaddexp, x, dim) if x.ndim else x.copy()


@logcumsumexp.gradient("x")
def _(ns, g, x, out, dim):
    if not x.ndim:
        return g
    top = ns.amax(x, (dim,), True) * 0.5 + ns.amin(x, (dim,), True) * 0.5
    weighed = ns.flip(ns.cumsum(ns.flip(g * ns.exp(top - out), (dim,)), dim), (dim,))
    return weighed * ns.exp(x - top)


# Counting


@function
def bincount(input, weights=None, minlength=0):
    """How often each whole number occurs, or the sums of the weights of each."""
    x, xp = input.array, module_of(input.array)
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and int(x.min()) < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return wrap(xp.bincount(x, minlength=minlength).astype("int64"))
    found = xp.bincount(x, weights.array, minlength)
    return wrap(found.astype("float32" if weights.array.dtype == "float32" else "float64"))


@function
def histc(input, bins=100, min=0, max=0):
    """How many elements fall in each of ``bins`` equal parts of [min, max]."""
    x, xp = input.array, module_of(input.array)
    if x.dtype.kind != "f":
        raise RuntimeError(f'"histogram_cpu" not implemented for {x.dtype.name}')
    low, high = (float(x.min()), float(x.max())) if min == max and x.size else (min, max)
    low, high = (low - 1, high + 1) if low == high else (low, high)
    if low > high:
        raise RuntimeError("max must be larger than min")
    return wrap(xp.histogram(x.reshape(-1), bins, (low, high))[0].astype(x.dtype))


def _search(sequence, values, right, side, dtype):
    if side == "left" and right:
        raise RuntimeError("side and right can't be set to opposites")
    side = side or ("right" if right else "left")
    xp, kind = module_of(sequence), "int32" if dtype else "int64"
    values = xp.asarray(values)
    if sequence.ndim == 1:
        return wrap(xp.asarray(xp.searchsorted(sequence, values, side)).astype(kind))
    lines = sequence.reshape(-1, sequence.shape[-1])
    wanted = values.reshape(len(lines), -1)
    found = [xp.searchsorted(a, b, side) for a, b in zip(lines, wanted, strict=True)]
    return wrap(xp.stack(found).reshape(values.shape).astype(kind))


@function(on="fb")
def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None):
    """Where each value would go in a sorted sequence (or in each row of it) to keep it sorted."""
    sequence = sorted_sequence
    if sorter is not None:
        sequence = OPS["gather"](sequence, sorter, -1)
    values = input.array if isinstance(input, Tensor) else input
    return _search(sequence.array, values, right, side, out_int32)


@function(on="fb")
def bucketize(input, boundaries, *, out_int32=False, right=False):
    """The number of the bucket, between sorted boundaries, that each value falls in."""
    values = input.array if isinstance(input, Tensor) else input
    return _search(boundaries.array, values, right, None, out_int32)


@function
def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The values without those that equal their neighbour before."""
    xp = module_of(input.array)
    x = input.array.reshape(-1) if dim is None else xp.moveaxis(input.array, dim, 0)
    changed = (x[1:] != x[:-1]).reshape(max(len(x) - 1, 0), -1).any(1)
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


# Differences and areas


@function
def diff(input, n=1, dim=-1, prepend=None, append=None):
    """The differences of neighbours along ``dim``, taken n times."""
    parts = [t for t in (prepend, input, append) if t is not None]
    x = OPS["cat"](parts, dim) if len(parts) > 1 else input
    for _ in range(min(n, x.shape[dim])):
        size = x.shape[dim] - 1
        if x.dtype == dtypes.bool_:
            x = OPS["logical_xor"](x.narrow(dim, 1, size), x.narrow(dim, 0, size))
        else:
            x = x.narrow(dim, 1, size) - x.narrow(dim, 0, size)
    return x


def _strips(y, x, dx, dim):
    n = y.shape[dim] - 1
    heights = (y.narrow(dim, 1, n) + y.narrow(dim, 0, n)) / 2
    if x is None:
        return heights * dx
    widths = diff(x) if x.ndim == 1 else diff(x, dim=dim)
    if x.ndim == 1:
        widths = widths.reshape([-1 if i == dim % y.ndim else 1 for i in range(y.ndim)])
    return heights * widths


@function(on="fb", aliases=["trapz"])
def trapezoid(y, x=None, *, dx=1, dim=-1):
    """The area under y along ``dim`` by trapezoids, over points x or steps of dx."""
    return _strips(y, x, dx, dim).sum(dim)


@function(on="fb")
def cumulative_trapezoid(y, x=None, *, dx=1, dim=-1):
    """The area under y so far along ``dim``, by trapezoids."""
    return OPS["cumsum"](_strips(y, x, dx, dim), dim)


@function
def cov(input, *, correction=1, fweights=None, aweights=None):
    """The covariance matrix of the rows."""
    x = input.reshape(1, -1) if input.ndim < 2 else input
    weights = fweights if aweights is None else aweights
    if fweights is not None and aweights is not None:
        weights = fweights * aweights
    if weights is None:
        away, total = x - mean(x, 1, True), float(x.shape[1])
        found = away @ away.mT / max(total - correction, 0.0)
    else:
        total = weights.sum()
        away = x - (x * weights).sum(1, keepdim=True) / total
        spare = (weights * aweights).sum() / total if aweights is not None else 1
        found = (away * weights) @ away.mT / (total - correction * spare)
    return found.squeeze()


@function
def corrcoef(input):
    """The correlation matrix of the rows."""
    found = cov(input)
    if not found.ndim:
        return found / found
    size = OPS["sqrt"](OPS["diagonal"](found, 0, 0, 1))
    return OPS["clamp"](found / size[:, None] / size[None, :], -1, 1)
